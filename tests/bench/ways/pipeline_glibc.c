/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline as a program writes it on <spawn.h>: pipe2(), a posix_spawn() for each program,
 * and a wait for each. */
#include "pipeline.h"

#include <spawn.h>

static int start_stage(const struct bench_request* request, pid_t* pid, int input, int output) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    if (input >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (!error && output >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn(pid, request->path, &actions, NULL, request->argv, request->envp);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    return pipeline_start(request, child, start_stage);
}

const struct bench_way bench_way_pipeline_glibc = {
    .name = "pipeline_glibc", .start = start, .finish = pipeline_finish};
