/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request as a line for the shell, for popen() and system(). */
#ifndef BENCH_SHELL_H
#define BENCH_SHELL_H

#include "way.h"

/*
 * "exec 'program' 'argument'...", to be freed.  The shell knows no way to pass
 * another argv[0].  environ, which is what the shell gets, becomes the request's.
 * NULL without memory.
 */
char* shell_command(const struct bench_request* request);

#endif
