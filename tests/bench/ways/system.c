/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* system() of the libc: a shell that executes the program.  The caller is blocked
 * until the program has ended. */
#include <errno.h>
#include <stdlib.h>

#include "shell.h"

static _Thread_local int last_status;

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    (void)child;
    last_status = system(shell_command);
    return last_status < 0 ? errno : 0;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    *status = last_status;
    return 0;
}

const struct bench_way bench_way_system = {
    .name = "system", .begin = shell_begin, .start = start, .finish = finish, .end = shell_end};
