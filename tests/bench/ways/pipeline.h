/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline of several programs as one start, whose status is that of the last. */
#ifndef BENCH_PIPELINE_H
#define BENCH_PIPELINE_H

enum { BENCH_STAGES = 3 };

#endif
