// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bug.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "descriptors.h"
#include "made.h"
#include "memory.h"
#include "operations.h"
#include "request.h"
#include "signals.h"
#include "trace.h"

#define ACTION(_op, _name, _takes, _traits)				\
	[KSPAWN_ACTION_##_op] = {					\
		.name = #_name,						\
		.takes = _takes,					\
		.traits = _traits,					\
		.run = kspawn_actions_##_name,				\
	}

/* One that makes the descriptor that it gives the child. */
#define MAKING(_op, _name)						\
	[KSPAWN_ACTION_##_op] = {					\
		.name = #_name,						\
		.takes = KSPAWN_TAKES_NEWFD,				\
		.traits = KSPAWN_KEEPS_LOOKUP | KSPAWN_MAKES_FD,	\
		.making = &kspawn_made_##_name,				\
		.run = kspawn_actions_##_name,				\
	}

#define STATE(_op, _name, _run, _takes, _traits)			\
	[KSPAWN_ACTION_##_op] = {					\
		.name = #_name,						\
		.takes = _takes,					\
		.traits = _traits,					\
		.op = KSPAWN_ACTION_##_op,				\
		.check = kspawn_state_check,				\
		.run = kspawn_state_##_run,				\
	}

#define TAKES_VALUES							\
	(KSPAWN_TAKES_VALUE | KSPAWN_TAKES_VALUE2 | KSPAWN_TAKES_VALUE3)
#define TAKES_DATA	(KSPAWN_TAKES_VALUE | KSPAWN_TAKES_DATA)

/* File actions, by their number. */
static const struct kspawn_operation actions[] = {
	ACTION(OPEN, open,
	       KSPAWN_TAKES_FD | KSPAWN_TAKES_PATH | KSPAWN_TAKES_HOW,
	       KSPAWN_NEEDS_MEMORY),
	ACTION(CLOSE, close, KSPAWN_TAKES_FD, KSPAWN_KEEPS_LOOKUP),
	ACTION(DUP2, dup2, KSPAWN_TAKES_FD | KSPAWN_TAKES_NEWFD,
	       KSPAWN_NAMES_FD | KSPAWN_KEEPS_LOOKUP | KSPAWN_MAKES_FD),
	ACTION(CHDIR, chdir, KSPAWN_TAKES_PATH, 0),
	ACTION(FCHDIR, fchdir, KSPAWN_TAKES_FD, KSPAWN_NAMES_FD),
	ACTION(CLOSEFROM, closefrom, KSPAWN_TAKES_FD,
	       KSPAWN_KEEPS_LOOKUP | KSPAWN_BOUNDS),
	ACTION(TCSETPGRP, tcsetpgrp, KSPAWN_TAKES_FD, KSPAWN_NAMES_FD),
	ACTION(INHERIT, inherit, KSPAWN_TAKES_FD,
	       KSPAWN_NAMES_FD | KSPAWN_KEEPS_LOOKUP),
	ACTION(CLOSE_RANGE, close_range, KSPAWN_TAKES_FD | KSPAWN_TAKES_NEWFD,
	       KSPAWN_KEEPS_LOOKUP),
	ACTION(PASS, pass,
	       KSPAWN_TAKES_FD | KSPAWN_TAKES_NEWFD | KSPAWN_TAKES_FILE, 0),
	MAKING(PIPE, pipe),
	MAKING(SOCKETPAIR, socketpair),
	MAKING(MEMFD, memfd),
	STATE(UMASK, umask, run, KSPAWN_TAKES_VALUE, 0),
	STATE(RLIMIT, rlimit, run, TAKES_VALUES, KSPAWN_NEEDS_MEMORY),
	STATE(NO_NEW_PRIVS, no_new_privs, run, 0, KSPAWN_NEEDS_MEMORY),
	STATE(PDEATHSIG, pdeathsig, pdeathsig, KSPAWN_TAKES_VALUE,
	      KSPAWN_NEEDS_MEMORY | KSPAWN_KNOWS_PARENT),
	STATE(RESUID, resuid, run, TAKES_VALUES, KSPAWN_NEEDS_MEMORY),
	STATE(RESGID, resgid, run, TAKES_VALUES, KSPAWN_NEEDS_MEMORY),
	STATE(GROUPS, groups, run, TAKES_DATA, KSPAWN_NEEDS_MEMORY),
	STATE(CTTY, ctty, run, KSPAWN_TAKES_FD | KSPAWN_TAKES_VALUE,
	      KSPAWN_NAMES_FD | KSPAWN_NEEDS_MEMORY),
	ACTION(CHROOT, chroot, KSPAWN_TAKES_PATH, KSPAWN_NEEDS_MEMORY),
	STATE(PRIORITY, priority, run, KSPAWN_TAKES_VALUE, 0),
	STATE(AFFINITY, affinity, run, TAKES_DATA, KSPAWN_NEEDS_MEMORY),
	STATE(OOM_SCORE, oom_score, oom_score, KSPAWN_TAKES_VALUE, 0),
	STATE(STOP, stop, stop, 0, 0),
	STATE(SETNS, setns, run, KSPAWN_TAKES_FD | KSPAWN_TAKES_VALUE,
	      KSPAWN_NAMES_FD | KSPAWN_NEEDS_MEMORY),
	STATE(UNSHARE, unshare, run, KSPAWN_TAKES_VALUE, KSPAWN_NEEDS_MEMORY),
	STATE(CAPABILITIES, capabilities, run, TAKES_DATA,
	      KSPAWN_NEEDS_MEMORY),
	STATE(PRCTL, prctl, run, TAKES_VALUES, KSPAWN_NEEDS_MEMORY),
	STATE(SCHEDULER, scheduler, run, TAKES_DATA, KSPAWN_NEEDS_MEMORY),
	STATE(IOPRIO, ioprio, run, KSPAWN_TAKES_VALUE, 0),
	STATE(PERSONALITY, personality, run, KSPAWN_TAKES_VALUE, 0),
	STATE(MEMPOLICY, mempolicy, run, TAKES_DATA | KSPAWN_TAKES_VALUE2,
	      KSPAWN_NEEDS_MEMORY),
	[KSPAWN_ACTION_CLOSE_EXCEPT] = {
		.name = "close_except",
		.takes = KSPAWN_TAKES_FD | KSPAWN_TAKES_NEWFD | TAKES_DATA,
		.op = KSPAWN_ACTION_CLOSE_EXCEPT,
		.check = kspawn_actions_check_except,
		.run = kspawn_actions_close_except,
	},
};

#define ATTRIBUTE(_name, _attribute)					\
	{								\
		.name = #_name,						\
		.attribute = _attribute,				\
		.run = kspawn_attributes_##_name,			\
	}

/*
 * Attributes, in the order in which glibc applies them.  SETCGROUP has taken
 * effect before, SETSIGMASK does with the program.
 */
static const struct kspawn_operation attributes[] = {
	ATTRIBUTE(sigdef, KSPAWN_ATTR_SETSIGDEF),
	ATTRIBUTE(sigign, KSPAWN_ATTR_SETSIGIGN),
	ATTRIBUTE(scheduler, KSPAWN_ATTR_SETSCHEDULER |
			     KSPAWN_ATTR_SETSCHEDPARAM),
	ATTRIBUTE(sid, KSPAWN_ATTR_SETSID),
	ATTRIBUTE(pgroup, KSPAWN_ATTR_SETPGROUP),
	ATTRIBUTE(ids, KSPAWN_ATTR_RESETIDS),
};

/**
 * kspawn_operations_find() - the operation that a file action asks for
 * @op: KSPAWN_ACTION_*, or any other number
 *
 * Return: the operation, or NULL.
 */
const struct kspawn_operation *kspawn_operations_find(u32 op)
{
	if (op >= ARRAY_SIZE(actions) || !actions[op].run)
		return NULL;
	return &actions[op];
}

/**
 * kspawn_operations_actions() - which file actions there are
 *
 * Return: bit N is set for KSPAWN_ACTION_* number N.
 */
u64 kspawn_operations_actions(void)
{
	u64 set = 0;
	u32 op;

	BUILD_BUG_ON(ARRAY_SIZE(actions) > BITS_PER_LONG_LONG);

	for (op = 0; op < ARRAY_SIZE(actions); op++)
		if (actions[op].run)
			set |= BIT_ULL(op);
	return set;
}

static int run_attributes(struct kspawn_request *request)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct kspawn_operation *operation = &attributes[i];
		u32 asked = request->args.attr_flags & operation->attribute;
		int err;

		if (!asked)
			continue;
		err = operation->run(request, NULL);
		/*
		 * SETSCHEDULER sets the priority as SETSCHEDPARAM does: if both
		 * were given, blame SETSCHEDULER, the higher bit.
		 */
		if (err)
			return kspawn_outcome_fail(&request->outcome,
						   KSPAWN_STEP_ATTRIBUTE,
						   BIT(fls(asked) - 1), err);
	}
	return 0;
}

/* Actions that are short: most take a hundred instructions. */
#define RESCHEDULE_AFTER	16

static int run_actions(struct kspawn_request *request)
{
	struct kspawn_file_action *action = request->actions;
	u32 i;
	int err;

	for (i = 0; i < request->args.action_count; i++, action++) {
		err = 0;
		if (action->operation->traits & KSPAWN_NEEDS_MEMORY)
			err = kspawn_memory_make(request);
		if (!err)
			err = action->operation->run(request, action);
		/* Not open for longer than the child has it. */
		if (action->file) {
			fput(action->file);
			action->file = NULL;
			kspawn_descriptors_finish_closing();
		}
		trace_kspawn_action(request, i, action, err);
		if (!err && kspawn_signals_is_killed(request))
			err = -EINTR;
		if (err)
			return kspawn_outcome_fail(&request->outcome,
						   KSPAWN_STEP_ACTION, i, err);
		if (i % RESCHEDULE_AFTER == 0)
			cond_resched();
	}
	return 0;
}

/**
 * kspawn_operations_run() - make the child what its request says
 * @request: the request of the child, which is current
 *
 * Return: 0, or a negative errno, with the failure in the outcome.
 */
int kspawn_operations_run(struct kspawn_request *request)
{
	int err;

	WARN_ON_ONCE(task_pid(current) != request->child);
	err = run_attributes(request);
	if (!err)
		err = run_actions(request);
	return err;
}
