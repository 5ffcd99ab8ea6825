/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "series.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "clock.h"
#include "counter.h"
#include "expect.h"
#include "extra.h"
#include "fail.h"

void judge(const struct bench_way* way, const struct scene* scene, int error, int status) {
    const int exited = !error && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const bool right = scene->fails ? error == scene->fails || exited == BENCH_EXEC_FAILED
                                    : exited == BENCH_CHILD_OK;
    if (!right)
        fail(error, "%s, expected to %s: status %#x", way->name, scene->fails ? "fail" : "succeed",
             (unsigned)status);
}

struct times series_run(const struct bench_way* way, const struct scene* scene,
                        unsigned long count) {
    struct times times = {0, 0};
    uint64_t first = 0;
    const uint64_t begin = clock_now();
    for (unsigned long i = 0; i < count; i++) {
        struct bench_child child = {0};
        int status = 0;
        if (scene->stall)
            counter_reset();
        const uint64_t before = clock_now();
        int error = way->start(&scene->request, &child);
        times.blocked += clock_now() - before;
        if (!error)
            error = way->finish(&child, &status);
        judge(way, scene, error, status);
        if (scene->time)
            first += *scene->time - before;
        if (scene->stall)
            counter_note(i);
    }
    if (way->settle)
        way->settle();
    times.total = clock_now() - begin;
    if (scene->time)
        extra("first", (double)first / (double)count);
    return times;
}

struct spawner {
    pthread_t thread;
    const struct bench_way* way;
    const struct scene* scene;
    pthread_barrier_t* barrier;
    unsigned long count;
    struct times times;
};

static void* spawn(void* argument) {
    struct spawner* spawner = argument;
    const struct bench_way* way = spawner->way;
    const int error = way->begin ? way->begin(&spawner->scene->request) : 0;
    if (error)
        fail(error, "%s cannot begin", way->name);
    pthread_barrier_wait(spawner->barrier);
    spawner->times = series_run(way, spawner->scene, spawner->count);
    pthread_barrier_wait(spawner->barrier);
    if (way->end)
        way->end();
    return NULL;
}

struct times spawners_run(const struct bench_way* way, const struct scene* scene,
                          unsigned long count) {
    const unsigned long threads = scene->spawners;
    struct spawner* spawners = calloc(threads, sizeof(*spawners));
    if (!spawners)
        fail(errno, "calloc");
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (unsigned long i = 0; i < threads; i++) {
        spawners[i] = (struct spawner){.way = way,
                                       .scene = scene,
                                       .barrier = &barrier,
                                       .count = count * (i + 1) / threads - count * i / threads};
        const int error = pthread_create(&spawners[i].thread, NULL, spawn, &spawners[i]);
        if (error)
            fail(error, "thread %lu", i);
    }
    pthread_barrier_wait(&barrier);
    const uint64_t begin = clock_now();
    pthread_barrier_wait(&barrier);
    struct times times = {.total = clock_now() - begin};
    for (unsigned long i = 0; i < threads; i++) {
        pthread_join(spawners[i].thread, NULL);
        times.blocked += spawners[i].times.blocked;
    }
    pthread_barrier_destroy(&barrier);
    free(spawners);
    extra("throughput", (double)count * 1e9 / (double)times.total);
    return times;
}
