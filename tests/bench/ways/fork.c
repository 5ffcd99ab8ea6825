/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fork() and execve(), as in every textbook; a failure is told by exit status 127. */
#include <unistd.h>

#include "in_child.h"

static int start(const struct bench_request* request, struct bench_child* child) {
    child->pid = fork();
    if (child->pid == 0) {
        (void)in_child_exec(request, NULL);
        in_child_exit();
    }
    return child->pid < 0 ? errno : 0;
}

const struct bench_way bench_way_fork = {.name = "fork", .start = start, .finish = bench_wait};
