/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A builder: the child is created, given its file actions one call each, and started. */
#include "ioctl.h"

static _Thread_local struct ioctl_way own;

/* The child has no close-on-exec descriptor of the caller's: it is handed what it is to have. */
static int begin(const struct bench_request* request) {
    const int error = ioctl_begin(&own, request);
    for (size_t i = 0; !error && i < request->action_count; i++)
        if (own.actions[i].op == KSPAWN_ACTION_DUP2)
            own.actions[i].op = KSPAWN_ACTION_PASS;
    return error;
}

static int apply(int builder, unsigned i) {
    struct kspawn_args args = {
        .size = sizeof(args),
        .actions = (uintptr_t)&own.actions[i],
        .action_count = 1,
        .action_size = sizeof(*own.actions),
    };
    return ioctl(builder, KSPAWN_IOC_APPLY, &args) ? errno : 0;
}

/* The descriptor of a child that waits, and has the attributes of the request; or -1. */
static int create(void) {
    struct kspawn_args args = {
        .size = sizeof(args),
        .attr_flags = own.args.attr_flags,
        .sigdefault = own.args.sigdefault,
        .sigmask = own.args.sigmask,
    };
    return ioctl(own.device, KSPAWN_IOC_BUILDER, &args);
}

static int execute(int builder, struct bench_child* child) {
    struct kspawn_args args = own.args;
    args.attr_flags = 0;
    args.sigdefault = args.sigmask = 0;
    args.actions = 0;
    args.action_count = args.action_size = 0;
    child->pid = ioctl(builder, KSPAWN_IOC_START, &args);
    return child->pid < 0 ? errno : 0;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    const int builder = create();
    if (builder < 0)
        return errno;
    int error = 0;
    for (unsigned i = 0; !error && i < request->action_count; i++)
        error = apply(builder, i);
    if (!error)
        error = execute(builder, child);
    close(builder);
    return error;
}

static void end(void) {
    ioctl_end(&own);
}

const struct bench_way bench_way_builder = {
    .name = "builder", .begin = begin, .start = start, .finish = bench_wait, .end = end};
