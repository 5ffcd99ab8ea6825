/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

/* Tells the driver "error: ...", with the words for `error` if it is not 0, and ends. */
_Noreturn void fail(int error, const char* format, ...) __attribute__((format(printf, 2, 3)));

#endif
