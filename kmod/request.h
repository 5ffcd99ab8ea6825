/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request: a copy of everything that the caller asked for, made and
 * checked before the child exists.  Only where no other task has the caller's
 * memory does exec read the path and the lists from there instead.
 */
#ifndef KSPAWN_REQUEST_H
#define KSPAWN_REQUEST_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/pid.h>
#include <linux/signal_types.h>

#include "descriptors.h"
#include "strings.h"
#include "uapi/kspawn.h"

/**
 * struct kspawn_outcome - how a start ended
 * @error: 0 or a negative errno
 * @step:  KSPAWN_STEP_* that failed
 * @index: which part of that step
 */
struct kspawn_outcome {
	int error;
	u32 step;
	u32 index;
};

/* Record a failure; for use in a return statement. */
static inline int kspawn_fail(struct kspawn_outcome *outcome, u32 step,
			      u32 index, int error)
{
	outcome->error = error;
	outcome->step = step;
	outcome->index = index;
	return error;
}

/**
 * struct kspawn_file_action - one file action, copied
 * @op:    KSPAWN_ACTION_*
 * @fd:    see struct kspawn_action, here and below
 * @newfd: target of DUP2
 * @oflag: flags of OPEN
 * @mode:  mode of OPEN
 * @path:  of OPEN and CHDIR
 */
struct kspawn_file_action {
	u32 op;
	int fd;
	int newfd;
	u32 oflag;
	umode_t mode;
	const char *path;
};

/**
 * enum kspawn_phase - who still takes part in a request
 * @KSPAWN_STARTING:  the caller waits for the child
 * @KSPAWN_ABANDONED: the caller was killed while it waited
 */
enum kspawn_phase {
	KSPAWN_STARTING,
	KSPAWN_ABANDONED,
};

/**
 * struct kspawn_request - one start of a program
 * @ref:            the caller's reference, and the child's: it goes on using
 *                  the request after the caller has been woken
 * @id:             tells requests apart in traces
 * @phase:          enum kspawn_phase
 * @caller:         the process that asked
 * @args:           the scalars; its pointers have been followed and are unused,
 *                  but for the path and the lists of a request @in_place
 * @path:           the program
 * @search:         directories to search it in, or NULL
 * @candidate:      room for one path of that search, or NULL
 * @candidate_size: enough for the longest, at most PATH_MAX
 * @denied:         whether that search has met -EACCES
 * @in_place:       exec reads path and lists where the caller has them, see
 *                  kspawn_request_take_lists()
 * @argv:           arguments, at least one; unless @in_place
 * @envp:           environment; unless @in_place
 * @actions:        file actions
 * @named:          descriptors that they refer to, ascending, each once
 * @named_count:    how many
 * @descriptors:    the child's descriptors
 * @child:          the child, from its first instruction on
 * @mm:             the memory it shares with its caller; only for comparison
 * @fatal_signal:   a signal that the child is to die of
 * @pidfd_file:     the child's pidfd until the caller installs it
 * @outcome:        written by the child before it wakes the caller
 * @arena:          where the strings and lists above live
 * @room:           its first chunk
 */
struct kspawn_request {
	struct kref ref;
	u64 id;
	int phase;
	struct pid *caller;
	struct kspawn_args args;
	const char *path;
	const char *search;
	char *candidate;
	size_t candidate_size;
	bool denied;
	bool in_place;
	const char *const *argv;
	const char *const *envp;
	struct kspawn_file_action *actions;
	unsigned int *named;
	u32 named_count;
	struct kspawn_descriptors descriptors;
	struct pid *child;
	const void *mm;
	int fatal_signal;
	struct file *pidfd_file;
	struct kspawn_outcome outcome;
	struct kspawn_arena arena;
	u64 room[];
};

int kspawn_requests_init(void);
void kspawn_requests_exit(void);
int kspawn_copy_args(struct kspawn_args *args,
		     const struct kspawn_args __user *from,
		     struct kspawn_outcome *outcome);
struct kspawn_request *kspawn_request_create(const struct kspawn_args *args,
					     struct kspawn_outcome *outcome);
int kspawn_request_take_lists(struct kspawn_request *request,
			      struct kspawn_outcome *outcome);
void kspawn_request_blame_list(struct kspawn_request *request,
			       struct kspawn_outcome *outcome);
void kspawn_request_get(struct kspawn_request *request);
void kspawn_request_put(struct kspawn_request *request);

static inline bool kspawn_has_attribute(const struct kspawn_request *request,
					u32 attribute)
{
	return request->args.attr_flags & attribute;
}

#endif /* KSPAWN_REQUEST_H */
