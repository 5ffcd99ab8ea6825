/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a child before it executes, for the ways that take them by hand.
 *
 * The child may share memory, even its thread-local storage, with a caller that
 * runs on: so these are bare system calls, which leave errno alone.  The search of
 * execvpe() does not: only ways whose caller waits are asked for one.
 */
#ifndef BENCH_IN_CHILD_H
#define BENCH_IN_CHILD_H

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "way.h"

/* The kernel's struct sigaction, and the size of its signal sets. */
struct in_child_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
enum { IN_CHILD_SIGSET_SIZE = 8 };

static inline long in_child_call(long number, long a, long b, long c, long d) {
    register long fourth __asm__("r10") = d;
    long result = number;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static inline uint64_t in_child_sigmask(int how, const uint64_t* set) {
    uint64_t old = 0;
    in_child_call(SYS_rt_sigprocmask, how, (long)set, (long)&old, IN_CHILD_SIGSET_SIZE);
    return old;
}

/* Blocks every signal and returns the mask that was. */
static inline uint64_t in_child_block_all(void) {
    const uint64_t all = ~0ULL;
    return in_child_sigmask(SIG_SETMASK, &all);
}

static inline void in_child_default(int signal) {
    const struct in_child_sigaction action = {0};
    in_child_call(SYS_rt_sigaction, signal, (long)&action, 0, IN_CHILD_SIGSET_SIZE);
}

/* No handler of the caller may run on memory that it shares with us. */
static inline void in_child_no_handlers(void) {
    for (int signal = 1; signal <= BENCH_SIGNALS; signal++) {
        struct in_child_sigaction action;
        if (in_child_call(SYS_rt_sigaction, signal, 0, (long)&action, IN_CHILD_SIGSET_SIZE) == 0 &&
            action.handler != SIG_DFL && action.handler != SIG_IGN)
            in_child_default(signal);
    }
}

static inline long in_child_open(const struct bench_action* action) {
    const long fd = in_child_call(SYS_open, (long)action->path, action->oflag, 0, 0);
    if (fd < 0 || fd == action->fd)
        return fd;
    const long result = in_child_call(SYS_dup2, fd, action->fd, 0, 0);
    in_child_call(SYS_close, fd, 0, 0, 0);
    return result;
}

static inline long in_child_act(const struct bench_action* action) {
    switch (action->operation) {
    case BENCH_OPEN:
        return in_child_open(action);
    case BENCH_CLOSE:
        in_child_call(SYS_close, action->fd, 0, 0, 0);
        return 0;
    case BENCH_DUP2:
        return in_child_call(SYS_dup2, action->fd, action->newfd, 0, 0);
    case BENCH_CHDIR:
        return in_child_call(SYS_chdir, (long)action->path, 0, 0, 0);
    case BENCH_CLOSEFROM:
        return in_child_call(SYS_close_range, action->fd, ~0U, 0, 0);
    }
    return -EINVAL;
}

/* Attributes and file actions; `mask` is the caller's, had the way to change it. */
static inline int in_child_prepare(const struct bench_request* request, const uint64_t* mask) {
    if (request->attributes) {
        for (int signal = 1; signal <= BENCH_SIGNALS; signal++)
            if ((request->sigdefault >> (signal - 1) & 1) != 0)
                in_child_default(signal);
        const long result = in_child_call(SYS_setpgid, 0, 0, 0, 0);
        if (result < 0)
            return (int)-result;
        mask = &request->sigmask;
    }
    for (size_t i = 0; i < request->action_count; i++) {
        const long result = in_child_act(&request->actions[i]);
        if (result < 0)
            return (int)-result;
    }
    if (mask)
        in_child_sigmask(SIG_SETMASK, mask);
    return 0;
}

/* Returns only when it fails, with an error number. */
static inline int in_child_exec(const struct bench_request* request, const uint64_t* mask) {
    const int error = in_child_prepare(request, mask);
    if (error)
        return error;
    if (request->search) {
        execvpe(request->path, request->argv, request->envp);
        return errno;
    }
    return (int)-in_child_call(SYS_execve, (long)request->path, (long)request->argv,
                               (long)request->envp, 0);
}

static inline _Noreturn void in_child_exit(void) {
    for (;;)
        in_child_call(SYS_exit_group, BENCH_EXEC_FAILED, 0, 0, 0);
}

#endif
