/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The load on the machine's memory while a child has not executed its program
 * yet: one start whose child is held, by a FIFO that a file action opens, until the
 * kernel's books have been read.
 */
#ifndef BENCH_HELD_H
#define BENCH_HELD_H

#include "series.h"

/*
 * Answers with commit and page_tables, in KiB more than before the start; and with
 * strict: 1 if a start succeeds under overcommit_memory=2 when the caller has touched
 * more than may still be promised.
 */
struct times held_run(const struct bench_way* way, const struct setting* setting,
                      unsigned long count);

#endif
