/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts, one after the other, by one thread or by several at once. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include "scene.h"

struct times {
    uint64_t total;   /* from the first start to the last end */
    uint64_t blocked; /* of it, in start(); of all threads */
};

/* Ends the process if a start does not end as the scene has it. */
void judge(const struct bench_way* way, const struct scene* scene, int error, int status);

struct times series_run(const struct bench_way* way, const struct scene* scene,
                        unsigned long count);

/* The same number of starts, shared among scene->spawners threads, each with a begin()
 * and end() of its own. */
struct times spawners_run(const struct bench_way* way, const struct scene* scene,
                          unsigned long count);

#endif
