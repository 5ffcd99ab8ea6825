/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The body of a way that speaks the language of <spawn.h>, under any prefix.
 * To be included once, with SPAWN(name) and SPAWN_FLAG(name) putting the prefix
 * in front, SPAWN_NAME the name of the way, and SPAWN_PREPARE() what else must be
 * done once.
 */
#include <errno.h>
#include <signal.h>

#include "way.h"

static _Thread_local SPAWN(spawn_file_actions_t) actions;
static _Thread_local SPAWN(spawnattr_t) attributes;

static int add(const struct bench_action* action) {
    switch (action->operation) {
    case BENCH_OPEN:
        return SPAWN(spawn_file_actions_addopen)(&actions, action->fd, action->path, action->oflag,
                                                 0);
    case BENCH_CLOSE:
        return SPAWN(spawn_file_actions_addclose)(&actions, action->fd);
    case BENCH_DUP2:
        return SPAWN(spawn_file_actions_adddup2)(&actions, action->fd, action->newfd);
    case BENCH_CHDIR:
        return SPAWN(spawn_file_actions_addchdir_np)(&actions, action->path);
    case BENCH_CLOSEFROM:
#ifdef __GLIBC__
        return SPAWN(spawn_file_actions_addclosefrom_np)(&actions, action->fd);
#else
        return ENOSYS;
#endif
    }
    return -1;
}

static void fill(sigset_t* set, uint64_t bits) {
    sigemptyset(set);
    for (int signal = 1; signal <= BENCH_SIGNALS; signal++)
        if ((bits >> (signal - 1) & 1) != 0)
            sigaddset(set, signal);
}

static int begin(const struct bench_request* request) {
    int error = SPAWN_PREPARE();
    if (!error)
        error = SPAWN(spawn_file_actions_init)(&actions);
    for (size_t i = 0; !error && i < request->action_count; i++)
        error = add(&request->actions[i]);
    if (!error)
        error = SPAWN(spawnattr_init)(&attributes);
    if (error || !request->attributes)
        return error;
    sigset_t set;
    fill(&set, request->sigdefault);
    SPAWN(spawnattr_setsigdefault)(&attributes, &set);
    fill(&set, request->sigmask);
    SPAWN(spawnattr_setsigmask)(&attributes, &set);
    return SPAWN(spawnattr_setflags)(&attributes, SPAWN_FLAG(SPAWN_SETSIGDEF) |
                                                      SPAWN_FLAG(SPAWN_SETSIGMASK) |
                                                      SPAWN_FLAG(SPAWN_SETPGROUP));
}

static int start(const struct bench_request* request, struct bench_child* child) {
    return (request->search ? SPAWN(spawnp) : SPAWN(spawn))(
        &child->pid, request->path, request->action_count ? &actions : NULL,
        request->attributes ? &attributes : NULL, request->argv, request->envp);
}

static void end(void) {
    SPAWN(spawn_file_actions_destroy)(&actions);
    SPAWN(spawnattr_destroy)(&attributes);
}

const struct bench_way SPAWN_WAY = {
    .name = SPAWN_NAME, .begin = begin, .start = start, .finish = bench_wait, .end = end};
