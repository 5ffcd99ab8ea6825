/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The credential race, as an attack.  A process of root starts a program, and the
 * child, which has a file action to do, is held in it.  Meanwhile privileges
 * are dropped, and a thread that has none any more writes another path over the
 * one that is to be executed.  Then the child is released: whose program runs, and as
 * whom?
 *
 *   credentials WAY           one thread calls setuid(), which is to drop all
 *   credentials WAY --thread  a thread drops itself alone, by the bare system call,
 *                             as file servers do
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trial.h"

struct shared {
    _Atomic int go;        /* the child is held */
    _Atomic int rewritten; /* by one who is nobody */
    _Atomic int released;  /* the child is not held any more */
    _Atomic int returned;  /* setuid() has */
    int drop_alone;
};

static struct shared* shared;

/* A path that an administrator has configured, say; in memory that all threads can write. */
static char path[TRIAL_PATH];

static uid_t who_am_i(void) {
    uid_t real, effective, saved;
    if (syscall(SYS_getresuid, &real, &effective, &saved) < 0)
        trial_fail("getresuid");
    return real == effective && effective == saved ? real : 0;
}

static void* drop(void* argument) {
    (void)argument;
    while (!atomic_load(&shared->go))
        trial_sleep();
    if (setuid(TRIAL_NOBODY) < 0)
        trial_fail("setuid");
    atomic_store(&shared->returned, 1);
    return NULL;
}

static void* attack(void* argument) {
    const struct trial* trial = argument;
    while (!atomic_load(&shared->go))
        trial_sleep();
    if (shared->drop_alone && syscall(SYS_setresuid, TRIAL_NOBODY, TRIAL_NOBODY, TRIAL_NOBODY) < 0)
        trial_fail("setresuid");
    while (who_am_i() != TRIAL_NOBODY)
        trial_sleep();
    if (!atomic_load(&shared->released)) {
        strcpy(path, trial->attacker);
        atomic_store(&shared->rewritten, 1);
    }
    return NULL;
}

static void run(struct trial* trial, void* argument) {
    (void)argument;
    strcpy(path, trial->intended);
    char* argv[] = {path, NULL};
    char* envp[] = {NULL};
    const struct bench_action action = {
        .operation = BENCH_OPEN, .fd = STDIN_FILENO, .path = trial->hold, .oflag = O_RDONLY};
    const struct bench_request request = {
        .path = path, .argv = argv, .envp = envp, .actions = &action, .action_count = 1};
    trial_begin(trial, &request);
    pthread_t attacker, dropper;
    if (pthread_create(&attacker, NULL, attack, trial) != 0 ||
        (!shared->drop_alone && pthread_create(&dropper, NULL, drop, NULL) != 0))
        trial_fail("pthread_create");
    const int status = trial_start(trial, &request);
    if (status != 0)
        trial_fail("the program has ended with status %#x", (unsigned)status);
    pthread_join(attacker, NULL);
    if (!shared->drop_alone)
        pthread_join(dropper, NULL);
}

int main(int argc, char** argv) {
    static struct trial trial;
    trial_open(&trial, argc, argv);
    if (geteuid() != 0)
        trial_fail("only root has something to lose");
    shared = trial_share(sizeof(*shared));
    shared->drop_alone = argc > 2 && strcmp(argv[2], "--thread") == 0;
    trial_run(&trial, run, NULL);
    trial_await_hold(&trial);
    atomic_store(&shared->go, 1);
    const bool rewritten = trial_await(&trial, &shared->rewritten, 0);
    const bool returned = atomic_load(&shared->returned);
    atomic_store(&shared->released, 1);
    trial_release(&trial);
    const struct words words = trial_words(&trial);
    trial_close(&trial);
    const bool happened = strcmp(words.program, "attacker") == 0 && words.euid == 0;
    trial_report(&trial, shared->drop_alone ? "credentials-thread" : "credentials", happened,
                 "\"ran\":\"%s\",\"uid\":%d,\"euid\":%d,\"path_rewritten\":%s,"
                 "\"setuid_returned\":%s",
                 words.program, words.uid, words.euid, rewritten ? "true" : "false",
                 returned ? "true" : "false");
    return 0;
}
