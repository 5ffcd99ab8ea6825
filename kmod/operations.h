/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of what can be done to a child before its program: which fields
 * of a request an operation takes, what follows from it, and the function that
 * carries it out.  Everything else asks the table.
 */
#ifndef KSPAWN_OPERATIONS_H
#define KSPAWN_OPERATIONS_H

#include <linux/bits.h>
#include <linux/types.h>

struct kspawn_action;
struct kspawn_file_action;
struct kspawn_making;
struct kspawn_operation;
struct kspawn_request;

/* Fields of struct kspawn_action that an operation takes. */
#define KSPAWN_TAKES_FD		BIT(0)
#define KSPAWN_TAKES_NEWFD	BIT(1)
#define KSPAWN_TAKES_PATH	BIT(2) /* and where it begins */
#define KSPAWN_TAKES_HOW	BIT(3) /* oflag, mode and resolve */
#define KSPAWN_TAKES_FILE	BIT(4) /* of the caller's fd; oflag: O_CLOEXEC */
#define KSPAWN_TAKES_VALUE	BIT(5)
#define KSPAWN_TAKES_VALUE2	BIT(6)
#define KSPAWN_TAKES_VALUE3	BIT(7)
#define KSPAWN_TAKES_DATA	BIT(8) /* value is its size, in bytes */

/* fd is a descriptor of the caller's that the child is to have. */
#define KSPAWN_NAMES_FD		BIT(0)
/*
 * The operation cannot make the program appear, unless KSPAWN_MAKES_FD, and
 * fails only for a descriptor that is not open or out of range: so the caller
 * may look for the program before there is a child.
 */
#define KSPAWN_KEEPS_LOOKUP	BIT(1)
/* The child needs nothing from fd on, but for what is named. */
#define KSPAWN_BOUNDS		BIT(2)
/*
 * A file that is opened may be a device, whose driver takes for granted that
 * current has memory.
 */
#define KSPAWN_NEEDS_MEMORY	BIT(3)
/* newfd is open then; a path through its number finds what the caller does not. */
#define KSPAWN_MAKES_FD		BIT(4)
/* It is about the thread that makes the call, which may exit meanwhile. */
#define KSPAWN_KNOWS_PARENT	BIT(5)

/*
 * Carry an operation out in the child, which is current; the action is NULL for
 * an attribute.  Returns 0 or a negative errno.
 */
typedef int kspawn_run_t(struct kspawn_request *request,
			 const struct kspawn_file_action *action);

/*
 * Whether the fields that an operation takes can be what they are; asked as the
 * action is copied.  Returns 0 or a negative errno.
 */
typedef int kspawn_check_t(const struct kspawn_operation *operation,
			   const struct kspawn_action *from);

/**
 * struct kspawn_operation - one operation
 * @name:      as it is called in traces
 * @takes:     KSPAWN_TAKES_*
 * @traits:    KSPAWN_NAMES_FD and the others
 * @attribute: KSPAWN_ATTR_* that ask for it; 0 for a file action
 * @making:    how it makes a descriptor, which says what path, oflag and mode are;
 *             NULL if it makes none
 * @op:        KSPAWN_ACTION_*; 0 for an attribute
 * @check:     look at the fields; NULL if any will do
 * @run:       carry it out
 */
struct kspawn_operation {
	const char *name;
	u32 takes;
	u32 traits;
	u32 attribute;
	const struct kspawn_making *making;
	u32 op;
	kspawn_check_t *check;
	kspawn_run_t *run;
};

const struct kspawn_operation *kspawn_operations_find(u32 op);
u64 kspawn_operations_actions(void);
int kspawn_operations_run(struct kspawn_request *request);

/* In actions.c */
kspawn_run_t kspawn_actions_open, kspawn_actions_close, kspawn_actions_dup2;
kspawn_run_t kspawn_actions_chdir, kspawn_actions_fchdir;
kspawn_run_t kspawn_actions_closefrom, kspawn_actions_close_range;
kspawn_run_t kspawn_actions_tcsetpgrp, kspawn_actions_inherit;
kspawn_run_t kspawn_actions_pass;
kspawn_run_t kspawn_actions_pipe, kspawn_actions_socketpair;
kspawn_run_t kspawn_actions_memfd;
kspawn_run_t kspawn_actions_chroot, kspawn_actions_close_except;
kspawn_check_t kspawn_actions_check_except;

/* In state.c */
kspawn_run_t kspawn_state_run, kspawn_state_pdeathsig;
kspawn_run_t kspawn_state_oom_score, kspawn_state_stop;
kspawn_check_t kspawn_state_check;

/* In attributes.c */
kspawn_run_t kspawn_attributes_sigdef, kspawn_attributes_sigign;
kspawn_run_t kspawn_attributes_scheduler, kspawn_attributes_sid;
kspawn_run_t kspawn_attributes_pgroup, kspawn_attributes_ids;
bool kspawn_attributes_ids_differ(void);

#endif /* KSPAWN_OPERATIONS_H */
