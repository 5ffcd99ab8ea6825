/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* popen() of the libc: a shell that executes the program, and a pipe from it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shell.h"

static _Thread_local char* command;

static int begin(const struct bench_request* request) {
    command = shell_command(request);
    return command ? 0 : ENOMEM;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    child->state = popen(command, "re");
    return child->state ? 0 : errno;
}

static int finish(struct bench_child* child, int* status) {
    *status = pclose(child->state);
    return *status < 0 ? errno : 0;
}

static void end(void) {
    free(command);
}

const struct bench_way bench_way_popen = {
    .name = "popen", .begin = begin, .start = start, .finish = finish, .end = end};
