/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller that is traced, whose child is held where it is born. */
#ifndef KSPAWN_ABI_TRACER_H
#define KSPAWN_ABI_TRACER_H

#include <stdbool.h>
#include <sys/types.h>

/* PTRACE_SEIZE a caller with these, and its children are traced as well. */
#define TRACER_OPTIONS	(PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | \
			 PTRACE_O_EXITKILL)

/*
 * Let the traced @caller run on until it has a child that has stopped where it
 * is born; its pid, or -1.  All threads of the caller that were seen to stop go on.
 */
pid_t tracer_hold_child(pid_t caller);

/* Wait for @event of @pid, with signals and other stops passed on; false if it ends. */
bool tracer_wait_event(pid_t pid, int event);

#endif /* KSPAWN_ABI_TRACER_H */
