/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler race.  While the child is held, the terminal changes its
 * size, as it were: SIGWINCH goes to the whole process group.  The process has a
 * handler, which writes memory.  Does it run in the child as well, and so twice?
 *
 *   handler WAY
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trial.h"

struct shared {
    _Atomic int in_subject;
    _Atomic int in_others;
    int calls; /* of the subject's ordinary memory, when all is over */
};

static struct shared* shared;
static pid_t subject;
/* Not shared but by mistake. */
static volatile sig_atomic_t calls;

static void handle(int signal) {
    (void)signal;
    calls++;
    atomic_fetch_add(syscall(SYS_getpid) == subject ? &shared->in_subject : &shared->in_others, 1);
}

static void run(struct trial* trial, void* argument) {
    (void)argument;
    subject = getpid();
    const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    if (sigaction(SIGWINCH, &action, NULL) < 0)
        trial_fail("sigaction");
    char* argv[] = {trial->intended, NULL};
    char* envp[] = {NULL};
    const struct bench_action hold = {
        .operation = BENCH_OPEN, .fd = STDIN_FILENO, .path = trial->hold, .oflag = O_RDONLY};
    const struct bench_request request = {
        .path = argv[0], .argv = argv, .envp = envp, .actions = &hold, .action_count = 1};
    trial_begin(trial, &request);
    const int status = trial_start(trial, &request);
    if (status != 0)
        trial_fail("the program has ended with status %#x", (unsigned)status);
    shared->calls = calls;
}

int main(int argc, char** argv) {
    static struct trial trial;
    trial_open(&trial, argc, argv);
    shared = trial_share(sizeof(*shared));
    trial_run(&trial, run, NULL);
    trial_await_hold(&trial);
    /* A child that is to handle it does so before it goes on, held or not. */
    if (kill(-trial.subject, SIGWINCH) < 0)
        trial_fail("kill");
    trial_release(&trial);
    const struct words words = trial_words(&trial);
    trial_close(&trial);
    if (strcmp(words.program, "intended") != 0)
        trial_fail("%s has run", words.program);
    const int in_subject = atomic_load(&shared->in_subject);
    const int in_child = atomic_load(&shared->in_others);
    /* Both must have left their mark on the memory if both are in the same. */
    if (in_subject != 1 || shared->calls != in_subject + in_child)
        trial_fail("%d calls in the caller, %d in the child, %d counted", in_subject, in_child,
                   shared->calls);
    trial_report(&trial, "handler", in_child > 0,
                 "\"calls_in_caller\":%d,\"calls_in_child\":%d,\"calls_counted_in_memory\":%d",
                 in_subject, in_child, shared->calls);
    return 0;
}
