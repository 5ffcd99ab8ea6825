/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's fault injection: the N-th allocation of a task is made to fail
 * (Documentation/fault-injection), and functions that may be made to fail are.
 */
#ifndef KSPAWN_FAULTS_INJECT_H
#define KSPAWN_FAULTS_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Make every kind of allocation count, and failures silent but for what the
 * allocator itself says.  False if this kernel injects no faults.
 */
bool inject_prepare(void);

/* A descriptor of the task's fail-nth, close-on-exec; -1 with errno. */
int inject_open(pid_t task);

/* The @nth allocation from now on fails; 0: none.  -1 with errno. */
int inject_set(int fd, unsigned int nth);

/* How many allocations there still are before the one that fails; 0: it has. */
int inject_left(int fd);

#endif /* KSPAWN_FAULTS_INJECT_H */
