/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One start by any of the three calls, plain, asynchronous, start and wait: its
 * outcome looks alike for all.
 */
#ifndef KSPAWN_ABI_CALLS_H
#define KSPAWN_ABI_CALLS_H

#include "spawn.h"

enum call { CALL_PLAIN, CALL_ASYNC, CALL_WAIT };
#define CALLS	3

/**
 * struct outcome - how a start ended
 * @pid:    the child that there was; 0: the start has failed
 * @error:  why
 * @step:   where; KSPAWN_STEP_WAIT: a signal ended the wait, and then the start
 *          failed, nobody knows how
 * @status: wait status of the child
 */
struct outcome {
	pid_t pid;
	int error;
	__u32 step;
	int status;
};

/*
 * Start, and wait for the program's end.  Only CALL_ASYNC uses @completion, whose
 * events nobody else may read.  A pidfd is closed.
 */
void call_make(int device, struct spawn *s, enum call how, int completion, struct outcome *o);

/* The outcome of a call that has failed, with errno. */
void outcome_of_failure(const struct spawn *s, struct outcome *o);

/* The same for an asynchronous start, with its event; waits for the program's end. */
void outcome_of_event(const struct kspawn_event *event, struct outcome *o);

#endif /* KSPAWN_ABI_CALLS_H */
