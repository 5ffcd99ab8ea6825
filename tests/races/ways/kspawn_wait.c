/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KSPAWN_WAIT: the caller sleeps in the one call until the program has ended. */
#include <errno.h>
#include <stdint.h>

#include "kernel_call.h"
#include "ways.h"

/* For finish(), in the place of a pointer: a wait status, or that there is none yet. */
enum { STILL_RUNNING = -1 };

static int begin(const struct bench_request* request) {
    (void)request;
    return kernel_call_open();
}

/* A signal ends the wait and not the child. */
static int start(const struct bench_request* request, struct bench_child* child) {
    struct kernel_call call;
    int error = kernel_call_fill(&call, request);
    if (error)
        return error;
    call.args.flags = KSPAWN_WAIT;
    error = kernel_call_start(&call, &child->pid);
    const bool interrupted = error == EINTR && call.result.step == KSPAWN_STEP_WAIT;
    child->state = (void*)(intptr_t)(interrupted ? STILL_RUNNING : call.result.status);
    return interrupted ? 0 : error;
}

static int finish(struct bench_child* child, int* status) {
    const intptr_t known = (intptr_t)child->state;
    if (known == STILL_RUNNING)
        return bench_wait(child, status);
    *status = (int)known;
    return 0;
}

const struct bench_way race_way_kspawn_wait = {
    .name = "kspawn-wait", .begin = begin, .start = start, .finish = finish};
