// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/freezer.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "builder.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "request.h"
#include "signals.h"
#include "spawn.h"

/**
 * enum phase - where the child of a builder is
 * @BEING_BUILT: it waits for what it is to do next, or does it
 * @STARTED:     it is a program
 * @ENDED:       it has been killed
 * @CLOSED:      nobody can operate it any more: it ends
 */
enum phase {
	BEING_BUILT,
	STARTED,
	ENDED,
	CLOSED,
};

/**
 * struct kspawn_builder - what is behind a builder's descriptor
 * @ref:       the descriptor's reference, and the child's
 * @lock:      protects what follows it
 * @phase:     see above
 * @work:      what the child is to do, with a reference; NULL while it waits
 * @taken:     whether the child has begun with it
 * @child:     the child, once it exists; does not change then
 * @creator:   the process that the child will be a child of
 * @cred:      the credentials of the thread that made the builder
 * @for_child: the child waits here for work
 * @for_idle:  operators wait here for the child, and pollers
 */
struct kspawn_builder {
	struct kref ref;
	spinlock_t lock; /* see above */
	enum phase phase;
	struct kspawn_request *work;
	bool taken;
	struct pid *child;
	struct pid *creator;
	const struct cred *cred;
	wait_queue_head_t for_child;
	wait_queue_head_t for_idle;
};

static void free_builder(struct kref *ref)
{
	struct kspawn_builder *builder =
		container_of(ref, struct kspawn_builder, ref);

	WARN_ON_ONCE(builder->work);
	put_pid(builder->child);
	put_pid(builder->creator);
	put_cred(builder->cred);
	kfree(builder);
}

/**
 * kspawn_builder_put() - give a reference back; the last one frees it
 * @builder: the builder, or NULL
 */
void kspawn_builder_put(struct kspawn_builder *builder)
{
	if (builder)
		kref_put(&builder->ref, free_builder);
}

static bool is_busy(struct kspawn_builder *builder)
{
	return READ_ONCE(builder->work);
}

static bool is_over(struct kspawn_builder *builder)
{
	return READ_ONCE(builder->phase) != BEING_BUILT;
}

/* Change the phase, unless it is the last already. */
static bool leave_phase(struct kspawn_builder *builder, enum phase next)
{
	bool left;

	spin_lock(&builder->lock);
	left = builder->phase == BEING_BUILT;
	if (left)
		WRITE_ONCE(builder->phase, next);
	spin_unlock(&builder->lock);
	return left;
}

static void wake_idle(struct kspawn_builder *builder)
{
	wake_up_all(&builder->for_idle);
}

/*
 * The child's side.
 */

/**
 * kspawn_builder_born() - the child is there
 * @base: the request that the child, which is current, was created by
 *
 * Called before the caller of clone can go on, whatever happens to it.
 */
void kspawn_builder_born(struct kspawn_request *base)
{
	base->builder->child = get_pid(base->child);
}

/**
 * kspawn_builder_creator() - the process that will be the child's parent
 * @base: the request that the child, which is current, was created by
 *
 * Return: its pid, as long as @base lasts.
 */
struct pid *kspawn_builder_creator(const struct kspawn_request *base)
{
	return base->builder->creator;
}

/**
 * kspawn_builder_next() - wait for what the child is to do next
 * @base: the request that the child, which is current, was created by
 *
 * The child stops, freezes and dies here as it would in user mode.
 *
 * Return: the request, for kspawn_builder_done(), or NULL if the child is to end.
 */
struct kspawn_request *kspawn_builder_next(struct kspawn_request *base)
{
	struct kspawn_builder *builder = base->builder;
	struct kspawn_request *work;

	for (;;) {
		kspawn_descriptors_finish_closing();
		wait_event_interruptible(builder->for_child,
					 is_busy(builder) || is_over(builder));
		if (kspawn_signals_birth(base) || is_over(builder))
			return NULL;
		spin_lock(&builder->lock);
		work = builder->work;
		builder->taken = work;
		spin_unlock(&builder->lock);
		if (work)
			return work;
	}
}

/**
 * kspawn_builder_done() - the child has done what it was to do
 * @base:    the request that the child, which is current, was created by
 * @request: what kspawn_builder_next() returned, whose outcome others may see now
 */
void kspawn_builder_done(struct kspawn_request *base,
			 struct kspawn_request *request)
{
	struct kspawn_builder *builder = base->builder;

	/* The files that it held are to be gone; an operator that waits holds it, too. */
	kspawn_request_put(request);
	kspawn_descriptors_finish_closing();
	spin_lock(&builder->lock);
	builder->taken = false;
	/* Pairs with is_done(): the outcome comes first. */
	smp_store_release(&builder->work, NULL);
	spin_unlock(&builder->lock);
	wake_idle(builder);
}

/**
 * kspawn_builder_commit() - the child is a program
 * @base: the request that the child, which is current, was created by
 *
 * Return: false if the builder has been closed meanwhile, and the child is to end.
 */
bool kspawn_builder_commit(struct kspawn_request *base)
{
	return leave_phase(base->builder, STARTED);
}

/**
 * kspawn_builder_is_closed() - whether nobody can operate the builder any more
 * @base: the request that the child, which is current, was created by
 *
 * Return: true if that, and no signal from elsewhere, is why the child ends.
 */
bool kspawn_builder_is_closed(const struct kspawn_request *base)
{
	return READ_ONCE(base->builder->phase) == CLOSED;
}

/**
 * kspawn_builder_end() - the child ends
 * @base: the request that the child, which is current, was created by
 */
void kspawn_builder_end(struct kspawn_request *base)
{
	struct kspawn_builder *builder = base->builder;
	struct kspawn_request *work;

	spin_lock(&builder->lock);
	if (builder->phase == BEING_BUILT)
		WRITE_ONCE(builder->phase, ENDED);
	/* Nobody hands it more from here on, nor takes back what is there. */
	work = builder->work;
	builder->taken = work;
	spin_unlock(&builder->lock);
	if (work)
		kspawn_builder_done(base, work);
	else
		wake_idle(builder);
}

/*
 * The side of those who have the descriptor.
 */

/*
 * The process that made the builder could fork and execute the like itself, as long
 * as its credentials are the same.  Any other asks as a debugger does.  A program
 * with more privileges must not come of somebody who gave that up for good, which no
 * debugger is asked about.
 */
static int may_operate(struct kspawn_builder *builder)
{
	struct task_struct *child;
	int err = -EPERM;

	child = get_pid_task(builder->child, PIDTYPE_TGID);
	if (!child)
		return -ESRCH;
	if (task_no_new_privs(current) && !task_no_new_privs(child))
		goto out;
	if ((task_tgid(current) == builder->creator &&
	     current_cred() == builder->cred) ||
	    kspawn_kernel.ptrace_may_access(child, PTRACE_MODE_ATTACH_REALCREDS))
		err = 0;
out:
	put_task_struct(child);
	return err;
}

/* Whether the child has done with a request; it is held by the caller. */
static bool is_done(struct kspawn_builder *builder,
		    const struct kspawn_request *request)
{
	/* Pairs with kspawn_builder_done(). */
	return smp_load_acquire(&builder->work) != request;
}

/*
 * Give up a request: take it back, or have an operation that blocks return.  Returns
 * whether it was taken back, before the child has begun.
 */
static bool cancel(struct kspawn_builder *builder,
		   struct kspawn_request *request)
{
	struct task_struct *child;
	bool withdrawn = false;

	spin_lock(&builder->lock);
	if (builder->work == request && !builder->taken) {
		WRITE_ONCE(builder->work, NULL);
		withdrawn = true;
	} else if (builder->work == request && builder->phase == BEING_BUILT) {
		/* Pairs with kspawn_signals_interrupted(). */
		smp_store_mb(request->cancelled, true);
		rcu_read_lock();
		child = pid_task(builder->child, PIDTYPE_TGID);
		if (child) {
			/* set_notify_signal(), for a task in the kernel. */
			set_tsk_thread_flag(child, TIF_NOTIFY_SIGNAL);
			kspawn_kernel.wake_up_state(child, TASK_INTERRUPTIBLE);
		}
		rcu_read_unlock();
	}
	spin_unlock(&builder->lock);
	if (withdrawn) {
		kspawn_request_put(request);
		wake_idle(builder);
	}
	return withdrawn;
}

/* How often a child is looked at that may be stopped, or frozen. */
#define HALTED_POLL	(HZ / 20)

/*
 * Wait until a request that was given up has ended.  A child that is stopped in it
 * will not do it any more: nobody waits for that, or a frozen child would keep
 * whoever froze both from being frozen.  An exec that a debugger stops has been
 * done; as wait_for_vfork_done() this waits for it, and counts as frozen meanwhile.
 */
static int await_cancelled(struct kspawn_builder *builder,
			   struct kspawn_request *request)
{
	int err = 0;
	long left;

	kspawn_kernel.cgroup_enter_frozen();
	do {
		left = wait_event_killable_timeout(builder->for_idle,
						   is_done(builder, request),
						   HALTED_POLL);
		if (left < 0)
			/* Nobody is left to be told of a start. */
			WRITE_ONCE(request->abandoned, true);
		if (left < 0 || (!left && READ_ONCE(request->halted)))
			err = -EINTR;
		else
			try_to_freeze();
	} while (!left && !err);
	kspawn_kernel.cgroup_leave_frozen(false);
	return err;
}

/* Returns 0 when it is this request's turn, or a negative errno. */
static int take_turn(struct kspawn_builder *builder,
		     struct kspawn_request *request)
{
	bool taken = false;
	bool over;
	int err;

	do {
		/* Another's may be under way, or one whose caller was killed. */
		err = wait_event_interruptible(builder->for_idle,
					       !is_busy(builder) ||
					       is_over(builder));
		if (err && !kspawn_signals_resume_wait())
			return -ERESTARTSYS;
		spin_lock(&builder->lock);
		over = builder->phase != BEING_BUILT;
		if (!over && !builder->work) {
			kref_get(&request->ref);
			/* Pairs with the child's wait for work. */
			smp_store_release(&builder->work, request);
			taken = true;
		}
		spin_unlock(&builder->lock);
		if (over)
			return -ESRCH;
	} while (!taken);
	return 0;
}

/* Returns 0 when the child has done it, or a negative errno if it has not. */
static int hand_over(struct kspawn_builder *builder,
		     struct kspawn_request *request)
{
	int err = take_turn(builder, request);

	if (err)
		return err;
	wake_up(&builder->for_child);
	do {
		err = wait_event_interruptible(builder->for_idle,
					       is_done(builder, request));
	} while (err && kspawn_signals_resume_wait());
	if (!err)
		return 0;
	return cancel(builder, request) ? -ERESTARTSYS :
					  await_cancelled(builder, request);
}

static int fail(struct kspawn_outcome *outcome, int err)
{
	return kspawn_outcome_fail(outcome, KSPAWN_STEP_BUILDER, 0, err);
}

static int operate(struct kspawn_builder *builder,
		   struct kspawn_request *request,
		   struct kspawn_outcome *outcome)
{
	int err;

	if (is_over(builder))
		return fail(outcome, -ESRCH);
	err = may_operate(builder);
	if (err)
		return fail(outcome, err);
	err = hand_over(builder, request);
	if (err == -ERESTARTSYS) {
		/* Nothing has been done: SA_RESTART decides, see kspawn_spawn(). */
		fail(outcome, -EINTR);
		return err;
	}
	if (err)
		return fail(outcome, err);
	/* The child was killed before it had done it, or in it. */
	if (!READ_ONCE(request->served))
		return fail(outcome, -ESRCH);
	if (request->outcome.error) {
		*outcome = request->outcome;
		return outcome->error;
	}
	return 0;
}

/**
 * kspawn_builder_operate() - carry out KSPAWN_IOC_APPLY or KSPAWN_IOC_START
 * @builder: the builder
 * @request: what its child is to do
 * @outcome: says what failed
 * @result:  told the child and its pidfd, after a start
 *
 * Return: 0, or the child's pid after a start, or a negative errno.
 */
int kspawn_builder_operate(struct kspawn_builder *builder,
			   struct kspawn_request *request,
			   struct kspawn_outcome *outcome,
			   struct kspawn_result *result)
{
	int pidfd = -1;
	int ret;

	ret = kspawn_request_complete(request, outcome);
	if (ret)
		return ret;
	if (kspawn_request_has_flag(request, KSPAWN_PIDFD)) {
		pidfd = get_unused_fd_flags(O_CLOEXEC);
		if (pidfd < 0)
			return kspawn_outcome_fail(outcome, KSPAWN_STEP_PIDFD,
						   0, pidfd);
	}
	ret = operate(builder, request, outcome);
	if (pidfd >= 0) {
		if (!ret) {
			fd_install(pidfd, request->pidfd_file);
			request->pidfd_file = NULL;
			result->pidfd = pidfd;
		} else {
			put_unused_fd(pidfd);
		}
	}
	if (!ret && request->call == KSPAWN_CALL_START)
		ret = result->pid = pid_vnr(builder->child);
	return ret;
}

static long builder_ioctl(struct file *file, unsigned int command,
			  unsigned long argument)
{
	const struct kspawn_args __user *args =
		(const struct kspawn_args __user *)argument;
	struct kspawn_builder *builder = file->private_data;
	long ret = -ENOTTY;

	/* As device_ioctl() in device.c. */
	get_file(file);
	if (command == KSPAWN_IOC_APPLY)
		ret = kspawn_spawn(KSPAWN_CALL_APPLY, builder, args);
	else if (command == KSPAWN_IOC_START)
		ret = kspawn_spawn(KSPAWN_CALL_START, builder, args);
	fput(file);
	return ret;
}

static __poll_t builder_poll(struct file *file, poll_table *table)
{
	struct kspawn_builder *builder = file->private_data;

	poll_wait(file, &builder->for_idle, table);
	if (is_over(builder))
		return EPOLLHUP;
	return is_busy(builder) ? 0 : EPOLLOUT | EPOLLWRNORM;
}

#ifdef CONFIG_PROC_FS
/* As a pidfd tells it, by which name the reader knows the child. */
static void builder_show_fdinfo(struct seq_file *m, struct file *file)
{
	static const char * const ends[] = {
		[STARTED] = "started",
		[ENDED] = "ended",
		[CLOSED] = "ended",
	};
	struct pid_namespace *reader = proc_pid_ns(file_inode(m->file)->i_sb);
	struct kspawn_builder *builder = file->private_data;
	enum phase phase = READ_ONCE(builder->phase);
	const char *state = ends[phase];
	pid_t pid = -1;

	if (phase == BEING_BUILT)
		state = is_busy(builder) ? "busy" : "waiting";
	if (pid_has_task(builder->child, PIDTYPE_PID))
		pid = pid_nr_ns(builder->child, reader);
	seq_printf(m, "Pid:\t%d\nBuilder:\t%s\n", pid, state);
}
#endif

static int builder_release(struct inode *inode, struct file *file)
{
	struct kspawn_builder *builder = file->private_data;

	/* There is no child if it could not be created. */
	if (leave_phase(builder, CLOSED) && builder->child)
		kill_pid(builder->child, SIGKILL, 1);
	kspawn_builder_put(builder);
	return 0;
}

static const struct file_operations builder_operations = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= builder_ioctl,
	.poll		= builder_poll,
#ifdef CONFIG_PROC_FS
	.show_fdinfo	= builder_show_fdinfo,
#endif
	.release	= builder_release,
	.llseek		= noop_llseek,
};

/**
 * kspawn_builder_is() - whether a file is a builder
 * @file: the file
 *
 * Return: true if it is.
 */
bool kspawn_builder_is(const struct file *file)
{
	return file->f_op == &builder_operations;
}

/**
 * kspawn_builder_create() - make a builder for a request
 * @request: the request, whose child is to wait; it gets a reference
 *
 * Return: its file, or an error pointer.
 */
struct file *kspawn_builder_create(struct kspawn_request *request)
{
	struct kspawn_builder *builder;
	struct file *file;

	builder = kzalloc(sizeof(*builder), GFP_KERNEL_ACCOUNT);
	if (!builder)
		return ERR_PTR(-ENOMEM);
	kref_init(&builder->ref);
	spin_lock_init(&builder->lock);
	init_waitqueue_head(&builder->for_child);
	init_waitqueue_head(&builder->for_idle);
	builder->creator = get_task_pid(current, PIDTYPE_TGID);
	builder->cred = get_current_cred();

	file = anon_inode_getfile("[kspawn-builder]", &builder_operations,
				  builder, O_RDWR);
	if (IS_ERR(file)) {
		kspawn_builder_put(builder);
		return file;
	}
	kref_get(&builder->ref);
	request->builder = builder;
	return file;
}
