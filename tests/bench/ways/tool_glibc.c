/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tool call by posix_spawn(): pipe2() twice, file actions, pidfd_open(), poll(), waitid(). */
#include <spawn.h>

#include "tool.h"

static _Thread_local struct tool own;

static int begin(const struct bench_request* request) {
    return tool_begin(&own, request);
}

/* The pipes have other numbers each time, and so the actions cannot be kept. */
static int make_actions(posix_spawn_file_actions_t* actions) {
    int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    for (int i = 0; !error && i < 2; i++)
        error = posix_spawn_file_actions_adddup2(actions, own.theirs[i], i + 1);
    if (!error)
        error = posix_spawn_file_actions_addfchdir_np(actions, own.directory);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    return error;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    int error = tool_make_pipes(&own);
    if (error)
        return error;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    error = make_actions(&actions);
    if (!error)
        error =
            posix_spawn(&child->pid, request->path, &actions, NULL, request->argv, request->envp);
    posix_spawn_file_actions_destroy(&actions);
    tool_close_theirs(&own);
    if (error)
        return error;
    own.pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    return own.pidfd < 0 ? errno : 0;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    return tool_collect(&own, status);
}

static void end(void) {
    close(own.directory);
}

const struct bench_way bench_way_tool_glibc = {
    .name = "tool_glibc", .begin = begin, .start = start, .finish = finish, .end = end};
