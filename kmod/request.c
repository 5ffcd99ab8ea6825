// SPDX-License-Identifier: GPL-2.0-only
#include <linux/binfmts.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/resource.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

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

static int check_args(const struct kspawn_args *args,
		      struct kspawn_outcome *outcome)
{
	/* A pidfd that nobody is told of would be lost. */
	if ((args->flags & ~KSPAWN_FLAGS_ALL) ||
	    ((args->flags & KSPAWN_PIDFD) && !args->result))
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
 * kspawn_copy_args() - copy the argument structure itself
 * @args:    where to
 * @from:    the caller's structure, of any size that it may have
 * @outcome: says which field was wrong
 *
 * The result part is checked first, so that later errors can be reported.
 *
 * Return: 0, or a negative errno, also in @outcome.  On an error @args->result
 * is 0 unless a result can be written there.
 */
int kspawn_copy_args(struct kspawn_args *args,
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

static int copy_action(struct kspawn_request *request,
		       struct kspawn_file_action *action,
		       const struct kspawn_action *from, size_t *budget)
{
	bool has_path = false, has_fd = true, has_newfd = false;
	bool has_oflag = false;
	ssize_t size;

	switch (from->op) {
	case KSPAWN_ACTION_OPEN:
		has_path = true;
		has_oflag = true;
		break;
	case KSPAWN_ACTION_DUP2:
		has_newfd = true;
		break;
	case KSPAWN_ACTION_CHDIR:
		has_path = true;
		has_fd = false;
		break;
	case KSPAWN_ACTION_CLOSE:
	case KSPAWN_ACTION_FCHDIR:
	case KSPAWN_ACTION_CLOSEFROM:
	case KSPAWN_ACTION_TCSETPGRP:
		break;
	default:
		return -EINVAL;
	}
	if (from->reserved ||
	    (from->fd && !has_fd) ||
	    (from->newfd && !has_newfd) ||
	    ((from->oflag || from->mode) && !has_oflag) ||
	    (from->path && !has_path))
		return -EINVAL;

	action->op = from->op;
	action->fd = from->fd;
	action->newfd = from->newfd;
	action->oflag = from->oflag;
	action->mode = from->mode & S_IALLUGO;
	action->path = NULL;
	if (!has_path)
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

static int compare_descriptors(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a;
	unsigned int y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

/* The descriptors of the caller that the actions use as a source. */
static int name_descriptors(struct kspawn_request *request,
			    struct kspawn_outcome *outcome)
{
	u32 i, count = 0, unique = 0;
	unsigned int *named;

	if (!request->args.action_count)
		return 0;
	named = kspawn_arena_alloc(&request->arena,
				   array_size(request->args.action_count,
					      sizeof(*named)));
	if (!named)
		return kspawn_fail(outcome, KSPAWN_STEP_COPY,
				   KSPAWN_ARG_ACTIONS, -ENOMEM);

	for (i = 0; i < request->args.action_count; i++) {
		const struct kspawn_file_action *action = &request->actions[i];

		if ((action->op == KSPAWN_ACTION_DUP2 ||
		     action->op == KSPAWN_ACTION_FCHDIR ||
		     action->op == KSPAWN_ACTION_TCSETPGRP) && action->fd >= 0)
			named[count++] = action->fd;
	}
	sort(named, count, sizeof(*named), compare_descriptors, NULL);
	for (i = 0; i < count; i++)
		if (!unique || named[unique - 1] != named[i])
			named[unique++] = named[i];
	request->named = named;
	request->named_count = unique;
	return 0;
}

/**
 * kspawn_request_create() - copy and check what a caller asked for
 * @args:    what kspawn_copy_args() accepted
 * @outcome: says what was wrong
 *
 * All but the lists, for which there is kspawn_request_take_lists().
 *
 * Return: the request with one reference, or an error pointer.
 */
struct kspawn_request *kspawn_request_create(const struct kspawn_args *args,
					     struct kspawn_outcome *outcome)
{
	struct kspawn_request *request;
	int err;

	/* One for each thread at most; what follows from it is accounted. */
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
	request->mm = current->mm;
	kspawn_arena_init(&request->arena, request->room,
			  REQUEST_SIZE - sizeof(*request));
	kspawn_descriptors_init(&request->descriptors);
	request->id = kspawn_stats_begin();

	err = copy_program(request, outcome);
	if (!err)
		err = copy_actions(request, outcome);
	if (!err)
		err = name_descriptors(request, outcome);
	if (err) {
		kspawn_request_put(request);
		return ERR_PTR(err);
	}
	return request;
}

static int copy_lists(struct kspawn_request *request,
		      struct kspawn_outcome *outcome)
{
	static const char * const empty[] = { "", NULL };
	size_t budget = argument_budget();

	request->argv = kspawn_arena_vector(&request->arena,
					    request->args.argv, &budget);
	if (IS_ERR(request->argv))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV,
				   PTR_ERR(request->argv));
	/* What execve() makes of an empty list. */
	if (!request->argv[0])
		request->argv = empty;

	request->envp = kspawn_arena_vector(&request->arena,
					    request->args.envp, &budget);
	if (IS_ERR(request->envp))
		return kspawn_fail(outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP,
				   PTR_ERR(request->envp));
	return 0;
}

/*
 * Whether exec can read the path and the lists where they are: no other task
 * has the caller's memory, to change them before exec comes to them.  Who has
 * other ways to write there could have done so before.  A reader of /proc
 * looks like another task for a moment; the lists are copied then.
 *
 * The paths of a search are not in that memory, and of an empty argument list
 * exec would tell the log.
 */
static bool can_stay_in_place(const struct kspawn_request *request)
{
	const char __user *const __user *argv =
		u64_to_user_ptr(request->args.argv);
	const char __user *first;

	return !request->search && argv &&
	       atomic_read(&current->mm->mm_users) == 1 &&
	       !get_user(first, argv) && first;
}

/**
 * kspawn_request_take_lists() - see to the arguments and the environment
 * @request: the request; called once
 * @outcome: says what was wrong
 *
 * The larger part of most requests, and of no use if there is no program.
 *
 * What other tasks could change is copied before the child exists.  Where
 * there are none, exec copies it, in the child, straight from the caller's
 * memory to the program's.  A caller that is killed meanwhile writes there as
 * it ends, but where it had chosen to.
 *
 * Return: 0, or a negative errno.
 */
int kspawn_request_take_lists(struct kspawn_request *request,
			      struct kspawn_outcome *outcome)
{
	request->in_place = can_stay_in_place(request);
	return request->in_place ? 0 : copy_lists(request, outcome);
}

/**
 * kspawn_request_blame_list() - find the list that made exec fail
 * @request: a request that has failed and that nobody else uses any more
 * @outcome: how; set to what copying the lists before would have told
 */
void kspawn_request_blame_list(struct kspawn_request *request,
			       struct kspawn_outcome *outcome)
{
	struct kspawn_outcome list = {};
	int err;

	if (!request->in_place || outcome->step != KSPAWN_STEP_EXEC ||
	    (outcome->error != -EFAULT && outcome->error != -E2BIG))
		return;
	/* Exec reads them in another order, and may have met another error. */
	err = copy_lists(request, &list);
	if (err == -EFAULT || err == -E2BIG)
		*outcome = list;
}

static void release_request(struct kref *ref)
{
	struct kspawn_request *request =
		container_of(ref, struct kspawn_request, ref);

	if (request->pidfd_file)
		fput(request->pidfd_file);
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
 * kspawn_requests_init() - make room for requests
 *
 * Many kernels clear memory as they allocate it, which would cost more than
 * all else that is done to a request, but not objects that have a constructor.
 * What a request holds is written before it is read.
 *
 * Return: 0 or -ENOMEM.
 */
int __init kspawn_requests_init(void)
{
	size_t head = offsetof(struct kspawn_request, room);

	/* User space's bytes go into the room only. */
	requests = kmem_cache_create_usercopy("kspawn_request", REQUEST_SIZE,
					      __alignof__(struct kspawn_request),
					      0, head, REQUEST_SIZE - head,
					      construct_request);
	return requests ? 0 : -ENOMEM;
}

/**
 * kspawn_requests_exit() - give that room back; no request is left
 */
void kspawn_requests_exit(void)
{
	kmem_cache_destroy(requests);
}
