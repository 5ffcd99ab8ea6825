/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* system() of the libc: a shell that executes the program.  The caller is blocked
 * until the program has ended. */
#include <errno.h>
#include <stdlib.h>

#include "shell.h"

static _Thread_local char* command;
static _Thread_local int last_status;

static int begin(const struct bench_request* request) {
    command = shell_command(request);
    return command ? 0 : ENOMEM;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    (void)child;
    last_status = system(command);
    return last_status < 0 ? errno : 0;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    *status = last_status;
    return 0;
}

static void end(void) {
    free(command);
}

const struct bench_way bench_way_system = {
    .name = "system", .begin = begin, .start = start, .finish = finish, .end = end};
