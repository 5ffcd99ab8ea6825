/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts programs, one after the other, in a process of several threads that does
 * nothing wrong: its descriptors are close-on-exec from birth, its privileges stay,
 * nobody sends it a signal.  Whoever reports a hazard here is mistaken.
 *
 *   clean_rounds WAY [ROUNDS]       1,000 by default
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trial.h"

static _Atomic int over;

struct shared {
    long rounds;
    _Atomic long started;
    _Atomic long busy; /* rounds of the other thread */
};

static struct shared* shared;

static void handle(int signal) {
    (void)signal;
}

/* A thread that is busy until the end. */
static void* be_busy(void* argument) {
    const struct trial* trial = argument;
    while (!atomic_load(&over)) {
        const int fd = open(trial->intended, O_RDONLY | O_CLOEXEC);
        void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fd < 0 || page == MAP_FAILED)
            trial_fail("the other thread cannot open and map");
        *(volatile char*)page = 1;
        if (munmap(page, 4096) < 0 || close(fd) < 0)
            trial_fail("the other thread cannot unmap and close");
        atomic_fetch_add(&shared->busy, 1);
        trial_sleep();
    }
    return NULL;
}

static void run(struct trial* trial, void* argument) {
    (void)argument;
    char* argv[] = {trial->intended, NULL};
    char* envp[] = {NULL};
    const struct bench_request request = {.path = argv[0], .argv = argv, .envp = envp};
    trial_begin(trial, &request);
    trial_silence();
    /* A handler that is there, and not called, is nothing to be reported. */
    const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    if (sigaction(SIGWINCH, &action, NULL) < 0)
        trial_fail("sigaction");
    pthread_t thread;
    if (pthread_create(&thread, NULL, be_busy, trial) != 0)
        trial_fail("pthread_create");
    for (long round = 0; round < shared->rounds; round++) {
        const int status = trial_start(trial, &request);
        if (status != 0)
            trial_fail("the program has ended with status %#x", (unsigned)status);
        atomic_fetch_add(&shared->started, 1);
    }
    atomic_store(&over, 1);
    pthread_join(thread, NULL);
}

int main(int argc, char** argv) {
    static struct trial trial;
    trial_open(&trial, argc, argv);
    shared = trial_share(sizeof(*shared));
    shared->rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
    trial_run(&trial, run, NULL);
    trial_close(&trial);
    if (atomic_load(&shared->busy) == 0)
        trial_fail("the other thread has done nothing");
    trial_report(&trial, "clean", false, "\"starts\":%ld,\"other_thread\":%ld",
                 atomic_load(&shared->started), atomic_load(&shared->busy));
    return 0;
}
