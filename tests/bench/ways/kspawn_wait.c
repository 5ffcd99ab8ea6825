/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KSPAWN_WAIT: one ioctl starts the program and sleeps until it has ended.  The caller is
 * blocked all the time. */
#include "ioctl.h"

static _Thread_local struct ioctl_way own;
static _Thread_local int last_status;

static int begin(const struct bench_request* request) {
    const int error = ioctl_begin(&own, request);
    own.args.flags = KSPAWN_WAIT;
    return error;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    struct kspawn_result result;
    struct kspawn_args args = own.args;
    args.result = (uintptr_t)&result;
    args.result_size = sizeof(result);
    const int pid = ioctl(own.device, KSPAWN_IOC_SPAWN, &args);
    if (pid < 0)
        return errno;
    child->pid = pid;
    last_status = result.status;
    return 0;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    *status = last_status;
    return 0;
}

static void end(void) {
    ioctl_end(&own);
}

const struct bench_way bench_way_kspawn_wait = {
    .name = "kspawn_wait", .begin = begin, .start = start, .finish = finish, .end = end};
