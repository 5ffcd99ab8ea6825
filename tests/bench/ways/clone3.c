/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * posix_spawn() as a glibc of today can do it: one clone3() that also drops all
 * signal handlers (CLONE_CLEAR_SIGHAND) instead of a loop over all signals in the
 * child.  Otherwise as glibc: a stack from mmap() for each start, all signals
 * blocked and no cancellation meanwhile.
 */
#include "clone3.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "in_child.h"

enum { STACK_SIZE = 32768 + 4096 };

struct job {
    const struct bench_request* request;
    uint64_t mask;
    int error;
};

static void run(void* argument) {
    struct job* job = argument;
    job->error = in_child_exec(job->request, &job->mask);
    in_child_exit();
}

static int start(const struct bench_request* request, struct bench_child* child) {
    void* stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    struct job job = {.request = request, .mask = in_child_block_all()};
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
                              .exit_signal = SIGCHLD,
                              .stack = (uintptr_t)stack,
                              .stack_size = STACK_SIZE};
    const long pid = clone3_call(&args, run, &job);
    int error = pid < 0 ? (int)-pid : job.error;
    child->pid = (pid_t)pid;
    if (pid > 0 && error) {
        int status;
        bench_wait(child, &status);
    }
    munmap(stack, STACK_SIZE);
    in_child_sigmask(SIG_SETMASK, &job.mask);
    pthread_setcancelstate(cancel_state, NULL);
    return error;
}

const struct bench_way bench_way_clone3 = {.name = "clone3", .start = start, .finish = bench_wait};
