/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool of workers that have called vfork() ahead of time (Nicolas Williams): a
 * child that is there already reads from a pipe what it is to become.  It has the
 * descriptors, working directory and credentials of the moment of its vfork().
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "futex.h"

enum { WORKERS = 2 };
enum state { GONE, READY, BUSY };

struct pool;

struct worker {
    pthread_t thread;
    struct pool* pool;
    int pipe[2];
    _Atomic int state;
    volatile pid_t pid; /* of the child that waits */
    const struct bench_request* request;
    volatile int error;
};

struct pool {
    struct worker workers[WORKERS];
    uint64_t callers_mask;
    _Atomic bool stopping;
    unsigned turn;
};

/* For the thread that starts programs, and not for the workers. */
static _Thread_local struct pool own;

static void become(struct worker* worker) {
    in_child_no_handlers();
    /* So that the read ends when the caller is gone. */
    const struct pool* pool = worker->pool;
    for (const struct worker* other = pool->workers; other < pool->workers + WORKERS; other++)
        in_child_call(SYS_close, other->pipe[1], 0, 0, 0);
    worker->error = 0;
    worker->pid = (pid_t)in_child_call(SYS_getpid, 0, 0, 0, 0);
    futex_set(&worker->state, READY);
    const struct bench_request* request = NULL;
    in_child_call(SYS_read, worker->pipe[0], (long)&request, sizeof(request), 0);
    if (request)
        worker->error = in_child_exec(request, &pool->callers_mask);
    in_child_exit();
}

static void* work(void* argument) {
    struct worker* worker = argument;
    while (!atomic_load(&worker->pool->stopping)) {
        const pid_t pid = vfork();
        if (pid == 0)
            become(worker);
        if (pid < 0)
            break;
        /* finish() must have read what the child has left. */
        futex_wait_while(&worker->state, BUSY, false);
    }
    return NULL;
}

static int begin(const struct bench_request* request) {
    (void)request;
    struct worker* const workers = own.workers;
    atomic_store(&own.stopping, false);
    own.callers_mask = in_child_block_all(); /* for the threads to inherit */
    int error = 0;
    for (struct worker* worker = workers; !error && worker < workers + WORKERS; worker++)
        error = pipe2(worker->pipe, O_CLOEXEC) < 0 ? errno : 0;
    for (struct worker* worker = workers; !error && worker < workers + WORKERS; worker++) {
        worker->pool = &own;
        atomic_store(&worker->state, GONE);
        error = pthread_create(&worker->thread, NULL, work, worker);
    }
    in_child_sigmask(SIG_SETMASK, &own.callers_mask);
    return error;
}

/* In turn, so that the one that was used last has the most time to return. */
static struct worker* next_worker(void) {
    struct worker* worker = &own.workers[own.turn++ % WORKERS];
    futex_wait_while(&worker->state, GONE, false);
    return worker;
}

static int start(const struct bench_request* request, struct bench_child* child) {
    struct worker* worker = next_worker();
    if (atomic_load(&worker->state) != READY)
        return EAGAIN;
    child->pid = worker->pid;
    child->state = worker;
    atomic_store(&worker->state, BUSY);
    return write(worker->pipe[1], &request, sizeof(request)) == sizeof(request) ? 0 : EIO;
}

static int finish(struct bench_child* child, int* status) {
    struct worker* worker = child->state;
    const int waited = bench_wait(child, status);
    const int error = worker->error;
    futex_set(&worker->state, GONE);
    return error ? error : waited;
}

static void settle(void) {
    for (struct worker* worker = own.workers; worker < own.workers + WORKERS; worker++)
        futex_wait_while(&worker->state, GONE, false);
}

static void end(void) {
    settle();
    atomic_store(&own.stopping, true);
    for (struct worker* worker = own.workers; worker < own.workers + WORKERS; worker++) {
        const struct bench_request* none = NULL;
        int status;
        struct bench_child child = {.pid = worker->pid, .state = worker};
        if (write(worker->pipe[1], &none, sizeof(none)) == sizeof(none))
            finish(&child, &status);
        pthread_join(worker->thread, NULL);
        close(worker->pipe[0]);
        close(worker->pipe[1]);
    }
}

const struct bench_way bench_way_pool = {
    .name = "pool", .begin = begin, .start = start, .finish = finish, .settle = settle, .end = end};
