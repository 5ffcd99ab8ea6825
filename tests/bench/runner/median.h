/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_MEDIAN_H
#define BENCH_MEDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The upper one of two in the middle; 0 of none.  Leaves the values in order. */
uint64_t median(uint64_t* values, size_t count);

#endif
