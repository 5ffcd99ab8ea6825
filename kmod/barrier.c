// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "barrier.h"
#include "kernel_symbols.h"
#include "queue.h"
#include "request.h"
#include "signals.h"
#include "stats.h"

/**
 * enum verdict - what becomes of children that have executed their programs
 * @UNDECIDED: not all have come; the only one that changes
 * @GO:        they enter their programs
 * @GIVE_UP:   they end, and nobody sees them
 */
enum verdict {
	UNDECIDED,
	GO,
	GIVE_UP,
};

/**
 * struct kspawn_barrier - what the children of a batch have in common
 * @ref:        the caller's reference, and one of each request
 * @flags:      KSPAWN_BATCH_*
 * @coming:     children that have neither executed their program nor failed; and one
 *              until all children exist
 * @present:    children that are not yet done with their request; and the same one
 * @verdict:    see above
 * @called_off: whether the call fails before a child has done anything; set before
 *              @opened
 * @opened:     completed when all children exist, or will not
 * @decided:    completed with the verdict
 * @left:       completed when @present is 0
 * @group:      the process group of all, with a reference; set by one child at a time,
 *              while their caller waits for it to come apart
 * @places:     how many @children there can be
 * @children:   each with a reference, or NULL; set by one child at a time, as @group
 */
struct kspawn_barrier {
	struct kref ref;
	u32 flags;
	atomic_t coming;
	atomic_t present;
	enum verdict verdict;
	bool called_off;
	struct completion opened;
	struct completion decided;
	struct completion left;
	struct pid *group;
	u32 places;
	struct pid *children[];
};

/**
 * kspawn_barrier_create() - for the children of one batch
 * @flags:  KSPAWN_BATCH_*
 * @places: how many children there can be
 *
 * Return: the barrier with one reference, or NULL.
 */
struct kspawn_barrier *kspawn_barrier_create(u32 flags, u32 places)
{
	struct kspawn_barrier *barrier;

	barrier = kzalloc(struct_size(barrier, children, places),
			  GFP_KERNEL_ACCOUNT);
	if (!barrier)
		return NULL;
	kref_init(&barrier->ref);
	barrier->flags = flags;
	atomic_set(&barrier->coming, 1);
	atomic_set(&barrier->present, 1);
	init_completion(&barrier->opened);
	init_completion(&barrier->decided);
	init_completion(&barrier->left);
	barrier->places = places;
	return barrier;
}

static void free_barrier(struct kref *ref)
{
	struct kspawn_barrier *barrier =
		container_of(ref, struct kspawn_barrier, ref);
	u32 i;

	for (i = 0; i < barrier->places; i++)
		put_pid(barrier->children[i]);
	put_pid(barrier->group);
	kfree(barrier);
}

/**
 * kspawn_barrier_put() - give a reference back; the last one frees it
 * @barrier: the barrier, or NULL
 */
void kspawn_barrier_put(struct kspawn_barrier *barrier)
{
	if (barrier)
		kref_put(&barrier->ref, free_barrier);
}

static bool all_or_none(const struct kspawn_barrier *barrier)
{
	return barrier->flags & KSPAWN_BATCH_ALL_OR_NONE;
}

/*
 * One of them may wait for a file, or for a debugger, and would not come back.  No other
 * becomes a child meanwhile: their caller waits for this one, or makes no more.
 */
static void kill_others(struct kspawn_barrier *barrier)
{
	u32 i;

	for (i = 0; i < barrier->places; i++)
		if (barrier->children[i] &&
		    barrier->children[i] != task_pid(current))
			kill_pid(barrier->children[i], SIGKILL, 1);
}

/* Returns whether it is this that has been decided, be it before. */
static bool decide(struct kspawn_barrier *barrier, enum verdict verdict)
{
	enum verdict before = cmpxchg(&barrier->verdict, UNDECIDED, verdict);

	if (before != UNDECIDED)
		return before == verdict;
	if (verdict == GIVE_UP)
		kill_others(barrier);
	complete_all(&barrier->decided);
	return true;
}

static void arrive(struct kspawn_barrier *barrier)
{
	if (atomic_dec_and_test(&barrier->coming))
		decide(barrier, GO);
}

static void depart(struct kspawn_barrier *barrier)
{
	if (atomic_dec_and_test(&barrier->present))
		complete_all(&barrier->left);
}

/*
 * The caller's side.
 */

/**
 * kspawn_barrier_admit() - expect one more child
 * @barrier: the barrier, which is not open
 * @request: what the child will be created by, with a place; it gets a reference
 */
void kspawn_barrier_admit(struct kspawn_barrier *barrier,
			  struct kspawn_request *request)
{
	WARN_ON_ONCE(request->place >= barrier->places);
	kref_get(&barrier->ref);
	request->barrier = barrier;
	atomic_inc(&barrier->coming);
	atomic_inc(&barrier->present);
}

/**
 * kspawn_barrier_dismiss() - there will be no such child
 * @barrier: the barrier, which is not open
 * @request: the request that was admitted, for which no child could be created
 */
void kspawn_barrier_dismiss(struct kspawn_barrier *barrier,
			    struct kspawn_request *request)
{
	request->barrier = NULL;
	atomic_dec(&barrier->coming);
	atomic_dec(&barrier->present);
	kspawn_barrier_put(barrier);
}

/**
 * kspawn_barrier_open() - let the children do what they are to do
 * @barrier: the barrier; no more children are admitted
 */
void kspawn_barrier_open(struct kspawn_barrier *barrier)
{
	complete_all(&barrier->opened);
	arrive(barrier);
	depart(barrier);
}

/**
 * kspawn_barrier_call_off() - end children that have not done anything
 * @barrier: the barrier, which is not open; no more children are admitted
 *
 * Returns when nobody can see them any more, unless the caller is killed.
 */
void kspawn_barrier_call_off(struct kspawn_barrier *barrier)
{
	WRITE_ONCE(barrier->called_off, true);
	decide(barrier, GIVE_UP);
	kspawn_barrier_open(barrier);
	/* They may be frozen, and then the caller is to be, too. */
	kspawn_signals_await(&barrier->left, TASK_KILLABLE);
}

/**
 * kspawn_barrier_await_all() - wait until each child is in its program or has failed
 * @barrier: the barrier, which is open
 *
 * Return: 0, or -EINTR if the caller is killed: those that are not in their programs
 * are given up, or go on, and nobody waits for them.
 */
int kspawn_barrier_await_all(struct kspawn_barrier *barrier)
{
	/* A debugger can hold one up in exec. */
	if (!kspawn_signals_await(&barrier->left, TASK_KILLABLE))
		return 0;
	decide(barrier, all_or_none(barrier) ? GIVE_UP : GO);
	return -EINTR;
}

/*
 * The child's side.
 */

static int set_group(struct pid *group)
{
	struct pt_regs regs = { .di = 0, .si = pid_vnr(group) };

	return kspawn_kernel.__x64_sys_setpgid(&regs);
}

/* The group of the first child that has one, unless all its members have gone. */
static int join_group(struct kspawn_barrier *barrier)
{
	struct pid *group = barrier->group;
	int err;

	if (group && pid_has_task(group, PIDTYPE_PGID)) {
		err = set_group(group);
		if (!err || pid_has_task(group, PIDTYPE_PGID))
			return err;
	}
	put_pid(group);
	barrier->group = get_pid(task_pid(current));
	return set_group(barrier->group);
}

/**
 * kspawn_barrier_join() - be one of the children
 * @request: the request of the child, which is current; its caller waits for it
 *
 * Return: 0 or a negative errno, with the failure in the outcome.
 */
int kspawn_barrier_join(struct kspawn_request *request)
{
	struct kspawn_barrier *barrier = request->barrier;
	int err = 0;

	barrier->children[request->place] = get_pid(request->child);
	if (barrier->flags & KSPAWN_BATCH_PGROUP)
		err = join_group(barrier);
	if (err)
		kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_BATCH,
				    KSPAWN_BATCH_PGROUP, err);
	return err;
}

static int fail(struct kspawn_request *request, int err)
{
	return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_BATCH,
				   KSPAWN_BATCH_ALL_OR_NONE, err);
}

/**
 * kspawn_barrier_enter() - wait until all children exist
 * @request: the request of the child, which is current and has not done anything
 *
 * Its caller may call it off: so a child that is killed does not end before that is
 * known.  A debugger that holds the caller up holds up all, until it, or the caller,
 * is killed; they are no load, and no hung tasks, meanwhile.
 *
 * A debugger may also wait for the child's first stop before it lets the caller go on.
 *
 * Return: 0, or -ECANCELED if they will not, with the failure in the outcome.
 */
int kspawn_barrier_enter(struct kspawn_request *request)
{
	struct kspawn_barrier *barrier = request->barrier;

	/* If that fails, or the child is killed, it will again. */
	kspawn_signals_birth(request);
	kspawn_signals_await(&barrier->opened, TASK_IDLE);
	if (!READ_ONCE(barrier->called_off))
		return 0;
	/* The call itself tells of it, ASYNC or not. */
	kspawn_queue_cancel(request->slot);
	request->slot = NULL;
	return fail(request, -ECANCELED);
}

/*
 * The child is not in its program: if all or none are to be, that is a failure,
 * whatever the reason.
 */
static void fail_for_all(struct kspawn_request *request, int err)
{
	bool killed = kspawn_signals_is_killed(request);

	/* Past exec's point of no return there is none, and a signal waits. */
	if (err && !request->outcome.error && err != -EINTR &&
	    !kspawn_signals_is_restart(err)) {
		kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_EXEC, 0,
				    err);
	} else if (killed || !request->outcome.error) {
		kspawn_stats_add(KSPAWN_STAT_KILLED);
		fail(request, -EINTR);
	}
	if (killed && READ_ONCE(request->barrier->verdict) == GIVE_UP)
		fail(request, -ECANCELED);
}

/**
 * kspawn_barrier_gives_up() - wait for the other children
 * @request: the request of the child, which is current
 * @err:     0 if the child has executed its program, or a negative errno
 *
 * One that has failed does not wait.
 *
 * Return: true if the child is to end as one that failed, whether it has or another;
 * its outcome says why.
 */
bool kspawn_barrier_gives_up(struct kspawn_request *request, int err)
{
	struct kspawn_barrier *barrier = request->barrier;
	bool all = all_or_none(barrier);

	/* A debugger, or exec, can let a child go on that has been killed. */
	if (all && (err || kspawn_signals_is_killed(request))) {
		fail_for_all(request, err);
		return true;
	}
	if (err)
		return false;
	request->arrived = true;
	arrive(barrier);
	kspawn_signals_await(&barrier->decided, TASK_KILLABLE);
	if (READ_ONCE(barrier->verdict) == GIVE_UP) {
		fail(request, -ECANCELED);
		return true;
	}
	/* One that is killed meanwhile, and not too late, is a failure of all. */
	if (!all || !decide(barrier, GIVE_UP))
		return false;
	kspawn_stats_add(KSPAWN_STAT_KILLED);
	fail(request, -EINTR);
	return true;
}

/**
 * kspawn_barrier_leave() - the child is in its program, or nobody can see it
 * @request: the request of the child, which is current
 */
void kspawn_barrier_leave(struct kspawn_request *request)
{
	struct kspawn_barrier *barrier = request->barrier;

	if (!barrier)
		return;
	if (kspawn_request_has_failed(request) && all_or_none(barrier))
		decide(barrier, GIVE_UP);
	if (!request->arrived)
		arrive(barrier);
	depart(barrier);
}
