/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread on a CPU of its own that does nothing but count and look at the clock:
 * the longest time between two looks is a stall that somebody else has caused.
 */
#ifndef BENCH_COUNTER_H
#define BENCH_COUNTER_H

/* Starts it, on the second CPU; the caller, and all that it starts, stays on the first. */
void counter_begin(void);

/* Before a start: forget what was. */
void counter_reset(void);

/* After the start: the longest gap since then is that of start number `i`. */
void counter_note(unsigned long i);

/*
 * After `count` starts that took `total` nanoseconds: answers with gap, the median
 * of the starts' longest gaps, longest_gap, the longest of them, and idle_gap, the
 * median while nothing is started for as long as a start takes.
 */
void counter_answer(unsigned long count, unsigned long long total);

#endif
