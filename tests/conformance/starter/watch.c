// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A watcher looks only while a start is under way: it asks before and after each look.
 * The sights depend on the moment of the look; so only those that a watcher must never have
 * tell two implementations apart, and the engine knows who may see what.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "meeting.h"
#include "parent.h"
#include "watch.h"

#define MAX_ENDS 8

static struct {
    int code, status;
    pid_t pid;
} ends[MAX_ENDS];
static volatile sig_atomic_t end_count;
static volatile sig_atomic_t alarm_ran_in_a_child, alarms;

static atomic_int caller;  /* its thread ID during a start; 0 otherwise */
static atomic_int looking; /* how many watchers have asked for it, and are not done */
static pid_t parent_process;
static int alarm_is_set, waits_are_watched;
static atomic_int child_seen, watchers;

static void on_child(int signal, siginfo_t* info, void* context) {
    const int n = end_count;

    (void)signal;
    (void)context;
    if (n < MAX_ENDS) {
        ends[n].code = info->si_code;
        ends[n].status = info->si_status;
        ends[n].pid = info->si_pid;
    }
    end_count = n + 1;
}

void watch_children(void) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_RESTART | SA_SIGINFO};

    parent_process = getpid();
    sigaction(SIGCHLD, &action, NULL);
}

int children_ended(void) {
    return end_count;
}

/* In a child that shares our memory it would run with another process ID. */
static void on_alarm(int signal) {
    (void)signal;
    alarms++;
    if (syscall(SYS_getpid) != parent_process)
        alarm_ran_in_a_child = 1;
}

int set_alarm_every(int microseconds) {
    const struct itimerval often = {.it_interval = {.tv_usec = microseconds},
                                    .it_value = {.tv_usec = microseconds}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

    alarm_is_set = 1;
    return sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL) ? errno : 0;
}

/* A parent may be real-time: whoever looks all the time must keep no one from running. */
static void become_watcher(void) {
    const struct sched_param none = {.sched_priority = 0};

    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
    atomic_fetch_add(&watchers, 1);
}

static void sleep_a_little(long nanoseconds) {
    const struct timespec little = {.tv_nsec = nanoseconds};

    nanosleep(&little, NULL);
}

/* One that has ended: that a child is there, nobody hides. */
static int a_child_is_seen(void) {
    siginfo_t info = {.si_pid = 0};

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0;
}

/* Look for as long as there is a start, and note what was seen while it was not over. */
static void look(int (*is_seen)(void), atomic_int* seen) {
    become_watcher();
    for (;;) {
        int during;

        atomic_fetch_add(&looking, 1);
        during = atomic_load(&caller);
        if (during && is_seen() && atomic_load(&caller) == during)
            atomic_store(seen, 1);
        atomic_fetch_sub(&looking, 1);
        if (!during)
            sleep_a_little(100000);
    }
}

static void* look_for_children(void* unused) {
    (void)unused;
    look(a_child_is_seen, &child_seen);
    return NULL;
}

int make_thread_without_signals(void* (*run)(void*)) {
    sigset_t all, old;
    pthread_t thread;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err;
}

/* A watcher is there when this returns. */
static int make_watcher(void* (*watcher)(void*)) {
    const int before = atomic_load(&watchers);
    const int err = make_thread_without_signals(watcher);

    while (!err && atomic_load(&watchers) == before)
        sleep_a_little(1000000);
    return err;
}

int watch_waits(void) {
    waits_are_watched = 1;
    return make_watcher(look_for_children);
}

void start_begins(void) {
    atomic_store(&caller, (int)syscall(SYS_gettid));
}

void start_has_ended(void) {
    const struct itimerval never = {{0, 0}, {0, 0}};

    atomic_store(&caller, 0);
    if (alarm_is_set)
        setitimer(ITIMER_REAL, &never, NULL);
    while (atomic_load(&looking))
        sleep_a_little(10000);
}

/* Another thread may have been given the signal. */
static void wait_for_handler(void) {
    struct sigaction action;
    sigset_t mask;
    int i;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGCHLD, NULL, &action);
    if (sigismember(&mask, SIGCHLD) || action.sa_sigaction != on_child)
        return;
    for (i = 0; i < 100 && !end_count; i++)
        sleep_a_little(1000000);
}

void say_what_was_watched(FILE* out, pid_t child) {
    int i;

    if (child) {
        wait_for_handler();
        fprintf(out, ",\"SIGCHLD log\":[");
        for (i = 0; i < end_count && i < MAX_ENDS; i++)
            fprintf(out, "%s[%d,%d,%s]", i ? "," : "", ends[i].code, ends[i].status,
                    ends[i].pid == child ? "\"the child\"" : "\"another\"");
        fprintf(out, "]");
    }
    fprintf(out, ",\"watched\":{");
    /* One that has ended well was there, as everybody may see. */
    fprintf(out, "\"child of a failed start\":%s",
            !child && waits_are_watched && !helper_group && child_seen ? "true" : "false");
    fprintf(out, ",\"handler ran in a child\":%s}", alarm_ran_in_a_child ? "true" : "false");
}
