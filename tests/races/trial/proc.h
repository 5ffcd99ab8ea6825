/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The threads of a process, as /proc shows them. */
#ifndef RACES_PROC_H
#define RACES_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether a child of the process sleeps in the open of a FIFO. */
bool proc_child_opens_fifo(pid_t process);

/* Looks that proc_rests() has had.  To begin with, all zero. */
struct proc_rest {
    uint64_t switches;
    int looks;
};

/* Whether thread `tid` of the process (0: each of its threads) has slept through many
 * successive looks, without having once been woken. */
bool proc_rests(struct proc_rest* rest, pid_t process, pid_t tid);

#endif
