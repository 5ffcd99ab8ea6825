/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runner's answers to the driver. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

/* Adds "name=value" to the answer to the command that is being worked on. */
void extra(const char* name, double value);

/* Answers "error: ...", with the words for `error` if it is not 0, and ends the process. */
_Noreturn void fail(int error, const char* format, ...) __attribute__((format(printf, 2, 3)));

#endif
