/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request as the ioctl of /dev/kspawn has it, for ways that use it without the library. */
#ifndef BENCH_IOCTL_H
#define BENCH_IOCTL_H

#include <errno.h>
#include <fcntl.h>
#include <kspawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "way.h"

struct ioctl_way {
    int device;
    struct kspawn_action* actions;
    struct kspawn_args args; /* the same for every start, but for what start() adds */
};

static inline struct kspawn_action ioctl_action(const struct bench_action* action) {
    struct kspawn_action made = {.fd = action->fd};
    switch (action->operation) {
    case BENCH_OPEN:
        made.op = KSPAWN_ACTION_OPEN;
        made.dirfd = AT_FDCWD;
        made.path = (uintptr_t)action->path;
        made.oflag = (unsigned)action->oflag;
        break;
    case BENCH_CLOSE:
        made.op = KSPAWN_ACTION_CLOSE;
        break;
    case BENCH_DUP2:
        made.op = KSPAWN_ACTION_DUP2;
        made.newfd = action->newfd;
        break;
    case BENCH_CHDIR:
        made.op = KSPAWN_ACTION_CHDIR;
        made.dirfd = AT_FDCWD;
        made.path = (uintptr_t)action->path;
        break;
    case BENCH_CLOSEFROM:
        made.op = KSPAWN_ACTION_CLOSEFROM;
        break;
    }
    return made;
}

/* Opens the device; what it allocates, and the descriptor, are undone by ioctl_end(). */
static inline int ioctl_begin(struct ioctl_way* way, const struct bench_request* request) {
    const size_t count = request->action_count;
    *way = (struct ioctl_way){.args = {.size = sizeof(way->args),
                                       .dirfd = AT_FDCWD,
                                       .path = (uintptr_t)request->path,
                                       .search = request->search ? (uintptr_t)getenv("PATH") : 0,
                                       .argv = (uintptr_t)request->argv,
                                       .envp = (uintptr_t)request->envp,
                                       .action_count = (unsigned)count,
                                       .action_size = count ? sizeof(*way->actions) : 0}};
    if (request->attributes) {
        way->args.attr_flags =
            KSPAWN_ATTR_SETSIGDEF | KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETPGROUP;
        way->args.sigdefault = request->sigdefault;
        way->args.sigmask = request->sigmask;
    }
    way->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
    if (way->device < 0)
        return errno;
    if (!count)
        return 0;
    way->actions = calloc(count, sizeof(*way->actions));
    if (!way->actions)
        return ENOMEM;
    for (size_t i = 0; i < count; i++)
        way->actions[i] = ioctl_action(&request->actions[i]);
    way->args.actions = (uintptr_t)way->actions;
    return 0;
}

static inline void ioctl_end(struct ioctl_way* way) {
    free(way->actions);
    if (way->device >= 0)
        close(way->device);
}

#endif
