/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper thread (Carlos O'Donell, 2015): a thread made for the purpose calls
 * vfork(), so that only it waits.  The outcome is known when it is joined.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "in_child.h"

struct job {
    const struct bench_request* request;
    pthread_t thread;
    uint64_t mask; /* of the caller */
    volatile int error;
    pid_t pid;
};

static _Thread_local pthread_attr_t attributes;
static _Thread_local uint64_t callers_mask;

/* Helpers are born with every signal blocked: no handler runs in a child. */
static int begin(const struct bench_request* request) {
    (void)request;
    sigset_t all;
    sigfillset(&all);
    in_child_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&callers_mask, IN_CHILD_SIGSET_SIZE);
    int error = pthread_attr_init(&attributes);
    if (!error)
        error = pthread_attr_setsigmask_np(&attributes, &all);
    if (!error)
        error = pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN + 16384);
    return error;
}

static void* help(void* argument) {
    struct job* job = argument;
    const pid_t pid = vfork();
    if (pid == 0) {
        in_child_no_handlers();
        job->error = in_child_exec(job->request, &job->mask);
        in_child_exit();
    }
    job->pid = pid;
    if (pid < 0)
        job->error = errno;
    return NULL;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    struct job* job = malloc(sizeof(*job));
    if (!job)
        return ENOMEM;
    *job = (struct job){.request = request, .mask = callers_mask};
    const int error = pthread_create(&job->thread, &attributes, help, job);
    if (error)
        free(job);
    child->state = job;
    return error;
}

static int finish(struct bench_child* child, int* status) {
    struct job* job = child->state;
    pthread_join(job->thread, NULL);
    int error = job->error;
    child->pid = job->pid;
    free(job);
    if (child->pid < 0)
        return error;
    const int waited = bench_wait(child, status);
    return error ? error : waited;
}

static void end(void) {
    pthread_attr_destroy(&attributes);
}

const struct bench_way bench_way_thread = {
    .name = "thread", .begin = begin, .start = start, .finish = finish, .end = end};
