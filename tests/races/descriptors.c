/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The descriptor race.  One thread opens a secret file and makes the descriptor
 * close-on-exec; in between, another starts a program.  Does the program have it?
 *
 *   descriptors WAY          once, with the start exactly in between
 *   descriptors WAY ROUNDS   both as fast as they can, for so many starts
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"
#include "trial.h"

struct shared {
    long rounds; /* 0: once, exactly */
    _Atomic long started;
    _Atomic long leaked;
    _Atomic long opened;
};

static struct shared* shared;
static char secret[TRIAL_PATH + 16];
static pthread_barrier_t open_now, close_now;
static _Atomic int over;

static void open_and_mark(bool exactly) {
    const int fd = open(secret, O_RDONLY);
    if (fd < 0)
        trial_fail("%s", secret);
    if (exactly) {
        pthread_barrier_wait(&open_now);
        pthread_barrier_wait(&close_now);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        trial_fail("F_SETFD");
    close(fd);
    atomic_fetch_add(&shared->opened, 1);
}

static void* opener(void* argument) {
    (void)argument;
    if (shared->rounds == 0)
        open_and_mark(true);
    else
        while (!atomic_load(&over))
            open_and_mark(false);
    return NULL;
}

static void start_one(const struct trial* trial, const struct bench_request* request) {
    const int status = trial_start(trial, request);
    if (!WIFEXITED(status) ||
        (WEXITSTATUS(status) != TARGET_CLEAN && WEXITSTATUS(status) != TARGET_LEAKED))
        trial_fail("the program has ended with status %#x", (unsigned)status);
    atomic_fetch_add(&shared->started, 1);
    if (WEXITSTATUS(status) == TARGET_LEAKED)
        atomic_fetch_add(&shared->leaked, 1);
}

static void run(struct trial* trial, void* argument) {
    (void)argument;
    struct stat found;
    if (stat(secret, &found) < 0)
        trial_fail("%s", secret);
    char inode[32];
    snprintf(inode, sizeof(inode), "%lu", (unsigned long)found.st_ino);
    char* argv[] = {trial->intended, inode, NULL};
    char* envp[] = {NULL};
    const struct bench_request request = {.path = argv[0], .argv = argv, .envp = envp};
    trial_begin(trial, &request);
    pthread_barrier_init(&open_now, NULL, 2);
    pthread_barrier_init(&close_now, NULL, 2);
    /* Nothing but the exit status is asked for in the many rounds. */
    if (shared->rounds)
        trial_silence();
    pthread_t thread;
    if (pthread_create(&thread, NULL, opener, NULL) != 0)
        trial_fail("pthread_create");
    if (shared->rounds == 0) {
        pthread_barrier_wait(&open_now);
        start_one(trial, &request);
        pthread_barrier_wait(&close_now);
    } else {
        for (long round = 0; round < shared->rounds; round++)
            start_one(trial, &request);
        atomic_store(&over, 1);
    }
    pthread_join(thread, NULL);
}

int main(int argc, char** argv) {
    static struct trial trial;
    trial_open(&trial, argc, argv);
    shared = trial_share(sizeof(*shared));
    shared->rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    snprintf(secret, sizeof(secret), "%s/secret", trial.directory);
    const int fd = open(secret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, TARGET_SECRET, strlen(TARGET_SECRET)) < 0)
        trial_fail("%s", secret);
    close(fd);
    trial_run(&trial, run, NULL);
    struct words words = {0};
    if (shared->rounds == 0)
        words = trial_words(&trial);
    trial_close(&trial);
    const long leaked = atomic_load(&shared->leaked);
    const bool read_it = strcmp(words.secret, TARGET_SECRET) == 0;
    if (shared->rounds == 0 && read_it != (leaked == 1))
        trial_fail("%ld leaks, but the program has read \"%s\"", leaked, words.secret);
    trial_report(&trial, shared->rounds ? "descriptors-many" : "descriptors", leaked > 0,
                 "\"starts\":%ld,\"leaked\":%ld,\"opened\":%ld", atomic_load(&shared->started),
                 leaked, atomic_load(&shared->opened));
    return 0;
}
