/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline of vfork(), dup2() and execve() alone: the least that can be done from user
 * space, see vfork.c. */
#include "pipeline.h"

#include "in_child.h"

static int start_stage(const struct bench_request* request, pid_t* pid, int input, int output) {
    volatile int error = 0;
    const pid_t made = vfork();
    if (made == 0) {
        if (input >= 0)
            in_child_call(SYS_dup2, input, STDIN_FILENO, 0, 0);
        if (output >= 0)
            in_child_call(SYS_dup2, output, STDOUT_FILENO, 0, 0);
        error = in_child_exec(request, NULL);
        in_child_exit();
    }
    if (made < 0)
        return errno;
    *pid = made;
    return error;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    return pipeline_start(request, child, start_stage);
}

const struct bench_way bench_way_pipeline_vfork = {
    .name = "pipeline_vfork", .start = start, .finish = pipeline_finish};
