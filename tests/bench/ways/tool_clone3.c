/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tool call by one clone3() that drops signal handlers and makes the pidfd; otherwise as a
 * glibc of today would start it, see clone3.c. */
#include "clone3.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "in_child.h"
#include "tool.h"

enum { STACK_SIZE = 32768 + 4096 };

static _Thread_local struct tool own;

struct job {
    const struct bench_request* request;
    const struct tool* tool;
    uint64_t mask;
    int error;
};

static int begin(const struct bench_request* request) {
    return tool_begin(&own, request);
}

static int prepare(const struct tool* tool) {
    const struct bench_action null = {
        .operation = BENCH_OPEN, .path = "/dev/null", .oflag = O_RDWR};
    in_child_call(SYS_close, 0, 0, 0, 0);
    long result = in_child_open(&null);
    for (int i = 0; result >= 0 && i < 2; i++)
        result = in_child_call(SYS_dup2, tool->theirs[i], i + 1, 0, 0);
    if (result >= 0)
        result = in_child_call(SYS_fchdir, tool->directory, 0, 0, 0);
    if (result >= 0)
        result = in_child_call(SYS_close_range, 3, ~0U, 0, 0);
    return result < 0 ? (int)-result : 0;
}

static void run(void* argument) {
    struct job* job = argument;
    const struct bench_request* request = job->request;
    job->error = prepare(job->tool);
    if (!job->error) {
        in_child_sigmask(SIG_SETMASK, &job->mask);
        job->error = (int)-in_child_call(SYS_execve, (long)request->path, (long)request->argv,
                                         (long)request->envp, 0);
    }
    in_child_exit();
}

static int start(const struct bench_request* request, struct bench_child* child) {
    int error = tool_make_pipes(&own);
    if (error)
        return error;
    void* stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    struct job job = {.request = request, .tool = &own, .mask = in_child_block_all()};
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND | CLONE_PIDFD,
                              .pidfd = (uintptr_t)&own.pidfd,
                              .exit_signal = SIGCHLD,
                              .stack = (uintptr_t)stack,
                              .stack_size = STACK_SIZE};
    const long pid = clone3_call(&args, run, &job);
    error = pid < 0 ? (int)-pid : job.error;
    child->pid = (pid_t)pid;
    if (pid > 0 && error) {
        int status;
        bench_wait(child, &status);
        close(own.pidfd);
    }
    munmap(stack, STACK_SIZE);
    in_child_sigmask(SIG_SETMASK, &job.mask);
    pthread_setcancelstate(cancel_state, NULL);
    tool_close_theirs(&own);
    return error;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    return tool_collect(&own, status);
}

static void end(void) {
    close(own.directory);
}

const struct bench_way bench_way_tool_clone3 = {
    .name = "tool_clone3", .begin = begin, .start = start, .finish = finish, .end = end};
