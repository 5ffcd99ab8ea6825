/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"

enum { POLL_MICROSECONDS = 500, SETTLE_MICROSECONDS = 20000 };

/* KiB */
struct books {
    long commit;
    long page_tables;
};

static void set(const char* name, long value) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
    FILE* file = fopen(path, "we");
    if (!file || fprintf(file, "%ld\n", value) < 0 || fclose(file) != 0)
        fail(errno, "%s", path);
}

static struct books read_books(void) {
    struct books books = {-1, -1};
    char line[128];
    /* The counts of each CPU are added up now and then, or now. */
    set("stat_refresh", 1);
    FILE* file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "Committed_AS: %ld", &books.commit);
        (void)sscanf(line, "PageTables: %ld", &books.page_tables);
    }
    if (!file || books.commit < 0 || books.page_tables < 0)
        fail(errno, "/proc/meminfo");
    fclose(file);
    return books;
}

/* Opens it when somebody waits to read from it, which ends that wait. */
static void release(const char* fifo) {
    int fd;
    while ((fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        if (errno != ENXIO && errno != EINTR)
            fail(errno, "%s", fifo);
        usleep(POLL_MICROSECONDS);
    }
    close(fd);
}

struct holder {
    const struct setting* setting;
    struct books books; /* while the child was held */
};

static void* hold(void* argument) {
    struct holder* holder = argument;
    release(holder->setting->held[0]);
    usleep(SETTLE_MICROSECONDS);
    holder->books = read_books();
    release(holder->setting->held[1]);
    return NULL;
}

static bool succeeds_strictly(const struct bench_way* way, const struct setting* setting) {
    struct bench_request request = setting->request;
    request.action_count = 0;
    if (way->end)
        way->end();
    int error = way->begin ? way->begin(&request) : 0;
    if (error)
        fail(error, "%s cannot begin", way->name);
    set("overcommit_kbytes", read_books().commit + (long)setting->resident * 1024 / 2);
    set("overcommit_memory", 2);
    struct bench_child child = {0};
    int status = 0;
    error = way->start(&request, &child);
    if (!error)
        error = way->finish(&child, &status);
    set("overcommit_memory", 0);
    if (!error)
        judge(way, setting, error, status);
    else if (error != ENOMEM)
        fail(error, "%s, under overcommit_memory=2", way->name);
    if (way->end)
        way->end();
    const int again = way->begin ? way->begin(&setting->request) : 0;
    if (again)
        fail(again, "%s cannot begin", way->name);
    return !error;
}

static struct times held_once(const struct bench_way* way, const struct setting* setting,
                              struct books* more) {
    struct holder holder = {.setting = setting};
    pthread_t thread;
    /* The thread's own stack is no part of it. */
    const int error = pthread_create(&thread, NULL, hold, &holder);
    if (error)
        fail(error, "the thread that holds");
    usleep(SETTLE_MICROSECONDS);
    const struct books before = read_books();
    const struct times times = series_run(way, setting, 1);
    pthread_join(thread, NULL);
    more->commit += holder.books.commit - before.commit;
    more->page_tables += holder.books.page_tables - before.page_tables;
    return times;
}

struct times held_run(const struct bench_way* way, const struct setting* setting,
                      unsigned long count) {
    struct times times = {0};
    struct books more = {0, 0};
    for (unsigned long i = 0; i < count; i++) {
        const struct times once = held_once(way, setting, &more);
        times.total += once.total / count;
        times.blocked += once.blocked / count;
    }
    times.mean = times.total;
    extra("commit", (double)more.commit / (double)count);
    extra("page_tables", (double)more.page_tables / (double)count);
    extra("strict", succeeds_strictly(way, setting));
    return times;
}
