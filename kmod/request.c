// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitops.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "barrier.h"
#include "builder.h"
#include "copy.h"
#include "made.h"
#include "operations.h"
#include "queue.h"
#include "request.h"
#include "stats.h"

/*
 * A request with an ordinary environment is one object of this size.  SLUB
 * keeps a pointer of its own behind an object that has a constructor.
 */
#define REQUEST_SIZE	(SZ_4K - SMP_CACHE_BYTES)

/* That of a builder is there as long as its child waits, which needs no strings. */
#define BUILDER_REQUEST_SIZE	SZ_1K

static struct kmem_cache *requests __ro_after_init;

/* Record what could not be copied, KSPAWN_ARG_*; for a return statement. */
static int bad_copy(struct kspawn_outcome *outcome, u32 index, int err)
{
	return kspawn_outcome_fail(outcome, KSPAWN_STEP_COPY, index, err);
}

/* The same bounds as execve() has, see bprm_stack_limits(). */
static size_t argument_budget(void)
{
	size_t limit = min(_STK_LIM / 4 * 3, rlimit(RLIMIT_STACK) / 4);

	return max_t(size_t, limit, ARG_MAX);
}

/* A field that belongs to flags must be zero without them. */
static bool belongs(u64 field, u32 flags)
{
	return !field || flags;
}

static bool attributes_valid(const struct kspawn_args *args, u32 known)
{
	u32 set = args->attr_flags;

	return !(set & ~known) &&
	       belongs(args->pgroup, set & KSPAWN_ATTR_SETPGROUP) &&
	       belongs(args->sigdefault, set & KSPAWN_ATTR_SETSIGDEF) &&
	       belongs(args->sigmask, set & KSPAWN_ATTR_SETSIGMASK) &&
	       belongs(args->sigignore, set & KSPAWN_ATTR_SETSIGIGN) &&
	       belongs(args->sched_policy, set & KSPAWN_ATTR_SETSCHEDULER) &&
	       belongs(args->sched_priority,
		       set & (KSPAWN_ATTR_SETSCHEDULER |
			      KSPAWN_ATTR_SETSCHEDPARAM)) &&
	       belongs(args->cgroup, set & KSPAWN_ATTR_SETCGROUP);
}

/* Attributes that belong to the creation of a child. */
#define ATTRIBUTES_OF_CREATION						\
	(KSPAWN_ATTR_SETCGROUP | KSPAWN_ATTR_CLOEXEC_DEFAULT)

/*
 * The fields that each call takes: flags, attributes, whether a program, and whether a pid
 * is told; whether it creates a child; and as what it is counted.
 */
static const struct {
	enum kspawn_stat stat;
	u32 flags;
	u32 attributes;
	bool program;
	bool pid;
	bool creates;
} takes[] = {
	[KSPAWN_CALL_SPAWN] = {
		.stat = KSPAWN_STAT_SPAWNS,
		.flags = KSPAWN_FLAGS_ALL,
		.attributes = KSPAWN_ATTR_ALL,
		.program = true,
		.pid = true,
		.creates = true,
	},
	[KSPAWN_CALL_BUILDER] = {
		.stat = KSPAWN_STAT_BUILDERS,
		.attributes = KSPAWN_ATTR_ALL,
		.pid = true,
		.creates = true,
	},
	[KSPAWN_CALL_APPLY] = {
		.stat = KSPAWN_STAT_APPLIES,
		.attributes = KSPAWN_ATTR_ALL & ~ATTRIBUTES_OF_CREATION,
	},
	[KSPAWN_CALL_START] = {
		.stat = KSPAWN_STAT_STARTS,
		.flags = KSPAWN_PIDFD | KSPAWN_EMPTY_PATH,
		.attributes = KSPAWN_ATTR_ALL & ~ATTRIBUTES_OF_CREATION,
		.program = true,
		.pid = true,
	},
};

/**
 * kspawn_request_creates() - whether a call makes a child
 * @call: the call
 *
 * Return: true for one that does, false for one that is about a child that there is.
 */
bool kspawn_request_creates(enum kspawn_call call)
{
	return takes[call].creates;
}

/* The same for the flags, and what cannot go together. */
static bool flags_valid(const struct kspawn_args *args, enum kspawn_call call)
{
	u32 set = args->flags;

	if ((set & ~takes[call].flags) ||
	    ((set & KSPAWN_ASYNC) && (set & KSPAWN_WAIT)) ||
	    ((set & KSPAWN_EMPTY_PATH) && args->search) ||
	    (args->search && args->dirfd != AT_FDCWD))
		return false;
	/* A pidfd or a status that nobody is told of would be lost. */
	if (((set & KSPAWN_PIDFD) && !args->result && !args->pidfd) ||
	    ((set & KSPAWN_WAIT) && !args->result))
		return false;
	if (!takes[call].program && (args->path || args->search || args->argv ||
				     args->envp || args->dirfd))
		return false;
	if (!takes[call].pid && args->pid)
		return false;
	return belongs(args->completion, set & KSPAWN_ASYNC) &&
	       belongs(args->cookie, set & KSPAWN_ASYNC) &&
	       belongs(args->pidfd, set & KSPAWN_PIDFD) &&
	       belongs(args->rusage, set & KSPAWN_WAIT);
}

static int check_args(const struct kspawn_args *args, enum kspawn_call call,
		      struct kspawn_outcome *outcome)
{
	if (!flags_valid(args, call))
		return bad_copy(outcome, KSPAWN_ARG_ARGS, -EINVAL);
	if (!attributes_valid(args, takes[call].attributes))
		return bad_copy(outcome, KSPAWN_ARG_ATTRIBUTES, -EINVAL);
	if (args->action_count > KSPAWN_ACTIONS_MAX ||
	    args->action_size > KSPAWN_SIZE_MAX)
		return bad_copy(outcome, KSPAWN_ARG_ACTIONS, -E2BIG);
	if (!args->action_count != !args->action_size ||
	    !args->action_count != !args->actions ||
	    (args->action_count && args->action_size < KSPAWN_ACTION_SIZE_VER0))
		return bad_copy(outcome, KSPAWN_ARG_ACTIONS, -EINVAL);
	return 0;
}

/**
 * kspawn_request_copy_args() - copy the argument structure itself
 * @args:    where to
 * @from:    the caller's structure, of any size that it may have
 * @call:    what it is for
 * @outcome: says which field was wrong
 *
 * The result part is checked first, so that later errors can be reported.
 *
 * Return: 0, or a negative errno, also in @outcome.  On an error @args->result
 * is 0 unless a result can be written there.
 */
int kspawn_request_copy_args(struct kspawn_args *args,
			     const struct kspawn_args __user *from,
			     enum kspawn_call call,
			     struct kspawn_outcome *outcome)
{
	int err;

	memset(args, 0, sizeof(*args));
	err = kspawn_copy_struct(args, sizeof(*args), from,
				 KSPAWN_ARGS_SIZE_VER0);
	if (err) {
		/* -E2BIG comes before anything is copied. */
		args->result = 0;
		return bad_copy(outcome, KSPAWN_ARG_ARGS, err);
	}

	err = -EINVAL;
	if (!args->result != !args->result_size)
		goto bad_result;
	if (args->result && args->result_size < KSPAWN_RESULT_SIZE_VER0)
		goto bad_result;
	err = -E2BIG;
	if (args->result_size > KSPAWN_SIZE_MAX)
		goto bad_result;
	return check_args(args, call, outcome);

bad_result:
	args->result = 0;
	return bad_copy(outcome, KSPAWN_ARG_RESULT, err);
}

/* Returns the bytes it took, or a negative errno. */
static ssize_t copy_path(struct kspawn_request *request, const char **to,
			 u64 from)
{
	return kspawn_arena_string(&request->arena, u64_to_user_ptr(from),
				   PATH_MAX, to);
}

static int copy_program(struct kspawn_request *request,
			struct kspawn_outcome *outcome)
{
	const struct kspawn_args *args = &request->args;
	const char *search;
	ssize_t size;

	if (!takes[request->call].program) {
		request->path = "";
		return 0;
	}
	size = copy_path(request, &request->path, args->path);
	if (size < 0)
		return bad_copy(outcome, KSPAWN_ARG_PATH, size);
	if (kspawn_request_has_flag(request, KSPAWN_EMPTY_PATH) &&
	    *request->path)
		return bad_copy(outcome, KSPAWN_ARG_PATH, -EINVAL);
	if (!args->search)
		return 0;

	size = kspawn_arena_string(&request->arena,
				   u64_to_user_ptr(args->search),
				   KSPAWN_SEARCH_MAX, &search);
	if (size == -ENAMETOOLONG)
		size = -E2BIG;
	if (size < 0)
		return bad_copy(outcome, KSPAWN_ARG_SEARCH, size);

	/* As with execvp(), a name with a slash is not searched for. */
	if (strchr(request->path, '/'))
		return 0;
	request->search = search;
	request->candidate_size = min_t(size_t, PATH_MAX,
					size + strlen(request->path) + 1);
	request->candidate = kspawn_arena_alloc(&request->arena,
						request->candidate_size);
	if (!request->candidate)
		return bad_copy(outcome, KSPAWN_ARG_SEARCH, -ENOMEM);
	return 0;
}

/* As openat2() has it, which refuses what open() overlooks. */
static bool how_valid(const struct kspawn_action *from)
{
	const u64 creating = O_CREAT | __O_TMPFILE;
	const u64 of_path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	if (from->oflag & ~(u64)VALID_OPEN_FLAGS)
		return false;
	if ((from->oflag & O_PATH) && (from->oflag & ~of_path))
		return false;
	if (from->resolve & ~(u64)VALID_RESOLVE_FLAGS)
		return false;
	if (from->oflag & creating)
		return !(from->mode & ~(u64)S_IALLUGO);
	return !from->mode;
}

/* Whether a path begins with the program that the caller runs. */
static bool begins_with_exe(const char *path)
{
	return strstarts(path, "/proc/self/exe") ||
	       strstarts(path, "/proc/thread-self/exe");
}

/* Note whether the child needs a descriptor of an action, or none from it on. */
static void note_descriptor(struct kspawn_request *request,
			    const struct kspawn_operation *operation, int fd)
{
	struct kspawn_selection *selection = &request->selection;

	if (fd < 0)
		return;
	if (operation->traits & KSPAWN_NAMES_FD)
		request->named_end = max(request->named_end,
					 (unsigned int)fd + 1);
	if (operation->traits & KSPAWN_BOUNDS)
		selection->bound = min_t(unsigned int, selection->bound, fd);
}

static int take_file(struct kspawn_request *request,
		     struct kspawn_file_action *action)
{
	action->file = fget_raw(action->fd);
	if (!action->file)
		return -EBADF;
	/* A child that holds its own builder would never be killed by its close. */
	return request->call != KSPAWN_CALL_SPAWN &&
	       kspawn_builder_is(action->file) ? -EINVAL : 0;
}

/* Fields that an operation does not take must be zero. */
static bool fields_valid(const struct kspawn_operation *operation,
			 const struct kspawn_action *from)
{
	u32 takes = operation->takes;

	if ((from->fd && !(takes & KSPAWN_TAKES_FD)) ||
	    (from->newfd && !(takes & KSPAWN_TAKES_NEWFD)))
		return false;
	if (operation->making)
		return kspawn_made_valid(operation->making, from);
	if ((from->dirfd && !(takes & KSPAWN_TAKES_PATH)) ||
	    (from->path && !(takes & (KSPAWN_TAKES_PATH | KSPAWN_TAKES_DATA))))
		return false;
	if (takes & KSPAWN_TAKES_HOW)
		return how_valid(from);
	if (takes & KSPAWN_TAKES_FILE)
		return !from->mode && !from->resolve &&
		       !(from->oflag & ~(u64)O_CLOEXEC);
	return (!from->value || (takes & KSPAWN_TAKES_VALUE)) &&
	       (!from->value2 || (takes & KSPAWN_TAKES_VALUE2)) &&
	       (!from->value3 || (takes & KSPAWN_TAKES_VALUE3));
}

/**
 * kspawn_request_spend() - count bytes of paths, data and contents
 * @budget: how many there may still be
 * @size:   how many there are
 *
 * Return: 0 or -E2BIG.
 */
int kspawn_request_spend(size_t *budget, size_t size)
{
	if (size > *budget)
		return -E2BIG;
	*budget -= size;
	return 0;
}

/* Its size has been checked.  Returns 0 or a negative errno. */
static int copy_data(struct kspawn_request *request,
		     struct kspawn_file_action *action,
		     const struct kspawn_action *from, size_t *budget)
{
	size_t size = from->value;
	void *data;
	int err = kspawn_request_spend(budget, size);

	if (err)
		return err;
	data = kspawn_arena_alloc(&request->arena, size);
	if (!data)
		return -ENOMEM;
	if (copy_from_user(data, u64_to_user_ptr(from->data), size))
		return -EFAULT;
	action->data = data;
	return 0;
}

static int copy_action(struct kspawn_request *request,
		       struct kspawn_file_action *action,
		       const struct kspawn_action *from, size_t *budget)
{
	const struct kspawn_operation *operation;
	ssize_t size;
	int err = 0;
	u32 takes;

	operation = kspawn_operations_find(from->op);
	if (!operation)
		return -EINVAL;
	takes = operation->takes;
	if (!fields_valid(operation, from))
		return -EINVAL;
	if (operation->check)
		err = operation->check(operation, from);
	if (err)
		return err;

	action->operation = operation;
	action->fd = from->fd;
	action->newfd = from->newfd;
	action->dirfd = from->dirfd;
	action->oflag = from->oflag;
	/* A size that is too large stays so; what is value2 here has 32 bits. */
	action->mode = operation->making ? min_t(u64, from->mode, U32_MAX) :
					   from->mode;
	action->resolve = from->resolve;
	action->path = NULL;
	action->user = NULL;
	action->file = NULL;
	action->data = NULL;
	request->action_count++;
	note_descriptor(request, operation, from->fd);
	if (takes & KSPAWN_TAKES_FILE)
		return take_file(request, action);
	if (operation->making)
		return kspawn_made_note(request, action, from->path, budget);
	if ((operation->traits & KSPAWN_KNOWS_PARENT) && !request->parent)
		request->parent = get_task_struct(current);
	if (takes & KSPAWN_TAKES_DATA)
		err = copy_data(request, action, from, budget);
	if (err)
		return err;
	if (!(takes & KSPAWN_TAKES_PATH))
		return 0;
	size = copy_path(request, &action->path, from->path);
	if (size < 0)
		return size;
	err = kspawn_request_spend(budget, size);
	if (err)
		return err;
	if (begins_with_exe(action->path))
		request->wants_exe = true;
	return 0;
}

/* Actions that are read at a time. */
#define ACTION_BATCH	8

/* Read up to @have actions.  Returns how many, or a negative errno. */
static int read_actions(struct kspawn_action *batch, const char __user *from,
			size_t size, u32 have)
{
	have = min_t(u32, have, ACTION_BATCH);
	if (size == sizeof(*batch) && !copy_from_user(batch, from, have * size))
		return have;
	/* Those before one that cannot be read may be wrong first. */
	return copy_struct_from_user(batch, sizeof(*batch), from, size) ?: 1;
}

static int copy_actions(struct kspawn_request *request,
			struct kspawn_outcome *outcome)
{
	const struct kspawn_args *args = &request->args;
	const char __user *from = u64_to_user_ptr(args->actions);
	size_t budget = KSPAWN_ACTION_BYTES_MAX;
	size_t size = args->action_size;
	struct kspawn_action batch[ACTION_BATCH];
	int have, j, err;
	u32 i = 0;

	if (!args->action_count)
		return 0;
	request->actions =
		kspawn_arena_alloc(&request->arena,
				   array_size(args->action_count,
					      sizeof(*request->actions)));
	if (!request->actions)
		return bad_copy(outcome, KSPAWN_ARG_ACTIONS, -ENOMEM);

	while (i < args->action_count) {
		have = read_actions(batch, from, size, args->action_count - i);
		if (have < 0)
			return bad_copy(outcome, KSPAWN_ARG_ACTIONS, have);
		from += have * size;
		for (j = 0; j < have; j++, i++) {
			err = copy_action(request, &request->actions[i],
					  &batch[j], &budget);
			if (err)
				return kspawn_outcome_fail(outcome,
							   KSPAWN_STEP_ACTION,
							   i, err);
		}
		if (fatal_signal_pending(current))
			return bad_copy(outcome, KSPAWN_ARG_ACTIONS, -EINTR);
		cond_resched();
	}
	request->bytes += KSPAWN_ACTION_BYTES_MAX - budget +
			  i * sizeof(*request->actions);
	return 0;
}

/* The descriptor that a path begins with, or -1. */
static int descriptor_of_path(const char *path)
{
	static const char * const prefixes[] = {
		"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t length = strlen(prefixes[i]);
		unsigned int fd = 0;
		const char *digit;

		if (strncmp(path, prefixes[i], length))
			continue;
		digit = path + length;
		if (!isdigit(*digit))
			return -1;
		for (; isdigit(*digit) && fd <= INT_MAX / 10 - 1; digit++)
			fd = fd * 10 + *digit - '0';
		return *digit && *digit != '/' && *digit != ':' ? -1 : (int)fd;
	}
	return -1;
}

/**
 * struct naming - the pass over a request that names descriptors
 * @named:   bitmap of those that file actions name; NULL: only find out how
 *           large it must be
 * @reached: the same for those by which the program is reached
 * @slots:   no descriptor from here on is open
 * @end:     behind the highest that was named
 */
struct naming {
	unsigned long *named;
	unsigned long *reached;
	unsigned int slots;
	unsigned int end;
};

static void name_descriptor(struct naming *naming, unsigned long *bitmap,
			    int fd)
{
	if (fd < 0 || fd >= naming->slots)
		return;
	naming->end = max_t(unsigned int, naming->end, fd + 1);
	if (bitmap)
		__set_bit(fd, bitmap);
}

/* A path names the descriptor that it begins with, or where it begins. */
static void name_by_path(struct naming *naming, unsigned long *bitmap,
			 int dirfd, const char *path)
{
	name_descriptor(naming, bitmap,
			*path == '/' ? descriptor_of_path(path) : dirfd);
}

static void name_all(const struct kspawn_request *request,
		     struct naming *naming)
{
	const struct kspawn_args *args = &request->args;
	const char *directory;
	u32 i;

	if (takes[request->call].program)
		name_by_path(naming, naming->reached, args->dirfd,
			     request->path);
	for (directory = request->search; directory;
	     directory = strchr(directory, ':')) {
		if (*directory == ':')
			directory++;
		name_by_path(naming, naming->reached, AT_FDCWD, directory);
	}
	for (i = 0; i < args->action_count; i++) {
		const struct kspawn_file_action *action = &request->actions[i];

		if (naming->named &&
		    (action->operation->traits & KSPAWN_NAMES_FD))
			name_descriptor(naming, naming->named, action->fd);
		if (!action->path)
			continue;
		name_by_path(naming, naming->named, action->dirfd,
			     action->path);
		/* Even an absolute path begins there. */
		if (action->resolve & RESOLVE_IN_ROOT)
			name_descriptor(naming, naming->named, action->dirfd);
	}
}

/* Which of the caller's descriptors the child is to have. */
static int select_descriptors(struct kspawn_request *request,
			      struct kspawn_outcome *outcome)
{
	struct kspawn_selection *selection = &request->selection;
	struct naming naming = { .slots = kspawn_descriptors_slots() };
	unsigned int words;

	selection->only_named =
		kspawn_request_has_attr(request, KSPAWN_ATTR_CLOEXEC_DEFAULT);
	/* An auditor's rules may be about the program that acts for the child. */
	if (kspawn_audit_is_on() || begins_with_exe(request->path))
		request->wants_exe = true;
	naming.end = min(naming.slots, request->named_end);
	name_all(request, &naming);
	if (!naming.end)
		return 0;
	words = BITS_TO_LONGS(naming.end);
	naming.named = kspawn_arena_alloc(&request->arena,
					  2 * words * sizeof(long));
	if (!naming.named)
		return bad_copy(outcome, KSPAWN_ARG_ACTIONS, -ENOMEM);
	naming.reached = naming.named + words;
	memset(naming.named, 0, 2 * words * sizeof(long));
	name_all(request, &naming);
	selection->named = naming.named;
	selection->reached = naming.reached;
	selection->words = words;
	return 0;
}

static int take_slot(struct kspawn_request *request,
		     struct kspawn_outcome *outcome)
{
	struct kspawn_queue_slot *slot;

	if (!kspawn_request_has_flag(request, KSPAWN_ASYNC))
		return 0;
	slot = kspawn_queue_reserve(request->args.completion,
				    request->args.cookie);
	if (IS_ERR(slot))
		return bad_copy(outcome, KSPAWN_ARG_COMPLETION, PTR_ERR(slot));
	request->slot = slot;
	return 0;
}

static size_t size_for(enum kspawn_call call)
{
	return call == KSPAWN_CALL_BUILDER ? BUILDER_REQUEST_SIZE :
					     REQUEST_SIZE;
}

static struct kspawn_request *alloc_request(enum kspawn_call call)
{
	BUILD_BUG_ON(sizeof(struct kspawn_request) >= BUILDER_REQUEST_SIZE);

	if (call == KSPAWN_CALL_BUILDER)
		return kmalloc(BUILDER_REQUEST_SIZE, GFP_KERNEL_ACCOUNT);
	return kmem_cache_alloc(requests, GFP_KERNEL);
}

static void free_request(struct kspawn_request *request)
{
	if (request->call == KSPAWN_CALL_BUILDER) {
		kfree(request);
		return;
	}
	/* Objects that have a constructor are not cleared here either. */
	if (want_init_on_free())
		memzero_explicit(request, REQUEST_SIZE);
	kmem_cache_free(requests, request);
}

/**
 * kspawn_request_create() - copy and check what a caller asked for
 * @args:    what kspawn_request_copy_args() accepted
 * @call:    what it is for
 * @outcome: says what was wrong
 *
 * All but what kspawn_request_complete() sees to.
 *
 * Return: the request with one reference, or an error pointer.
 */
struct kspawn_request *kspawn_request_create(const struct kspawn_args *args,
					     enum kspawn_call call,
					     struct kspawn_outcome *outcome)
{
	struct kspawn_request *request;
	int err;

	request = alloc_request(call);
	if (!request) {
		err = bad_copy(outcome, KSPAWN_ARG_ARGS, -ENOMEM);
		return ERR_PTR(err);
	}
	memset(request, 0, sizeof(*request));
	kref_init(&request->ref);
	request->call = call;
	request->args = *args;
	request->caller = get_task_pid(current, PIDTYPE_TGID);
	init_completion(&request->apart);
	init_completion(&request->stopped);
	request->selection.bound = UINT_MAX;
	/* A child that waits is shown in /proc as what its caller is. */
	request->wants_exe = call == KSPAWN_CALL_BUILDER;
	kspawn_arena_init(&request->arena, request->room,
			  size_for(call) - sizeof(*request));
	request->id = kspawn_stats_begin(takes[call].stat);

	err = copy_program(request, outcome);
	if (!err)
		err = copy_actions(request, outcome);
	if (err) {
		kspawn_request_put(request);
		return ERR_PTR(err);
	}
	return request;
}

/**
 * kspawn_request_complete() - copy the lists, and what else a child needs
 * @request: the request; called once
 * @outcome: says what was wrong
 *
 * The larger part of most requests, and of no use if there is no program.  Anything
 * made for the caller is left to kspawn_made_settle(), also after an error.
 *
 * Return: 0, or a negative errno.
 */
int kspawn_request_complete(struct kspawn_request *request,
			    struct kspawn_outcome *outcome)
{
	size_t budget = argument_budget();
	int err = 0;

	if (takes[request->call].creates)
		err = select_descriptors(request, outcome);
	if (err)
		return err;
	err = take_slot(request, outcome);
	if (err)
		return err;
	err = kspawn_lists_copy(&request->lists, &request->arena,
				request->args.argv, &budget,
				&request->lists.argc);
	if (err)
		return bad_copy(outcome, KSPAWN_ARG_ARGV, err);
	err = kspawn_lists_copy(&request->lists, &request->arena,
				request->args.envp, &budget,
				&request->lists.envc);
	if (err)
		return bad_copy(outcome, KSPAWN_ARG_ENVP, err);
	request->bytes += request->lists.size;
	return kspawn_made_prepare(request, outcome);
}

/**
 * kspawn_request_continue() - have a request act on a child that there is
 * @request: what the child, which is current, is to do next
 * @base:    the request that it was created by
 */
void kspawn_request_continue(struct kspawn_request *request,
			     const struct kspawn_request *base)
{
	request->child = get_pid(base->child);
	request->own_mm = base->own_mm;
	request->scratch = base->scratch;
}

/**
 * kspawn_request_shed() - free what a request has brought from user space
 * @request: the request of the child, which is current and has done all of it
 *
 * A child that waits needs no strings, and its caller does not read them.
 */
void kspawn_request_shed(struct kspawn_request *request)
{
	kspawn_arena_free(&request->arena);
	kspawn_arena_init(&request->arena, NULL, 0);
	request->actions = NULL;
	request->action_count = 0;
	request->args.action_count = 0;
	request->path = "";
	memset(&request->lists, 0, sizeof(request->lists));
	memset(&request->selection, 0, sizeof(request->selection));
	/* The child's memory has a reference of its own. */
	if (request->exe_file)
		fput(request->exe_file);
	request->exe_file = NULL;
}

static void release_request(struct kref *ref)
{
	struct kspawn_request *request =
		container_of(ref, struct kspawn_request, ref);
	u32 i;

	for (i = 0; i < request->action_count; i++)
		if (request->actions[i].file)
			fput(request->actions[i].file);
	if (request->pidfd_file)
		fput(request->pidfd_file);
	if (request->parent)
		put_task_struct(request->parent);
	if (request->exe_file)
		fput(request->exe_file);
	kspawn_queue_cancel(request->slot);
	if (request->files)
		kspawn_descriptors_free(request->files);
	kspawn_made_disconnect(request);
	kspawn_barrier_put(request->barrier);
	kspawn_builder_put(request->builder);
	kspawn_arena_free(&request->arena);
	put_pid(request->child);
	put_pid(request->caller);
	free_request(request);
	kspawn_stats_add(KSPAWN_STAT_ENDED);
}

/**
 * kspawn_request_put() - give a reference back; the last one frees it
 * @request: the request
 */
void kspawn_request_put(struct kspawn_request *request)
{
	kref_put(&request->ref, release_request);
}

static void construct_request(void *object)
{
	memset(object, 0, REQUEST_SIZE);
}

/**
 * kspawn_request_init() - make room for requests
 *
 * Many kernels clear memory as they allocate it, which would cost more than
 * all else that is done to a request, but not objects that have a constructor.
 * Every field of a request is written before it is read.
 *
 * Return: 0 or -ENOMEM.
 */
int __init kspawn_request_init(void)
{
	size_t head = offsetof(struct kspawn_request, room);

	/* User space's bytes go into the room only. */
	requests = kmem_cache_create_usercopy("kspawn_request", REQUEST_SIZE,
					      __alignof__(struct kspawn_request),
					      SLAB_ACCOUNT,
					      head, REQUEST_SIZE - head,
					      construct_request);
	return requests ? 0 : -ENOMEM;
}

/**
 * kspawn_request_exit() - give that room back; no request is left
 */
void kspawn_request_exit(void)
{
	kmem_cache_destroy(requests);
}
