/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The starts whose allocations are made to fail: the plain one, each action,
 * each attribute, and the ways to fail.
 */
#ifndef KSPAWN_FAULTS_CASES_H
#define KSPAWN_FAULTS_CASES_H

#include <stdbool.h>

#include "spawn.h"

#define CASE_ERRORS	4

/**
 * struct fault_case - one kind of start
 * @name:    for messages
 * @set_up:  makes what it needs in the caller, once; may be null
 * @prepare: makes the request
 * @error:   errno without a fault; 0: it succeeds
 * @step:    the step at which it then fails
 * @others:  errors that a fault may show as, besides ENOMEM; ends with 0
 */
struct fault_case {
	const char *name;
	void (*set_up)(void);
	void (*prepare)(struct spawn *s);
	int error;
	__u32 step;
	int others[CASE_ERRORS];
};

/* Ends with one without a name. */
extern const struct fault_case fault_cases[];

/* Whether it is made by a builder, which is created, changed and started. */
bool fault_case_is_built(const struct fault_case *c);

/* Whether it is one of several starts of one call. */
bool fault_case_is_batch(const struct fault_case *c);

/* The one of that name, or null. */
const struct fault_case *fault_case(const char *name);

#endif /* KSPAWN_FAULTS_CASES_H */
