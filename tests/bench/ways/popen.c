/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* popen() of the libc: a shell that executes the program, and a pipe from it. */
#include <errno.h>
#include <stdio.h>

#include "shell.h"

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    child->state = popen(shell_command, "re");
    return child->state ? 0 : errno;
}

static int finish(struct bench_child* child, int* status) {
    *status = pclose(child->state);
    return *status < 0 ? errno : 0;
}

const struct bench_way bench_way_popen = {
    .name = "popen", .begin = shell_begin, .start = start, .finish = finish, .end = shell_end};
