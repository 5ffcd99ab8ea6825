/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts, one after the other, by one thread or by several at once. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include "setting.h"

/*
 * Nanoseconds of one start, the medians of many: the clock interrupts one start in
 * some thirty (each 4 ms), and with the interrupt ends an RCU grace period, so that this
 * start pays 140,000 instructions for what all since the last interrupt have left to be
 * freed.  How many of those starts fall into a series is chance, on which a mean depends.
 */
struct times {
    uint64_t total;   /* from its begin to the child's end */
    uint64_t blocked; /* of it, in start() */
    uint64_t mean;    /* as total, but the mean: what is seldom is in it too */
};

/* Ends the process if a start does not end as the setting has it. */
void judge(const struct bench_way* way, const struct setting* setting, int error, int status);

/* Ends the process, too, if there is no memory for the times of `count` starts. */
struct times series_run(const struct bench_way* way, const struct setting* setting,
                        unsigned long count);

/* The same number of starts, shared among setting->spawners threads, each with a begin()
 * and end() of its own.  Here `total` is a mean: from the first begin to the last end of
 * all, divided by their number; `blocked` is the mean of the threads' medians. */
struct times spawners_run(const struct bench_way* way, const struct setting* setting,
                          unsigned long count);

#endif
