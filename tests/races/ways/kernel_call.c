/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int device = -1;

static __u64 pointer(const void* to) {
    return (uintptr_t)to;
}

int kernel_call_open(void) {
    if (device < 0)
        device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
    return device < 0 ? errno : 0;
}

int kernel_call_device(void) {
    return device;
}

static struct kspawn_action* add(struct kernel_call* call, __u32 op, int fd) {
    struct kspawn_action* action = &call->actions[call->args.action_count++];
    action->op = op;
    action->fd = fd;
    return action;
}

int kernel_call_fill(struct kernel_call* call, const struct bench_request* request) {
    if (STDERR_FILENO + 1 + request->action_count > KERNEL_CALL_ACTIONS)
        return E2BIG;
    memset(call, 0, sizeof(*call));
    call->args = (struct kspawn_args){
        .size = sizeof(call->args),
        .dirfd = AT_FDCWD,
        .attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT,
        .path = pointer(request->path),
        .argv = pointer(request->argv),
        .envp = pointer(request->envp),
        .actions = pointer(call->actions),
        .action_size = sizeof(*call->actions),
        .result = pointer(&call->result),
        .result_size = sizeof(call->result),
    };
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        add(call, KSPAWN_ACTION_INHERIT, fd);
    for (size_t i = 0; i < request->action_count; i++) {
        const struct bench_action* wanted = &request->actions[i];
        if (wanted->operation != BENCH_OPEN)
            return EINVAL;
        struct kspawn_action* action = add(call, KSPAWN_ACTION_OPEN, wanted->fd);
        action->dirfd = AT_FDCWD;
        action->path = pointer(wanted->path);
        action->oflag = (unsigned)wanted->oflag;
    }
    return 0;
}

int kernel_call_start(struct kernel_call* call, pid_t* pid) {
    const int error = ioctl(device, KSPAWN_IOC_SPAWN, &call->args) < 0 ? errno : 0;
    *pid = call->result.pid;
    return error;
}
