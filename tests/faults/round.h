/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One start with a fault in it: how it ended, and what it has left behind. */
#ifndef KSPAWN_FAULTS_ROUND_H
#define KSPAWN_FAULTS_ROUND_H

#include "cases.h"

/* How one start ended, as its caller saw it. */
struct round {
	pid_t pid;
	int error;
	struct kspawn_result result;
	int status;		/* wait status of a child that there was */
	int descriptors;	/* that are there now, and were not before */
	bool clean;		/* no other child, no descriptor, no SIGCHLD too many */
};

/*
 * Start @c.  If @fail_nth is not -1, the @nth allocation from the call on fails,
 * and @left is set to how many there were too few for that.
 */
void round_run(int device, const struct fault_case *c, int fail_nth, unsigned int nth,
	       struct round *round, int *left);

/* Whether a lack of memory may make @c end with @error. */
bool round_may_show_as(const struct fault_case *c, int error);

#endif /* KSPAWN_FAULTS_ROUND_H */
