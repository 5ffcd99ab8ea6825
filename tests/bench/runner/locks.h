/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's tracepoints contention_begin and contention_end tell of locks that
 * our process and its children had to wait for.
 */
#ifndef BENCH_LOCKS_H
#define BENCH_LOCKS_H

/* Starts to look; needs tracefs. */
void locks_begin(void);

/*
 * After `count` starts: answers with waits, how many times a lock was waited for, wait,
 * the nanoseconds of that, and ours, how many of the waits were for a lock that the
 * module kspawn itself was taking.  All of them for one start.
 */
void locks_answer(unsigned long count);

#endif
