/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions that kspawn.ko calls are made to fail, by the module in module/,
 * and which ones there are.
 */
#ifndef KSPAWN_FAULTS_OVERRIDE_H
#define KSPAWN_FAULTS_OVERRIDE_H

#include <stdbool.h>

#define FUNCTION_NAMES	3
#define FUNCTION_ERRORS	4

/**
 * struct faulty_function - one that is made to fail
 * @names:      what it is called, in one kernel or another
 * @value:      what it returns then
 * @errors:     what the start fails with; ends with 0
 * @harmless:   the start may go on as if nothing were
 * @unreported: the result may not say what has happened
 */
struct faulty_function {
	const char *names[FUNCTION_NAMES];
	long value;
	int errors[FUNCTION_ERRORS];
	bool harmless;
	bool unreported;
};

/* Those that a start calls.  Ends with one without a name. */
extern const struct faulty_function faulty_functions[];

/* The same for those that the module calls as it is inserted. */
extern const struct faulty_function loading_functions[];

/*
 * The one with that as its first name, or null; @interrupted: as it is when a
 * signal that is pending no more has interrupted it.
 */
const struct faulty_function *faulty_function(const char *name, bool interrupted);

/*
 * Whether the table above has the function, or it is known why it cannot be
 * made to fail: it has no failure, or is tried otherwise.
 */
bool function_is_known(const char *name);

/*
 * Insert the module that makes functions fail, unless it is there; -1 with
 * errno.  Without KSPAWN_BUILD in the environment: ENOENT.
 */
int override_prepare(void);

/* Choose the function, by the first of its names that this kernel has; -1 with errno. */
int override_choose(const struct faulty_function *function);
/* None. */
void override_end(void);

/* A descriptor for what follows, close-on-exec; -1 with errno. */
int override_open(void);
/* From now on the @nth call by or for this process returns @value; 0: none. */
int override_set(int fd, unsigned int nth, long value);
/* Calls since; whether one failed, and then which function made it. */
int override_calls(int fd, bool *failed, char caller[128]);

#endif /* KSPAWN_FAULTS_OVERRIDE_H */
