// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that forks at the moments that are hard on a lock: forks NAME.  It knows
 * nothing of kspawn.  If it hangs, SIGALRM ends it; with glibc 2.36 alone "threads" does,
 * whose system() has a lock that a child of fork() may find held.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned time_limit = 60; /* seconds */

static int succeeded(pid_t pid) {
    int status;

    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A child that does all that the library has a part in. */
static int child_is_well(void) {
    pid_t pid = fork();

    if (pid == 0) {
        FILE* stream = popen("exit 3", "r");

        _exit(!stream || pclose(stream) != 3 << 8 || system("exit 4") != 4 << 8);
    }
    return succeeded(pid);
}

static void handler_closes(void) {
    FILE* file = fopen("/dev/null", "r");

    if (file)
        fclose(file);
}

static void handler_runs(void) {
    if (system("exit 0"))
        abort();
}

static void handler_reads(void) {
    FILE* stream = popen("exit 0", "r");

    if (!stream || pclose(stream))
        abort();
}

static int with_handlers(void (*handler)(void)) {
    FILE* stream;
    int well;

    if (pthread_atfork(handler, handler, handler))
        return 2;
    stream = popen("cat", "w");
    if (!stream)
        return 3;
    well = child_is_well();
    return pclose(stream) == 0 && well ? 0 : 1;
}

static int handlers_fclose(void) {
    return with_handlers(handler_closes);
}

static int handlers_system(void) {
    return with_handlers(handler_runs);
}

static int handlers_popen(void) {
    return with_handlers(handler_reads);
}

/* As those do that report a crash. */
static atomic_int forked, lost;

static void fork_here(int signal) {
    pid_t pid = fork();

    (void)signal;
    if (pid == 0)
        _exit(0);
    if (!succeeded(pid))
        ++lost;
    ++forked;
}

static void fork_every_few_milliseconds(void) {
    struct itimerval interval = {{0, 5000}, {0, 5000}};
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = fork_here;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &interval, NULL);
}

static int signals_popen(void) {
    fork_every_few_milliseconds();
    for (int i = 0; i < 200 || forked < 20; ++i) {
        FILE* stream = popen("exit 5", i % 2 ? "r" : "w");

        if (!stream || pclose(stream) != 5 << 8)
            return 1;
    }
    return lost ? 2 : 0;
}

static int signals_system(void) {
    fork_every_few_milliseconds();
    for (int i = 0; i < 100 || forked < 20; ++i) {
        if (system("exit 6") != 6 << 8)
            return 1;
    }
    return lost ? 2 : 0;
}

static atomic_int stop;

static void* call(void* argument) {
    while (!stop) {
        FILE* stream = popen("exit 0", "r");

        if (!stream || pclose(stream) || system("exit 0"))
            *(int*)argument = 1;
    }
    return NULL;
}

static int threads(void) {
    pthread_t thread[3];
    int failed[3] = {0}, well = 1;

    for (int i = 0; i < 3; ++i) {
        if (pthread_create(&thread[i], NULL, call, &failed[i]))
            return 2;
    }
    for (int i = 0; i < 40 && well; ++i)
        well = child_is_well();
    stop = 1;
    for (int i = 0; i < 3; ++i)
        pthread_join(thread[i], NULL);
    return !well || failed[0] || failed[1] || failed[2];
}

static const struct {
    const char* name;
    int (*function)(void);
} cases[] = {
    {"handlers_fclose", handlers_fclose}, {"handlers_system", handlers_system},
    {"handlers_popen", handlers_popen},   {"signals_popen", signals_popen},
    {"signals_system", signals_system},   {"threads", threads},
};

int main(int argc, char* argv[]) {
    alarm(time_limit);
    for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); ++i) {
        if (!strcmp(argv[1], cases[i].name))
            return cases[i].function();
    }
    return 99;
}
