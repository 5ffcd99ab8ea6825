/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stall.  The program to start is slow to execute: its file must be allowed by
 * a watcher (fanotify, as virus scanners do it), who takes its time.  Meanwhile,
 * what do the caller and the other threads come to do?
 *
 *   stall WAY
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "trial.h"

static const struct trial* current;
static const struct bench_request* other_request;

static void map_memory(void) {
    void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        trial_fail("mmap");
    *(volatile char*)page = 1;
    munmap(page, 4096);
}

static void open_file(void) {
    const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        trial_fail("/dev/null");
    close(fd);
}

static void* nothing(void* argument) {
    return argument;
}

static void create_thread(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        trial_fail("pthread_create");
    pthread_join(thread, NULL);
}

static void start_another(void) {
    if (trial_start(current, other_request) != 0)
        trial_fail("the other program has failed");
}

/* A change of all threads that leaves us who we are. */
static void set_uid(void) {
    if (setuid(getuid()) < 0)
        trial_fail("setuid");
}

static void look_on(void) {}

/*
 * One thread each, made in this order.  The bystander only looks on.  It is let go
 * after setuid(), and has been made right before its thread: musl, whose setuid()
 * stops all threads one by one, begins with it.
 */
static const struct probe {
    const char* name;
    void (*act)(void);
} probes[] = {
    {"memory", map_memory},   {"open", open_file},    {"thread", create_thread},
    {"start", start_another}, {"bystander", look_on}, {"setuid", set_uid},
};
static const size_t turns[] = {0, 1, 2, 3, 5, 4};

enum { PROBES = sizeof(probes) / sizeof(*probes) };

struct shared {
    _Atomic int ready;
    _Atomic int returned; /* start(), of the slow program */
    _Atomic int over;
    struct {
        _Atomic pid_t tid;
        _Atomic int go;
        _Atomic int done;
    } probes[PROBES];
};

static struct shared* shared;

static void* probe(void* argument) {
    const size_t i = (uintptr_t)argument;
    atomic_store(&shared->probes[i].tid, trial_tid());
    while (!atomic_load(&shared->probes[i].go))
        trial_sleep();
    probes[i].act();
    atomic_store(&shared->probes[i].done, 1);
    return NULL;
}

static void run(struct trial* trial, void* argument) {
    (void)argument;
    current = trial;
    char* envp[] = {NULL};
    char* argv[] = {trial->intended, NULL};
    char* other_argv[] = {trial->attacker, NULL};
    const struct bench_request request = {.path = argv[0], .argv = argv, .envp = envp};
    const struct bench_request other = {.path = other_argv[0], .argv = other_argv, .envp = envp};
    other_request = &other;
    trial_begin(trial, &request);
    pthread_t threads[PROBES];
    for (uintptr_t i = 0; i < PROBES; i++)
        if (pthread_create(&threads[i], NULL, probe, (void*)i) != 0)
            trial_fail("pthread_create");
    for (size_t i = 0; i < PROBES; i++)
        while (!atomic_load(&shared->probes[i].tid))
            trial_sleep();
    struct bench_child child = {0};
    int status = 0;
    if (trial->way->start(&request, &child) != 0)
        trial_fail("%s: start", trial->way_name);
    atomic_store(&shared->returned, 1);
    if (trial->way->finish(&child, &status) != 0 || status != 0)
        trial_fail("%s: finish", trial->way_name);
    for (size_t i = 0; i < PROBES; i++)
        pthread_join(threads[i], NULL);
}

static int watch(const char* program) {
    const int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, program) < 0)
        trial_fail("fanotify");
    return fd;
}

/* Returns the file that waits for being allowed. */
static int await_exec(const struct trial* trial, int watcher) {
    struct pollfd ready = {.fd = watcher, .events = POLLIN};
    while (poll(&ready, 1, 100) == 0)
        trial_check(trial);
    struct fanotify_event_metadata event;
    if (read(watcher, &event, sizeof(event)) != sizeof(event) || event.fd < 0)
        trial_fail("the watcher has been told nothing");
    return event.fd;
}

static void allow(int watcher, int file) {
    const struct fanotify_response response = {.fd = file, .response = FAN_ALLOW};
    if (write(watcher, &response, sizeof(response)) != sizeof(response))
        trial_fail("the watcher cannot answer");
    close(file);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* A caller that shares memory with the child until its exec does so for longer than this. */
enum { HELD_MS = 1000 };

int main(int argc, char** argv) {
    static struct trial trial;
    trial_open(&trial, argc, argv);
    shared = trial_share(sizeof(*shared));
    const int watcher = watch(trial.intended);
    trial_run(&trial, run, NULL);
    const int file = await_exec(&trial, watcher);
    const int64_t since = now_ns();
    const bool caller_waits = !trial_await(&trial, &shared->returned, trial.subject);
    bool waits[PROBES];
    for (size_t turn = 0; turn < PROBES; turn++) {
        const size_t i = turns[turn];
        atomic_store(&shared->probes[i].go, 1);
        waits[i] = !trial_await(&trial, &shared->probes[i].done, shared->probes[i].tid);
    }
    while (now_ns() - since < HELD_MS * 1000000LL)
        trial_sleep();
    const int64_t held = now_ns() - since;
    allow(watcher, file);
    trial_close(&trial);
    char list[256] = "";
    if (caller_waits)
        strcpy(list, "\"caller\"");
    for (size_t i = 0; i < PROBES; i++) {
        const size_t length = strlen(list);
        if (waits[i])
            snprintf(list + length, sizeof(list) - length, "%s\"%s\"", length ? "," : "",
                     probes[i].name);
    }
    trial_report(&trial, "stall", list[0] != 0, "\"waits\":[%s],\"held_ns\":%lld", list,
                 (long long)held);
    return 0;
}
