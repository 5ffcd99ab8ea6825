/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request: a copy of everything that the caller asked for, made and
 * checked before the child exists.  The child reads nothing else.
 */
#ifndef KSPAWN_REQUEST_H
#define KSPAWN_REQUEST_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/pid.h>
#include <linux/signal_types.h>

#include "arena.h"
#include "descriptors.h"
#include "lists.h"
#include "outcome.h"
#include "uapi/kspawn.h"

struct kspawn_barrier;
struct kspawn_builder;
struct kspawn_end;
struct kspawn_operation;
struct kspawn_queue_slot;
struct task_struct;

/**
 * enum kspawn_call - what a request is for
 * @KSPAWN_CALL_SPAWN: KSPAWN_IOC_SPAWN, and the ioctls of these names
 * @KSPAWN_CALL_BUILDER: creates a child that is to wait
 * @KSPAWN_CALL_APPLY: changes it
 * @KSPAWN_CALL_START: makes it a program
 */
enum kspawn_call {
	KSPAWN_CALL_SPAWN,
	KSPAWN_CALL_BUILDER,
	KSPAWN_CALL_APPLY,
	KSPAWN_CALL_START,
};

/**
 * struct kspawn_file_action - one file action, copied
 * @operation: its line in the table of operations
 * @fd:        see struct kspawn_action, here and below
 * @newfd:     what becomes of a descriptor, or the end of CLOSE_RANGE
 * @dirfd:     where @path begins
 * @mode:      of OPEN, and of what is made
 * @value2:    32 bits of it, signed or not
 * @oflag:     of OPEN and PASS, and of what is made
 * @value:     of state
 * @resolve:   of OPEN
 * @value3:    of state
 * @path:      of OPEN, CHDIR and CHROOT
 * @user:      user memory of what is made, see kspawn_made_note()
 * @file:      of PASS, and of what is made, with a reference
 * @data:      of operations that have some
 */
struct kspawn_file_action {
	const struct kspawn_operation *operation;
	int fd;
	int newfd;
	int dirfd;
	union {
		u32 mode;
		u32 value2;
	};
	union {
		u64 oflag;
		u64 value;
	};
	union {
		u64 resolve;
		u64 value3;
	};
	const char *path;
	void __user *user;
	struct file *file;
	const void *data;
};

/**
 * struct kspawn_request - one start of a program
 * @ref:          the caller's reference, and the child's: either may go on
 *                using the request when the other is done with it
 * @call:         what it is for
 * @builder:      CALL_BUILDER: with a reference; NULL otherwise
 * @barrier:      what the child has in common with others of a batch, with a
 *                reference; NULL otherwise
 * @place:        the child's, among those
 * @arrived:      whether the others need not wait for the child any more
 * @standard:     what its standard input and output are connected to, with
 *                references, or NULL
 * @closes:       the same of neighbours that could not be created
 * @cancelled:    whether the caller gives up an operation that blocks
 * @abandoned:    whether nobody is left to be told: a program is not started
 * @served:       whether the child has done all of it, or said in @outcome why not
 * @halted:       whether the child stops, or is frozen, in an operation that has
 *                been interrupted: one that is cancelled then fails
 * @id:           tells requests apart in traces
 * @caller:       the process that asked; for traces and for the pid in an event
 * @args:         the scalars; the pointers have been followed, but for those to
 *                what is told at the end
 * @path:         the program
 * @search:       directories to search it in, or NULL
 * @candidate:    room for one path of that search, or NULL
 * @candidate_size: enough for the longest, at most PATH_MAX
 * @denied:       whether that search has met -EACCES
 * @found:        whether the first candidate has been looked up, and is there, as
 *                far as the caller can tell
 * @makes_fd:     whether a file action makes a descriptor that the caller has not
 * @actions:      file actions
 * @action_count: how many of them have been copied
 * @bytes:        of actions, their paths, data and contents, and of the lists
 * @made_count:   how many of them make a descriptor
 * @ends:         what is for the caller of that, of which there are @end_count
 * @end_count:    see there
 * @named_end:    behind the highest descriptor that an action names as such
 * @lists:        arguments and environment
 * @selection:    which descriptors the child is to have
 * @files:        these, until the child has taken them, or NULL
 * @mask:         the signal mask of the caller, and so of the program
 * @slot:         the place in a completion queue, of an asynchronous start
 * @wants_exe:    a path begins with /proc/self/exe, or system calls are audited:
 *                the child has memory, with that file, from the beginning
 * @mm_flags:     what every exec hands on from the memory that it leaves
 * @exe_file:     the caller's exe file, for the child's own memory; NULL if it
 *                is not wanted
 * @child:        the child, from its first instruction on
 * @parent:       the thread that asked, if an action is about it, with a reference; NULL
 *                otherwise
 * @stops:        whether the child stops before its program's first instruction
 * @stopped:      completed when nothing prevents that any more
 * @stillborn:    whether the child could not have what it must have from its birth;
 *                set before @apart
 * @apart:        completed when the child holds nothing of its caller's
 * @own_mm:       the child's memory for the arguments of system calls; only for
 *                comparison
 * @scratch:      two pages of it, see kspawn_memory_string(); 0: none yet
 * @fatal_signal: a signal that the child is to die of
 * @pidfd_file:   the child's pidfd until the caller installs it
 * @outcome:      the child's own until it has failed
 * @failed:       whether it has, and is nobody's child any more; what
 *                kspawn_request_fail() sets and kspawn_request_has_failed()
 *                reads
 * @arena:        where the strings above live
 * @room:         its first chunk
 */
struct kspawn_request {
	struct kref ref;
	enum kspawn_call call;
	struct kspawn_builder *builder;
	struct kspawn_barrier *barrier;
	u32 place;
	bool arrived;
	struct file *standard[2];
	struct file *closes[2];
	bool cancelled;
	bool abandoned;
	bool served;
	bool halted;
	u64 id;
	struct pid *caller;
	struct kspawn_args args;
	const char *path;
	const char *search;
	char *candidate;
	size_t candidate_size;
	bool denied;
	bool found;
	bool makes_fd;
	struct kspawn_file_action *actions;
	u32 action_count;
	size_t bytes;
	u32 made_count;
	struct kspawn_end *ends;
	u32 end_count;
	unsigned int named_end;
	struct kspawn_lists lists;
	struct kspawn_selection selection;
	struct files_struct *files;
	sigset_t mask;
	struct kspawn_queue_slot *slot;
	bool wants_exe;
	unsigned long mm_flags;
	struct file *exe_file;
	struct pid *child;
	struct task_struct *parent;
	bool stops;
	struct completion stopped;
	bool stillborn;
	struct completion apart;
	const void *own_mm;
	unsigned long scratch;
	int fatal_signal;
	struct file *pidfd_file;
	struct kspawn_outcome outcome;
	bool failed;
	struct kspawn_arena arena;
	u64 room[];
};

int kspawn_request_init(void);
void kspawn_request_exit(void);
int kspawn_request_copy_args(struct kspawn_args *args,
			     const struct kspawn_args __user *from,
			     enum kspawn_call call,
			     struct kspawn_outcome *outcome);
bool kspawn_request_creates(enum kspawn_call call);
struct kspawn_request *kspawn_request_create(const struct kspawn_args *args,
					     enum kspawn_call call,
					     struct kspawn_outcome *outcome);
void kspawn_request_continue(struct kspawn_request *request,
			     const struct kspawn_request *base);
int kspawn_request_complete(struct kspawn_request *request,
			    struct kspawn_outcome *outcome);
int kspawn_request_spend(size_t *budget, size_t size);
void kspawn_request_shed(struct kspawn_request *request);
void kspawn_request_put(struct kspawn_request *request);

/**
 * kspawn_request_has_attr() - whether an attribute was asked for
 * @request:   the request
 * @attribute: KSPAWN_ATTR_*, or several
 *
 * Return: true if any of them was.
 */
static inline bool kspawn_request_has_attr(const struct kspawn_request *request,
					   u32 attribute)
{
	return request->args.attr_flags & attribute;
}

/**
 * kspawn_request_has_flag() - whether a flag was given
 * @request: the request
 * @flag:    KSPAWN_PIDFD and the others, or several
 *
 * Return: true if any of them was.
 */
static inline bool kspawn_request_has_flag(const struct kspawn_request *request,
					   u32 flag)
{
	return request->args.flags & flag;
}

/**
 * kspawn_request_is_repeatable() - whether the child lives on if the request fails
 * @request: the request
 *
 * Return: true for what a builder's child is told to do.
 */
static inline bool
kspawn_request_is_repeatable(const struct kspawn_request *request)
{
	return request->call == KSPAWN_CALL_APPLY ||
	       request->call == KSPAWN_CALL_START;
}

/**
 * kspawn_request_fail() - from here on others may look at the outcome
 * @request: the request of the child, which is current
 */
static inline void kspawn_request_fail(struct kspawn_request *request)
{
	/* Pairs with kspawn_request_has_failed(): the outcome comes first. */
	smp_store_release(&request->failed, true);
}

/**
 * kspawn_request_has_failed() - whether the outcome may be looked at
 * @request: the request
 *
 * Return: true if the child has failed.
 */
static inline bool
kspawn_request_has_failed(const struct kspawn_request *request)
{
	/* Pairs with kspawn_request_fail(). */
	return smp_load_acquire(&request->failed);
}

#endif /* KSPAWN_REQUEST_H */
