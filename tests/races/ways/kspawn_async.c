/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KSPAWN_ASYNC: the caller goes on as soon as there is a child, and learns later, from a
 * completion descriptor, what became of the start.  Each start here has a descriptor of
 * its own, so that it does not matter which thread finishes which start.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel_call.h"
#include "ways.h"

static int begin(const struct bench_request* request) {
    (void)request;
    return kernel_call_open();
}

static int start(const struct bench_request* request, struct bench_child* child) {
    struct kspawn_completion options = {.size = sizeof(options), .capacity = 1};
    struct kernel_call call;
    int error = kernel_call_fill(&call, request);
    if (error)
        return error;
    const int completion = ioctl(kernel_call_device(), KSPAWN_IOC_COMPLETION, &options);
    if (completion < 0)
        return errno;
    call.args.flags = KSPAWN_ASYNC;
    call.args.completion = completion;
    error = kernel_call_start(&call, &child->pid);
    if (error)
        close(completion);
    else
        child->state = (void*)(intptr_t)completion;
    return error;
}

static int finish(struct bench_child* child, int* status) {
    const int completion = (int)(intptr_t)child->state;
    struct kspawn_event event;
    ssize_t count;
    do
        count = read(completion, &event, sizeof(event));
    while (count < 0 && errno == EINTR);
    close(completion);
    if (count != sizeof(event) || event.pid != child->pid)
        return EIO;
    return event.error ? event.error : bench_wait(child, status);
}

const struct bench_way race_way_kspawn_async = {
    .name = "kspawn-async", .begin = begin, .start = start, .finish = finish};
