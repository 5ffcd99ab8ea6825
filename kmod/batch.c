// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "barrier.h"
#include "batch.h"
#include "copy.h"
#include "made.h"
#include "request.h"
#include "signals.h"
#include "spawn.h"
#include "stats.h"
#include "trace.h"

/* Flags that all starts of a batch have, or none. */
#define COMMON_FLAGS	(KSPAWN_ASYNC | KSPAWN_WAIT)

/* Attributes that say what KSPAWN_BATCH_PGROUP says. */
#define GROUP_ATTRIBUTES	(KSPAWN_ATTR_SETPGROUP | KSPAWN_ATTR_SETSID)

/**
 * struct start - one start of a batch
 * @attempt: the start
 * @ret:     0: nothing is wrong yet; then the child's pid or a negative errno
 * @created: whether there is a child, which has come apart
 */
struct start {
	struct kspawn_attempt attempt;
	int ret;
	bool created;
};

/**
 * struct batch - several starts
 * @args:    what the caller says of all
 * @starts:  each, @args.count of them
 * @barrier: where their children meet
 * @mask:    the signal mask of the caller
 * @bytes:   of all requests
 * @culprit: the start because of which the call fails, or NULL
 */
struct batch {
	struct kspawn_batch args;
	struct start *starts;
	struct kspawn_barrier *barrier;
	sigset_t mask;
	size_t bytes;
	const struct start *culprit;
};

static bool has_flag(const struct batch *batch, u32 flag)
{
	return batch->args.flags & flag;
}

/* All have the same of these. */
static u32 common_flags(const struct batch *batch)
{
	return batch->starts[0].attempt.args.flags & COMMON_FLAGS;
}

static int copy_batch(struct kspawn_batch *args,
		      const struct kspawn_batch __user *from)
{
	int err = kspawn_copy_struct(args, sizeof(*args), from,
				     KSPAWN_BATCH_SIZE_VER0);

	if (err)
		return err;
	if ((args->flags & ~KSPAWN_BATCH_FLAGS_ALL) || args->reserved ||
	    !args->count)
		return -EINVAL;
	return args->count > KSPAWN_BATCH_MAX ? -E2BIG : 0;
}

/* Record that a start has failed; for a return statement. */
static int fail(struct start *start, u32 step, u32 index, int err)
{
	start->ret = kspawn_outcome_fail(&start->attempt.outcome, step, index,
					 err);
	return start->ret;
}

/* The call fails because of a start that has failed; for a return statement. */
static int blame(struct batch *batch, const struct start *start)
{
	batch->culprit = start;
	return start->ret;
}

/* A start can ask for something that is at odds with what the batch does. */
static int check_start(const struct batch *batch, struct start *start)
{
	const struct kspawn_args *args = &start->attempt.args;

	if ((args->flags & COMMON_FLAGS) != common_flags(batch))
		return fail(start, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS, -EINVAL);
	if (has_flag(batch, KSPAWN_BATCH_PGROUP) &&
	    (args->attr_flags & GROUP_ATTRIBUTES))
		return fail(start, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES,
			    -EINVAL);
	return 0;
}

/* The bytes of all starts are bounded together, as they are kept together. */
static int check_bytes(struct batch *batch, struct start *start, size_t bytes)
{
	batch->bytes += bytes;
	if (batch->bytes > KSPAWN_BATCH_BYTES_MAX)
		return fail(start, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS, -E2BIG);
	if (fatal_signal_pending(current))
		return fail(start, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS, -EINTR);
	return 0;
}

static int read_start(struct batch *batch, u32 place)
{
	const u64 __user *addresses = u64_to_user_ptr(batch->args.starts);
	struct start *start = &batch->starts[place];
	struct kspawn_attempt *attempt = &start->attempt;
	struct kspawn_request *request;
	u64 address;

	attempt->call = KSPAWN_CALL_SPAWN;
	if (get_user(address, addresses + place))
		return fail(start, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS, -EFAULT);
	start->ret = kspawn_spawn_read(attempt, u64_to_user_ptr(address));
	if (start->ret || check_start(batch, start))
		return start->ret;
	request = attempt->request;
	request->mask = batch->mask;
	request->place = place;
	/* Pipes are there before the program is looked for. */
	request->makes_fd = has_flag(batch, KSPAWN_BATCH_PIPES);
	return check_bytes(batch, start, request->bytes);
}

/* Returns 0, or a negative errno: the call fails, and that start says why. */
static int read_starts(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		if (read_start(batch, i))
			return blame(batch, &batch->starts[i]);
		cond_resched();
	}
	return 0;
}

/* A program that is not there is a failure of that start alone. */
static bool is_own_failure(const struct start *start)
{
	return start->ret < 0 &&
	       start->attempt.outcome.step == KSPAWN_STEP_EXEC &&
	       !kspawn_signals_is_restart(start->ret);
}

/* Whether what has gone wrong for one start ends the call. */
static bool fails_all(const struct batch *batch, const struct start *start)
{
	return has_flag(batch, KSPAWN_BATCH_ALL_OR_NONE) ||
	       !is_own_failure(start);
}

/* Returns 0 or a negative errno, as read_starts(). */
static int equip_starts(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct start *start = &batch->starts[i];
		struct kspawn_request *request = start->attempt.request;
		size_t before = request->bytes;

		start->ret = kspawn_spawn_equip(&start->attempt);
		if (start->ret && !fails_all(batch, start))
			continue;
		if (start->ret ||
		    check_bytes(batch, start, request->bytes - before))
			return blame(batch, start);
	}
	return 0;
}

static int connect_starts(struct batch *batch)
{
	u32 i;
	int err;

	for (i = 1; i < batch->args.count; i++) {
		struct start *reader = &batch->starts[i];

		err = kspawn_made_connect(batch->starts[i - 1].attempt.request,
					  reader->attempt.request);
		if (err) {
			fail(reader, KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES,
			     err);
			return blame(batch, reader);
		}
	}
	return 0;
}

/* The starts between which there are pipes: the one at a place, if it has a child. */
static struct kspawn_request *request_at(struct batch *batch, u32 place)
{
	struct start *start;

	if (place >= batch->args.count)
		return NULL;
	start = &batch->starts[place];
	return start->created ? start->attempt.request : NULL;
}

/*
 * Let go of the pipes of those that have no child, before others can wait for them.
 * A child that could not be all it must be from its birth lets go of its own.
 */
static void bequeath_pipes(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct kspawn_request *request =
			batch->starts[i].attempt.request;

		if (!batch->starts[i].created && !request->stillborn)
			kspawn_made_bequeath(request, request_at(batch, i - 1),
					     request_at(batch, i + 1));
	}
}

/*
 * The first child of a new PID namespace is its init: one that is given up would take
 * the namespace with it.
 */
static bool makes_init(void)
{
	struct pid_namespace *ns = current->nsproxy->pid_ns_for_children;

	return ns != task_active_pid_ns(current) &&
	       !READ_ONCE(ns->child_reaper);
}

static int create_child(struct batch *batch, struct start *start)
{
	struct kspawn_request *request = start->attempt.request;

	kspawn_barrier_admit(batch->barrier, request);
	start->ret = kspawn_spawn_create(&start->attempt);
	start->created = start->ret > 0;
	if (start->ret < 0 && !request->stillborn)
		kspawn_barrier_dismiss(batch->barrier, request);
	return min(start->ret, 0);
}

/*
 * Create all children, and let them go, or none.  Returns 0, or a negative errno: the
 * call fails, or is to be made again.
 */
static int create_children(struct batch *batch)
{
	struct start *start;
	u32 i;
	int err;

	for (i = 0; i < batch->args.count; i++) {
		start = &batch->starts[i];
		/* Its program is not there. */
		if (start->ret)
			continue;
		err = makes_init() ?
			fail(start, KSPAWN_STEP_CLONE, 0, -EINVAL) :
			create_child(batch, start);
		if (err && (has_flag(batch, KSPAWN_BATCH_ALL_OR_NONE) ||
			    kspawn_signals_is_restart(err) ||
			    fatal_signal_pending(current)))
			goto call_off;
	}
	bequeath_pipes(batch);
	kspawn_barrier_open(batch->barrier);
	return 0;

call_off:
	kspawn_barrier_call_off(batch->barrier);
	return blame(batch, start);
}

/* Whether a start has failed because another has. */
static bool is_given_up(const struct start *start)
{
	return start->attempt.outcome.step == KSPAWN_STEP_BATCH &&
	       start->ret == -ECANCELED;
}

/*
 * Wait until each child is in its program or has failed, and learn which.  Returns 0
 * or a negative errno, as create_children().
 */
static int await_programs(struct batch *batch)
{
	bool killed = kspawn_barrier_await_all(batch->barrier);
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct start *start = &batch->starts[i];
		const struct kspawn_request *request = start->attempt.request;

		if (!start->created)
			continue;
		if (killed) {
			fail(start, KSPAWN_STEP_CLONE, 0, -EINTR);
		} else if (kspawn_request_has_failed(request)) {
			start->attempt.outcome = request->outcome;
			start->ret = request->outcome.error;
		}
		if (start->ret < 0 && !batch->culprit && !is_given_up(start) &&
		    (killed || has_flag(batch, KSPAWN_BATCH_ALL_OR_NONE)))
			blame(batch, start);
	}
	return batch->culprit ? batch->culprit->ret : 0;
}

/* Returns 0, or a negative errno if the call fails. */
static int carry_out(struct batch *batch)
{
	int err;

	err = read_starts(batch);
	if (!err)
		err = equip_starts(batch);
	if (!err && has_flag(batch, KSPAWN_BATCH_PIPES))
		err = connect_starts(batch);
	if (!err)
		err = create_children(batch);
	if (!err && common_flags(batch) != KSPAWN_ASYNC)
		err = await_programs(batch);
	return err;
}

/* The call has failed: those that have not failed themselves are not made. */
static void give_up_others(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct start *start = &batch->starts[i];

		if (start->attempt.request && start->ret >= 0)
			fail(start, KSPAWN_STEP_BATCH, KSPAWN_BATCH_ALL_OR_NONE,
			     -ECANCELED);
	}
}

static void settle_starts(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct start *start = &batch->starts[i];
		struct kspawn_attempt *attempt = &start->attempt;

		if (start->ret > 0)
			attempt->result.pid = start->ret;
		if (attempt->request)
			kspawn_spawn_settle(attempt, start->ret);
	}
}

/*
 * The mask of a caller that waits.  SIGCHLD of one child must not end the wait for
 * another: what comes meanwhile is taken when the call returns.
 */
static sigset_t mask_of_wait(sigset_t mask)
{
	sigaddset(&mask, SIGCHLD);
	return mask;
}

/* Once a wait has been interrupted there is none for the others either. */
static int wait_for_child(struct start *start, bool interrupted)
{
	int err;

	if (interrupted) {
		put_pid(start->attempt.child);
		start->attempt.child = NULL;
		return fail(start, KSPAWN_STEP_WAIT, 0, -EINTR);
	}
	err = kspawn_spawn_wait(&start->attempt);
	if (err)
		start->ret = err;
	return err;
}

/* As KSPAWN_WAIT asks for.  Returns 0 or the first error. */
static int wait_for_children(struct batch *batch)
{
	bool interrupted = false;
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		struct start *start = &batch->starts[i];
		int err;

		if (!start->attempt.child)
			continue;
		err = wait_for_child(start, interrupted);
		interrupted = err == -EINTR;
		if (err && !batch->culprit)
			blame(batch, start);
	}
	return batch->culprit ? batch->culprit->ret : 0;
}

/* Returns how many children there are. */
static int count_children(const struct batch *batch)
{
	int children = 0;
	u32 i;

	for (i = 0; i < batch->args.count; i++)
		children += batch->starts[i].ret > 0;
	return children;
}

static void trace_ends(const struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++) {
		const struct start *start = &batch->starts[i];

		trace_kspawn_end(start->attempt.id, start->ret,
				 &start->attempt.outcome);
	}
}

static void tell_culprit(const struct batch *batch)
{
	u32 __user *to = u64_to_user_ptr(batch->args.failed);

	if (to && batch->culprit &&
	    put_user((u32)(batch->culprit - batch->starts), to))
		pr_debug("kspawn: the memory for a place has gone\n");
}

static void tell_starts(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->args.count; i++)
		kspawn_spawn_tell(&batch->starts[i].attempt,
				  batch->starts[i].ret);
}

/* Returns how many children there are, or a negative errno. */
static int run(struct batch *batch)
{
	int err;

	kspawn_signals_block(&batch->mask);
	err = carry_out(batch);
	if (err)
		give_up_others(batch);
	settle_starts(batch);
	if (!err && common_flags(batch) == KSPAWN_WAIT) {
		kspawn_signals_restore(mask_of_wait(batch->mask));
		err = wait_for_children(batch);
	}
	kspawn_signals_restore(batch->mask);
	trace_ends(batch);
	if (kspawn_spawn_is_repeated(err)) {
		kspawn_stats_add(KSPAWN_STAT_RESTARTED);
		return -ERESTARTNOINTR;
	}
	tell_starts(batch);
	if (err)
		tell_culprit(batch);
	return err ?: count_children(batch);
}

/**
 * kspawn_batch_start() - carry out KSPAWN_IOC_BATCH
 * @user_batch: the caller's batch
 *
 * Return: how many children there are, or a negative errno.
 */
long kspawn_batch_start(const struct kspawn_batch __user *user_batch)
{
	struct batch batch = {};
	int ret;

	ret = copy_batch(&batch.args, user_batch);
	if (ret)
		return ret;
	batch.starts = kvcalloc(batch.args.count, sizeof(*batch.starts),
				GFP_KERNEL_ACCOUNT);
	if (!batch.starts)
		return -ENOMEM;
	batch.barrier = kspawn_barrier_create(batch.args.flags,
					      batch.args.count);
	if (!batch.barrier) {
		ret = -ENOMEM;
		goto no_barrier;
	}
	kspawn_stats_add(KSPAWN_STAT_BATCHES);
	ret = run(&batch);
	kspawn_barrier_put(batch.barrier);

no_barrier:
	kvfree(batch.starts);
	return ret;
}
