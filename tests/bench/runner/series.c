/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "series.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "answer.h"
#include "clock.h"
#include "counter.h"
#include "expect.h"
#include "median.h"

void judge(const struct bench_way* way, const struct setting* setting, int error, int status) {
    const int exited = !error && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const bool right = setting->fails ? error == setting->fails || exited == BENCH_EXEC_FAILED
                                      : exited == setting->exit;
    if (!right)
        fail(error, "%s, expected to %s: status %#x", way->name,
             setting->fails ? "fail" : "succeed", (unsigned)status);
}

/* Times of each start of a series. */
struct record {
    uint64_t* total;
    uint64_t* blocked;
    uint64_t* first; /* to the first instruction, if the setting asks for it */
};

static uint64_t* record_row(unsigned long count) {
    uint64_t* row = malloc((count + 1) * sizeof(*row));
    if (!row)
        fail(errno, "the times of %lu starts", count);
    /* The page faults are no part of a start. */
    memset(row, 0xff, count * sizeof(*row));
    return row;
}

struct times series_run(const struct bench_way* way, const struct setting* setting,
                        unsigned long count) {
    struct record record = {record_row(count), record_row(count), record_row(count)};
    uint64_t sum = 0;
    for (unsigned long i = 0; i < count; i++) {
        struct bench_child child = {0};
        int status = 0;
        if (setting->stall)
            counter_reset();
        const uint64_t before = clock_now();
        int error = way->start(&setting->request, &child);
        const uint64_t started = clock_now();
        if (!error)
            error = way->finish(&child, &status);
        judge(way, setting, error, status);
        const uint64_t ended = clock_now();
        /* After the last look at the clock: what fork() has made shared is copied here. */
        record.blocked[i] = started - before;
        record.total[i] = ended - before;
        sum += ended - before;
        if (setting->time)
            record.first[i] = *setting->time - before;
        if (setting->stall)
            counter_note(i);
    }
    const uint64_t settling = clock_now();
    if (way->settle)
        way->settle();
    const uint64_t settled = clock_now();
    /* A thread among more of them than there are starts has none. */
    const unsigned long starts = count ? count : 1;
    /* All starts share in what a way puts off until the last of them has ended. */
    const uint64_t put_off = way->settle ? (settled - settling) / starts : 0;
    const struct times times = {
        .total = median(record.total, count) + put_off,
        .blocked = median(record.blocked, count),
        .mean = sum / starts + put_off,
    };
    if (setting->time)
        extra("first", (double)median(record.first, count));
    free(record.total);
    free(record.blocked);
    free(record.first);
    return times;
}

struct spawner {
    pthread_t thread;
    const struct bench_way* way;
    const struct setting* setting;
    pthread_barrier_t* barrier;
    unsigned long count;
    struct times times;
};

static void* spawn(void* argument) {
    struct spawner* spawner = argument;
    const struct bench_way* way = spawner->way;
    const int error = way->begin ? way->begin(&spawner->setting->request) : 0;
    if (error)
        fail(error, "%s cannot begin", way->name);
    pthread_barrier_wait(spawner->barrier);
    spawner->times = series_run(way, spawner->setting, spawner->count);
    pthread_barrier_wait(spawner->barrier);
    if (way->end)
        way->end();
    return NULL;
}

struct times spawners_run(const struct bench_way* way, const struct setting* setting,
                          unsigned long count) {
    const unsigned long threads = setting->spawners;
    struct spawner* spawners = calloc(threads, sizeof(*spawners));
    if (!spawners)
        fail(errno, "calloc");
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (unsigned long i = 0; i < threads; i++) {
        spawners[i] = (struct spawner){.way = way,
                                       .setting = setting,
                                       .barrier = &barrier,
                                       .count = count * (i + 1) / threads - count * i / threads};
        const int error = pthread_create(&spawners[i].thread, NULL, spawn, &spawners[i]);
        if (error)
            fail(error, "thread %lu", i);
    }
    pthread_barrier_wait(&barrier);
    const uint64_t begin = clock_now();
    pthread_barrier_wait(&barrier);
    const uint64_t elapsed = clock_now() - begin;
    struct times times = {.total = elapsed / count, .mean = elapsed / count};
    for (unsigned long i = 0; i < threads; i++) {
        pthread_join(spawners[i].thread, NULL);
        times.blocked += spawners[i].times.blocked / threads;
    }
    pthread_barrier_destroy(&barrier);
    free(spawners);
    extra("throughput", (double)count * 1e9 / (double)elapsed);
    return times;
}
