/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfork() and execve(), nothing else: the least that can be done from user space.
 * It trusts that the caller has no signal handlers that could run in the child.
 */
#include <unistd.h>

#include "in_child.h"

static int start(const struct bench_request* request, struct bench_child* child) {
    volatile int error = 0;
    const pid_t pid = vfork();
    if (pid == 0) {
        error = in_child_exec(request, NULL);
        in_child_exit();
    }
    if (pid < 0)
        return errno;
    child->pid = pid;
    if (error) {
        int status;
        bench_wait(child, &status);
    }
    return error;
}

const struct bench_way bench_way_vfork = {.name = "vfork", .start = start, .finish = bench_wait};
