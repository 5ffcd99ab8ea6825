// SPDX-License-Identifier: GPL-2.0-only
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/bitmap.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/openat2.h>
#include <linux/resource.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "operations.h"
#include "queue.h"
#include "request.h"
#include "stats.h"

/*
 * A request with an ordinary environment is one object of this size.  SLUB
 * keeps a pointer of its own behind an object that has a constructor.
 */
#define REQUEST_SIZE	(SZ_4K - SMP_CACHE_BYTES)

static struct kmem_cache *requests __ro_after_init;

/* The same bounds as execve() has, see bprm_stack_limits(). */
static size_t argument_budget(void)
{
	size_t limit = min(_STK_LIM / 4 * 3, rlimit(RLIMIT_STACK) / 4);

	return max_t(size_t, limit, ARG_MAX);
}

/* A field that belongs to a flag says nothing without it. */
static bool attributes_valid(const struct kspawn_args *args)
{
	u32 set = args->attr_flags;

	if (set & ~KSPAWN_ATTR_ALL)
		return false;
	if (args->pgroup && !(set & KSPAWN_ATTR_SETPGROUP))
		return false;
	if (args->sigdefault && !(set & KSPAWN_ATTR_SETSIGDEF))
		return false;
	if (args->sigmask && !(set & KSPAWN_ATTR_SETSIGMASK))
		return false;
	if (args->sigignore && !(set & KSPAWN_ATTR_SETSIGIGN))
		return false;
	if (args->sched_policy && !(set & KSPAWN_ATTR_SETSCHEDULER))
		return false;
	if (args->sched_priority &&
	    !(set & (KSPAWN_ATTR_SETSCHEDULER | KSPAWN_ATTR_SETSCHEDPARAM)))
		return false;
	if (args->cgroup && !(set & KSPAWN_ATTR_SETCGROUP))
		return false;
	return true;
}

/* The same for the flags, and what cannot go together. */
static bool flags_valid(const struct kspawn_args *args)
{
	u32 set = args->flags;

	if (set & ~KSPAWN_FLAGS_ALL)
		return false;
	if ((set & KSPAWN_ASYNC) && (set & KSPAWN_WAIT))
		return false;
	if ((set & KSPAWN_EMPTY_PATH) && args->search)
		return false;
	if (args->search && args->dirfd != AT_FDCWD)
		return false;
	if ((args->completion || args->cookie) && !(set & KSPAWN_ASYNC))
		return false;
	if (args->pidfd && !(set & KSPAWN_PIDFD))
		return false;
	if (args->rusage && !(set & KSPAWN_WAIT))
		return false;
	/* A pidfd or a status that nobody is told of would be lost. */
	if ((set & KSPAWN_PIDFD) && !args->result && !args->pidfd)
		return false;
	return !(set & KSPAWN_WAIT) || args->result;
}

static int check_args(const struct kspawn_args *args,
		      struct kspawn_outcome *outcome)
{
	if (!flags_valid(args))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				   -EINVAL);
	if (!attributes_valid(args))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ATTRIBUTES, -EINVAL);
	if (args->action_count > KSPAWN_ACTIONS_MAX)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -E2BIG);
	if (!args->action_count != !args->action_size ||
	    !args->action_count != !args->actions)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -EINVAL);
	if (args->action_count && args->action_size < KSPAWN_ACTION_SIZE_VER0)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -EINVAL);
	if (args->action_size > KSPAWN_SIZE_MAX)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -E2BIG);
	return 0;
}

/**
 * kspawn_request_copy_args() - copy the argument structure itself
 * @args:    where to
 * @from:    the caller's structure, of any size that it may have
 * @outcome: says which field was wrong
 *
 * The result part is checked first, so that later errors can be reported.
 *
 * Return: 0, or a negative errno, also in @outcome.  On an error @args->result
 * is 0 unless a result can be written there.
 */
int kspawn_request_copy_args(struct kspawn_args *args,
		     const struct kspawn_args __user *from,
		     struct kspawn_outcome *outcome)
{
	u32 size;
	int err;

	memset(args, 0, sizeof(*args));
	if (get_user(size, &from->size))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				   -EFAULT);
	if (size < KSPAWN_ARGS_SIZE_VER0)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				   -EINVAL);
	if (size > KSPAWN_SIZE_MAX)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				   -E2BIG);
	err = copy_struct_from_user(args, sizeof(*args), from, size);
	if (err) {
		/* -E2BIG comes before anything is copied. */
		args->result = 0;
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				   err);
	}
	args->size = size;

	err = -EINVAL;
	if (!args->result != !args->result_size)
		goto bad_result;
	if (args->result && args->result_size < KSPAWN_RESULT_SIZE_VER0)
		goto bad_result;
	err = -E2BIG;
	if (args->result_size > KSPAWN_SIZE_MAX)
		goto bad_result;
	return check_args(args, outcome);

bad_result:
	args->result = 0;
	return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_RESULT, err);
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

	size = copy_path(request, &request->path, args->path);
	if (size < 0)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_PATH,
				   size);
	if (!args->search)
		return 0;

	size = kspawn_arena_string(&request->arena,
				   u64_to_user_ptr(args->search),
				   KSPAWN_SEARCH_MAX, &search);
	if (size == -ENAMETOOLONG)
		size = -E2BIG;
	if (size < 0)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_SEARCH, size);

	/* As with execvp(), a name with a slash is not searched for. */
	if (strchr(request->path, '/'))
		return 0;
	request->search = search;
	request->candidate_size = min_t(size_t, PATH_MAX,
					size + strlen(request->path) + 1);
	request->candidate = kspawn_arena_alloc(&request->arena,
						request->candidate_size);
	if (!request->candidate)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_SEARCH, -ENOMEM);
	return 0;
}

/* As openat2() has it, which refuses what open() overlooks. */
static bool how_valid(const struct kspawn_action *from)
{
	const u64 creating = O_CREAT | __O_TMPFILE;

	if (from->oflag & ~(u64)VALID_OPEN_FLAGS)
		return false;
	if (from->resolve & ~(u64)VALID_RESOLVE_FLAGS)
		return false;
	if (from->oflag & creating)
		return !(from->mode & ~(u64)S_IALLUGO);
	return !from->mode;
}

static int copy_action(struct kspawn_request *request,
		       struct kspawn_file_action *action,
		       const struct kspawn_action *from, size_t *budget)
{
	const struct kspawn_operation *operation;
	ssize_t size;
	u32 takes;

	operation = kspawn_operation_of_action(from->op);
	if (!operation)
		return -EINVAL;
	takes = operation->takes;
	if ((from->fd && !(takes & KSPAWN_TAKES_FD)) ||
	    (from->newfd && !(takes & KSPAWN_TAKES_NEWFD)) ||
	    ((from->path || from->dirfd) && !(takes & KSPAWN_TAKES_PATH)) ||
	    ((from->oflag || from->mode || from->resolve) &&
	     !(takes & KSPAWN_TAKES_HOW)) ||
	    !how_valid(from))
		return -EINVAL;

	action->operation = operation;
	action->fd = from->fd;
	action->newfd = from->newfd;
	action->dirfd = from->dirfd;
	action->oflag = from->oflag;
	action->mode = from->mode;
	action->resolve = from->resolve;
	action->path = NULL;
	if (!(takes & KSPAWN_TAKES_PATH))
		return 0;
	size = copy_path(request, &action->path, from->path);
	if (size < 0)
		return size;
	if (size > *budget)
		return -E2BIG;
	*budget -= size;
	return 0;
}

static int copy_actions(struct kspawn_request *request,
			struct kspawn_outcome *outcome)
{
	const struct kspawn_args *args = &request->args;
	const char __user *from = u64_to_user_ptr(args->actions);
	size_t budget = KSPAWN_ACTION_BYTES_MAX;
	size_t size = args->action_size;
	struct kspawn_action action;
	u32 i;
	int err;

	if (!args->action_count)
		return 0;
	request->actions = kspawn_arena_alloc(&request->arena,
					      array_size(args->action_count,
							 sizeof(*request->actions)));
	if (!request->actions)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -ENOMEM);

	for (i = 0; i < args->action_count; i++, from += size) {
		err = copy_struct_from_user(&action, sizeof(action), from,
					    size);
		if (err)
			return kspawn_fail(outcome, KSPAWN_STEP_COPY,
					   KSPAWN_ARG_ACTIONS, err);
		err = copy_action(request, &request->actions[i], &action,
				  &budget);
		if (err)
			return kspawn_fail(outcome, KSPAWN_STEP_ACTION, i, err);
		if (fatal_signal_pending(current))
			return kspawn_fail(outcome, KSPAWN_STEP_COPY,
					   KSPAWN_ARG_ACTIONS, -EINTR);
		cond_resched();
	}
	return 0;
}

/* Whether a path begins with the program that the caller runs. */
static bool begins_with_exe(const char *path)
{
	return strstarts(path, "/proc/self/exe") ||
	       strstarts(path, "/proc/thread-self/exe");
}

/* An auditor's rules may be about the program that does what the child does. */
static bool wants_exe(const struct kspawn_request *request)
{
	u32 i;

	if ((audit_enabled && !audit_dummy_context()) ||
	    begins_with_exe(request->path))
		return true;
	for (i = 0; i < request->args.action_count; i++)
		if (request->actions[i].path &&
		    begins_with_exe(request->actions[i].path))
			return true;
	return false;
}

/* The descriptor that a path begins with, or -1. */
static int descriptor_of_path(const char *path)
{
	static const char * const prefixes[] = {
		"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/",
	};
	size_t i;

	if (*path != '/')
		return -1;
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
 * @named: the bitmap; NULL: only find out how large it must be
 * @slots: no descriptor from here on is open
 * @end:   behind the highest that was named
 */
struct naming {
	unsigned long *named;
	unsigned int slots;
	unsigned int end;
};

static void name_descriptor(struct naming *naming, int fd)
{
	if (fd < 0 || fd >= naming->slots)
		return;
	naming->end = max_t(unsigned int, naming->end, fd + 1);
	if (naming->named)
		__set_bit(fd, naming->named);
}

static void name_all(const struct kspawn_request *request,
		     struct naming *naming)
{
	const struct kspawn_args *args = &request->args;
	const char *directory;
	u32 i;

	name_descriptor(naming, args->dirfd);
	name_descriptor(naming, descriptor_of_path(request->path));
	for (directory = request->search; directory;
	     directory = strchr(directory, ':')) {
		if (*directory == ':')
			directory++;
		name_descriptor(naming, descriptor_of_path(directory));
	}
	for (i = 0; i < args->action_count; i++) {
		const struct kspawn_file_action *action = &request->actions[i];

		if (action->operation->traits & KSPAWN_NAMES_FD)
			name_descriptor(naming, action->fd);
		if (!action->path)
			continue;
		name_descriptor(naming, action->dirfd);
		name_descriptor(naming, descriptor_of_path(action->path));
	}
}

/* From where on all descriptors are closed by the actions. */
static unsigned int find_bound(const struct kspawn_request *request)
{
	unsigned int bound = UINT_MAX;
	u32 i;

	for (i = 0; i < request->args.action_count; i++) {
		const struct kspawn_file_action *action = &request->actions[i];

		if ((action->operation->traits & KSPAWN_BOUNDS) &&
		    action->fd >= 0)
			bound = min_t(unsigned int, bound, action->fd);
	}
	return bound;
}

/* Which of the caller's descriptors the child is to have. */
static int select_descriptors(struct kspawn_request *request,
			      struct kspawn_outcome *outcome)
{
	struct kspawn_selection *selection = &request->selection;
	struct naming naming = { .slots = kspawn_descriptors_slots() };

	selection->only_named =
		kspawn_has_attribute(request, KSPAWN_ATTR_CLOEXEC_DEFAULT);
	selection->bound = find_bound(request);
	request->wants_exe = wants_exe(request);
	name_all(request, &naming);
	if (!naming.end)
		return 0;
	naming.named = kspawn_arena_alloc(&request->arena,
					  BITS_TO_LONGS(naming.end) *
					  sizeof(long));
	if (!naming.named)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -ENOMEM);
	bitmap_zero(naming.named, naming.end);
	name_all(request, &naming);
	selection->named = naming.named;
	selection->words = BITS_TO_LONGS(naming.end);
	return 0;
}

static int take_slot(struct kspawn_request *request,
		     struct kspawn_outcome *outcome)
{
	struct kspawn_queue_slot *slot;

	if (!kspawn_has_flag(request, KSPAWN_ASYNC))
		return 0;
	slot = kspawn_queue_reserve(request->args.completion,
				    request->args.cookie);
	if (IS_ERR(slot))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_COMPLETION, PTR_ERR(slot));
	request->slot = slot;
	return 0;
}

/**
 * kspawn_request_create() - copy and check what a caller asked for
 * @args:    what kspawn_request_copy_args() accepted
 * @outcome: says what was wrong
 *
 * All but what kspawn_request_complete() sees to.
 *
 * Return: the request with one reference, or an error pointer.
 */
struct kspawn_request *kspawn_request_create(const struct kspawn_args *args,
					     struct kspawn_outcome *outcome)
{
	struct kspawn_request *request;
	int err;

	request = kmem_cache_alloc(requests, GFP_KERNEL);
	if (!request) {
		err = kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS,
				  -ENOMEM);
		return ERR_PTR(err);
	}
	memset(request, 0, sizeof(*request));
	kref_init(&request->ref);
	request->args = *args;
	request->caller = get_task_pid(current, PIDTYPE_TGID);
	init_completion(&request->apart);
	init_completion(&request->decided);
	kspawn_arena_init(&request->arena, request->room,
			  REQUEST_SIZE - sizeof(*request));
	request->id = kspawn_stats_begin();

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
 * The larger part of most requests, and of no use if there is no program.
 *
 * Return: 0, or a negative errno.
 */
int kspawn_request_complete(struct kspawn_request *request,
			    struct kspawn_outcome *outcome)
{
	size_t budget = argument_budget();
	int err;

	err = select_descriptors(request, outcome);
	if (err)
		return err;
	err = take_slot(request, outcome);
	if (err)
		return err;
	err = kspawn_lists_copy_argv(&request->lists, &request->arena,
				     request->args.argv, &budget);
	if (err)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV,
				   err);
	err = kspawn_lists_copy_envp(&request->lists, &request->arena,
				     request->args.envp, &budget);
	if (err)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP,
				   err);
	return 0;
}

static void release_request(struct kref *ref)
{
	struct kspawn_request *request =
		container_of(ref, struct kspawn_request, ref);

	if (request->pidfd_file)
		fput(request->pidfd_file);
	if (request->exe_file)
		fput(request->exe_file);
	kspawn_queue_cancel(request->slot);
	kspawn_descriptors_free(&request->descriptors);
	kspawn_arena_free(&request->arena);
	put_pid(request->child);
	put_pid(request->caller);
	/* Objects that have a constructor are not cleared here either. */
	if (want_init_on_free())
		memzero_explicit(request, REQUEST_SIZE);
	kmem_cache_free(requests, request);
	kspawn_stats_end();
}

/**
 * kspawn_request_get() - take a further reference
 * @request: the request
 */
void kspawn_request_get(struct kspawn_request *request)
{
	kref_get(&request->ref);
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
 * What a request holds is written before it is read.
 *
 * Return: 0 or -ENOMEM.
 */
int __init kspawn_request_init(void)
{
	size_t head = offsetof(struct kspawn_request, room);

	/* User space's bytes go into the room only. */
	requests = kmem_cache_create_usercopy("kspawn_request", REQUEST_SIZE,
					      __alignof__(struct kspawn_request),
					      SLAB_ACCOUNT, head, REQUEST_SIZE - head,
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
