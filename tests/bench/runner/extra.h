/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found besides times, for the answer to the driver. */
#ifndef BENCH_EXTRA_H
#define BENCH_EXTRA_H

/* Adds "name=value" to the answer to the command that is being worked on. */
void extra(const char* name, double value);

#endif
