/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline of several programs as one start.  All its stages are the same program, and end
 * alike. */
#ifndef BENCH_PIPELINE_H
#define BENCH_PIPELINE_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "way.h"

enum { BENCH_STAGES = 3 };

/* Starts one stage; `input` and `output` are to be its standard input and output, or -1. */
typedef int pipeline_stage_t(const struct bench_request* request, pid_t* pid, int input,
                             int output);

static inline void pipeline_close(int end) {
    if (end >= 0)
        close(end);
}

/* The stages that pipeline_start() has started. */
static _Thread_local pid_t pipeline_pids[BENCH_STAGES];

/* All stages by hand: pipe2() for each two of them. */
static inline int pipeline_start(const struct bench_request* request, struct bench_child* child,
                                 pipeline_stage_t* start_stage) {
    int input = -1;
    int error = 0;
    for (int stage = 0; !error && stage < BENCH_STAGES; stage++) {
        int ends[2] = {-1, -1};
        if (stage + 1 < BENCH_STAGES && pipe2(ends, O_CLOEXEC) != 0)
            error = errno;
        if (!error)
            error = start_stage(request, &pipeline_pids[stage], input, ends[1]);
        pipeline_close(input);
        pipeline_close(ends[1]);
        input = ends[0];
    }
    pipeline_close(input);
    child->pid = pipeline_pids[0];
    return error;
}

/* Member of a way.  Waits for all; EPROTO if they have not ended alike. */
static inline int pipeline_finish(struct bench_child* first_child, int* status) {
    int error = 0;
    (void)first_child;
    for (int stage = 0; !error && stage < BENCH_STAGES; stage++) {
        struct bench_child child = {.pid = pipeline_pids[stage]};
        const int first = *status;
        error = bench_wait(&child, status);
        if (!error && stage > 0 && *status != first)
            error = EPROTO;
    }
    return error;
}

#endif
