/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KSPAWN_ASYNC: the ioctl returns when the child exists, and whether it has executed its
 * program is read from a completion descriptor.  It is read when the child has ended: the
 * event is there by then, so the caller sleeps once.
 */
#include "ioctl.h"

enum { UNREAD_AT_MOST = 16 };

static _Thread_local struct ioctl_way own;

static int begin(const struct bench_request* request) {
    struct kspawn_completion completion = {.size = sizeof(completion), .capacity = UNREAD_AT_MOST};
    const int error = ioctl_begin(&own, request);
    if (error)
        return error;
    own.args.flags = KSPAWN_ASYNC;
    own.args.completion = ioctl(own.device, KSPAWN_IOC_COMPLETION, &completion);
    return own.args.completion < 0 ? errno : 0;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    const int pid = ioctl(own.device, KSPAWN_IOC_SPAWN, &own.args);
    if (pid < 0)
        return errno;
    child->pid = pid;
    return 0;
}

static int finish(struct bench_child* child, int* status) {
    /* A start that has failed leaves no child. */
    const int waited = bench_wait(child, status);
    struct kspawn_event event;
    ssize_t got;
    while ((got = read(own.args.completion, &event, sizeof(event))) < 0 && errno == EINTR)
        ;
    if (got != sizeof(event))
        return got < 0 ? errno : EIO;
    return event.error ? event.error : waited;
}

static void end(void) {
    if (own.args.completion > 0)
        close(own.args.completion);
    ioctl_end(&own);
}

const struct bench_way bench_way_kspawn_async = {
    .name = "kspawn_async", .begin = begin, .start = start, .finish = finish, .end = end};
