/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request as a line for the shell, for popen() and system(). */
#ifndef BENCH_SHELL_H
#define BENCH_SHELL_H

#include "way.h"

/*
 * "exec 'program' 'argument'...", of this thread, from begin() to end().  The shell knows no
 * way to pass another argv[0].  environ, which is what the shell gets, becomes the request's.
 */
extern _Thread_local char* shell_command;

/* Members of a way.  begin() returns ENOMEM without memory. */
int shell_begin(const struct bench_request* request);
void shell_end(void);

#endif
