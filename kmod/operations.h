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

struct kspawn_file_action;
struct kspawn_request;

/* Fields that an operation takes from struct kspawn_action. */
#define KSPAWN_TAKES_FD		BIT(0)
#define KSPAWN_TAKES_NEWFD	BIT(1)
#define KSPAWN_TAKES_PATH	BIT(2) /* and where it begins */
#define KSPAWN_TAKES_HOW	BIT(3) /* oflag, mode and resolve */

/* fd is a descriptor of the caller's that the child is to have. */
#define KSPAWN_NAMES_FD		BIT(0)
/*
 * A program that is not found before the operation is not found after it; and the
 * operation fails only if a descriptor that it names is not open, or cannot be.
 */
#define KSPAWN_KEEPS_LOOKUP	BIT(1)
/*
 * A file that is opened may be a device, whose driver takes for granted that
 * current has memory.
 */
#define KSPAWN_NEEDS_MEMORY	BIT(3)
/* The child needs nothing from fd on, but for what is named. */
#define KSPAWN_BOUNDS		BIT(2)

/**
 * struct kspawn_operation - one operation
 * @name:      as it is called in traces
 * @takes:     KSPAWN_TAKES_*
 * @traits:    KSPAWN_NAMES_FD and the others
 * @attribute: KSPAWN_ATTR_* that ask for it; 0 for a file action
 * @run:       carry it out in the child, which is current; @action is NULL for
 *             an attribute.  Returns 0 or a negative errno
 */
struct kspawn_operation {
	const char *name;
	u32 takes;
	u32 traits;
	u32 attribute;
	int (*run)(struct kspawn_request *request,
		   const struct kspawn_file_action *action);
};

const struct kspawn_operation *kspawn_operation_of_action(u32 op);
u64 kspawn_operation_actions(void);
int kspawn_operations_run(struct kspawn_request *request);

/* In actions.c */
int kspawn_action_open(struct kspawn_request *request,
		       const struct kspawn_file_action *action);
int kspawn_action_close(struct kspawn_request *request,
			const struct kspawn_file_action *action);
int kspawn_action_dup2(struct kspawn_request *request,
		       const struct kspawn_file_action *action);
int kspawn_action_chdir(struct kspawn_request *request,
			const struct kspawn_file_action *action);
int kspawn_action_fchdir(struct kspawn_request *request,
			 const struct kspawn_file_action *action);
int kspawn_action_closefrom(struct kspawn_request *request,
			    const struct kspawn_file_action *action);
int kspawn_action_tcsetpgrp(struct kspawn_request *request,
			    const struct kspawn_file_action *action);
int kspawn_action_inherit(struct kspawn_request *request,
			  const struct kspawn_file_action *action);
int kspawn_action_close_range(struct kspawn_request *request,
			      const struct kspawn_file_action *action);

/* In attributes.c */
int kspawn_attribute_sigdef(struct kspawn_request *request,
			    const struct kspawn_file_action *action);
int kspawn_attribute_sigign(struct kspawn_request *request,
			    const struct kspawn_file_action *action);
int kspawn_attribute_scheduler(struct kspawn_request *request,
			       const struct kspawn_file_action *action);
int kspawn_attribute_sid(struct kspawn_request *request,
			 const struct kspawn_file_action *action);
int kspawn_attribute_pgroup(struct kspawn_request *request,
			    const struct kspawn_file_action *action);
int kspawn_attribute_ids(struct kspawn_request *request,
			 const struct kspawn_file_action *action);

#endif /* KSPAWN_OPERATIONS_H */
