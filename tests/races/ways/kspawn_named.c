/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kspawn_spawn() of a program that inherits the standard descriptors and no others. */
#include <kspawn/spawn.h>
#include <unistd.h>

#include "ways.h"

static kspawn_spawn_file_actions_t actions;
static kspawn_spawnattr_t attributes;

static int begin(const struct bench_request* request) {
    int error = kspawn_set_backend(KSPAWN_BACKEND_KERNEL);
    if (!error)
        error = kspawn_spawnattr_init(&attributes);
    if (!error)
        error = kspawn_spawnattr_setflags(&attributes, KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    if (!error)
        error = kspawn_spawn_file_actions_init(&actions);
    for (int fd = STDIN_FILENO; !error && fd <= STDERR_FILENO; fd++)
        error = kspawn_spawn_file_actions_adddup2(&actions, fd, fd);
    for (size_t i = 0; !error && i < request->action_count; i++) {
        const struct bench_action* action = &request->actions[i];
        error = action->operation != BENCH_OPEN
                    ? -1
                    : kspawn_spawn_file_actions_addopen(&actions, action->fd, action->path,
                                                        action->oflag, 0);
    }
    return error;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    return kspawn_spawn(&child->pid, request->path, &actions, &attributes, request->argv,
                        request->envp);
}

static void end(void) {
    kspawn_spawn_file_actions_destroy(&actions);
    kspawn_spawnattr_destroy(&attributes);
}

const struct bench_way race_way_kspawn_named = {
    .name = "kspawn-named", .begin = begin, .start = start, .finish = bench_wait, .end = end};
