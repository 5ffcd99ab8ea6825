/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The view that another thread of the parent has of a start while it is under way. */
#ifndef KSPAWN_CONFORMANCE_WATCH_H
#define KSPAWN_CONFORMANCE_WATCH_H

#include <stdio.h>
#include <sys/types.h>

/* Before the first step: the handler of SIGCHLD, which keeps a log. */
void watch_children(void);
/* How many SIGCHLD the handler has had. */
int children_ended(void);

/* Parent steps.  0, or an errno value. */
int set_alarm_every(int microseconds); /* a handler runs all the time */
int watch_waits(void);                 /* a thread asks for children that have ended */

/*
 * A thread that blocks every signal.  0, or an errno value.  A thread that
 * takes one which the parent has blocked and raised would end the parent at some
 * moment of the start, and musl's child then writes its error to a pipe without
 * a reader for ever.
 */
int make_thread_without_signals(void* (*run)(void*));

/* Around the start, in the thread that makes it. */
void start_begins(void);
void start_has_ended(void);

/* After it: members of a JSON object.  @child is 0 after a failure. */
void say_what_was_watched(FILE* out, pid_t child);

#endif
