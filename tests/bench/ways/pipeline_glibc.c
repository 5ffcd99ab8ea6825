/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline as a program writes it on <spawn.h>: pipe2(), a posix_spawn() for each program,
 * and a wait for each. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline.h"
#include "way.h"

static _Thread_local pid_t pids[BENCH_STAGES];

static void put(int end) {
    if (end >= 0)
        close(end);
}

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
    int input = -1;
    int error = 0;
    for (int stage = 0; !error && stage < BENCH_STAGES; stage++) {
        int ends[2] = {-1, -1};
        if (stage + 1 < BENCH_STAGES && pipe2(ends, O_CLOEXEC) != 0)
            error = errno;
        if (!error)
            error = start_stage(request, &pids[stage], input, ends[1]);
        put(input);
        put(ends[1]);
        input = ends[0];
    }
    put(input);
    child->pid = pids[0];
    return error;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    for (int stage = 0; stage < BENCH_STAGES; stage++)
        if (waitpid(pids[stage], status, 0) < 0)
            return errno;
    return 0;
}

const struct bench_way bench_way_pipeline_glibc = {
    .name = "pipeline_glibc", .start = start, .finish = finish};
