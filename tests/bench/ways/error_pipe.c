/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone(CLONE_VM) with a close-on-exec pipe (Rich Felker, 2012): the caller reads
 * from the pipe until it has an error number, or its end because the program has
 * been executed.
 */
#include "clone3.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "in_child.h"

enum { STACK_SIZE = 8192 };

struct job {
    const struct bench_request* request;
    int pipe; /* its end for writing */
};

/* No file action may hit the pipe: it must have a number above all of theirs. */
static _Thread_local int above;

static int begin(const struct bench_request* request) {
    above = 0;
    for (size_t i = 0; i < request->action_count; i++) {
        const struct bench_action* action = &request->actions[i];
        if (action->fd >= above)
            above = action->fd + 1;
        if (action->newfd >= above)
            above = action->newfd + 1;
    }
    return 0;
}

static void run(void* argument) {
    const struct job* job = argument;
    const int error = in_child_exec(job->request, NULL);
    in_child_call(SYS_write, job->pipe, (long)&error, sizeof(error), 0);
    in_child_exit();
}

static int start(const struct bench_request* request, struct bench_child* child) {
    _Alignas(16) char stack[STACK_SIZE];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    if (ends[1] < above) {
        const int moved = fcntl(ends[1], F_DUPFD_CLOEXEC, above);
        close(ends[1]);
        ends[1] = moved;
    }
    struct job job = {request, ends[1]};
    struct clone_args args = {.flags = CLONE_VM | CLONE_CLEAR_SIGHAND,
                              .exit_signal = SIGCHLD,
                              .stack = (uintptr_t)stack,
                              .stack_size = STACK_SIZE};
    const long pid = ends[1] < 0 ? -EMFILE : clone3_call(&args, run, &job);
    close(ends[1]);
    int error = 0;
    if (pid < 0) {
        error = (int)-pid;
    } else {
        child->pid = (pid_t)pid;
        while (read(ends[0], &error, sizeof(error)) < 0 && errno == EINTR)
            ;
        if (error) {
            int status;
            bench_wait(child, &status);
        }
    }
    close(ends[0]);
    return error;
}

const struct bench_way bench_way_error_pipe = {
    .name = "error_pipe", .begin = begin, .start = start, .finish = bench_wait};
