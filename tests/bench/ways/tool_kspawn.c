/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kspawn_capture_np(): a tool call in one call, of which the caller waits for all. */
#include <kspawn/backend.h>
#include <kspawn/capture.h>

#include "tool.h"

static _Thread_local struct tool own;
static _Thread_local int last_status;

static int begin(const struct bench_request* request) {
    const int error = kspawn_set_backend(KSPAWN_BACKEND_KERNEL);
    return error ? error : tool_begin(&own, request);
}

static int start(const struct bench_request* request, struct bench_child* child) {
    struct kspawn_capture call = KSPAWN_CAPTURE_INIT;
    struct kspawn_captured result = KSPAWN_CAPTURED_INIT;
    call.file = request->path;
    call.argv = request->argv;
    call.envp = request->envp;
    call.directory = own.directory;
    call.time_limit_ms = TOOL_LIMIT_MS;
    int error = kspawn_capture_np(&call, &result);
    if (!error && !tool_is_right(&own, result.out, result.out_size, result.err_size))
        error = EPROTO;
    child->pid = result.pid;
    last_status = result.status;
    kspawn_captured_free_np(&result);
    return error;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    *status = last_status;
    return 0;
}

static void end(void) {
    close(own.directory);
}

const struct bench_way bench_way_tool_kspawn = {
    .name = "tool_kspawn", .begin = begin, .start = start, .finish = finish, .end = end};
