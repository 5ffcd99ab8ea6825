// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <uapi/linux/wait.h>

#include "builder.h"
#include "child.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "made.h"
#include "program.h"
#include "request.h"
#include "signals.h"
#include "spawn.h"
#include "stats.h"
#include "trace.h"

/*
 * Write the result as far as the caller knows it, and zeros beyond.  Returns
 * 0, also if none is wanted, or -EFAULT.
 */
static int report(const struct kspawn_args *args,
		  const struct kspawn_result *result)
{
	char __user *to = u64_to_user_ptr(args->result);
	size_t size = args->result_size;
	size_t known = min(size, sizeof(*result));

	if (!to)
		return 0;
	if (copy_to_user(to, result, known) ||
	    clear_user(to + known, size - known))
		return -EFAULT;
	return 0;
}

/* Find out in time whether what is told at the end can be told. */
static int prepare_report(struct kspawn_args *args,
			  const struct kspawn_result *result,
			  struct kspawn_outcome *outcome)
{
	void __user *rusage = u64_to_user_ptr(args->rusage);

	if (report(args, result)) {
		args->result = 0;
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_COPY,
					   KSPAWN_ARG_RESULT, -EFAULT);
	}
	if (rusage && clear_user(rusage, sizeof(struct rusage)))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_COPY,
					   KSPAWN_ARG_RUSAGE, -EFAULT);
	return 0;
}

/*
 * Tell of the child, which runs, so that a fault cannot fail the call.  The pid
 * is returned, too.  A pidfd that can be told nowhere is closed, or it would be
 * nobody's.
 */
static void tell_child(const struct kspawn_args *args,
		       const struct kspawn_result *result, bool reported)
{
	int __user *pid = u64_to_user_ptr(args->pid);
	int __user *pidfd = u64_to_user_ptr(args->pidfd);

	if (pid && put_user(result->pid, pid))
		pr_debug("kspawn: the memory for a pid has gone\n");
	if (pidfd && !put_user(result->pidfd, pidfd))
		reported = true;
	if (result->pidfd >= 0 && !reported)
		close_fd(result->pidfd);
}

/*
 * A filter on execve() would not see what the child executes, nor would its
 * rules for open() and the other calls be applied to the child's actions.
 */
static bool under_seccomp(void)
{
	return seccomp_mode(&current->seccomp) != SECCOMP_MODE_DISABLED;
}

/* clone() does not pass these on to a child that begins in the kernel. */
static bool has_io_ports(void)
{
	return test_thread_flag(TIF_IO_BITMAP);
}

/* Errors of CLONE_INTO_CGROUP that nothing else in clone gives. */
static bool is_cgroup_error(int err)
{
	switch (err) {
	case -EBADF:
	case -EACCES:
	case -EBUSY:
	case -ENODEV:
	case -ENOENT:
	case -EOPNOTSUPP:
		return true;
	}
	return false;
}

/*
 * Create the child, and wait until it is past exec's point of no return or has
 * failed; until it has come apart, if the caller wants no more.  Returns its
 * pid, or a negative errno, with the failure in @outcome.
 */
static int start_child(struct kspawn_request *request,
		       struct kspawn_outcome *outcome)
{
	bool into_cgroup = kspawn_request_has_attr(request,
						   KSPAWN_ATTR_SETCGROUP);
	struct kernel_clone_args clone = {
		/*
		 * VFORK for those that do not wait for exec, too: without it,
		 * 6.12 takes oom_adj_mutex, sets MM_CONTEXT_LOCK_LAM for the
		 * caller, and may map a shadow stack for the child.
		 */
		.flags		= CLONE_VM | CLONE_VFORK | CLONE_FILES |
				  (into_cgroup ? CLONE_INTO_CGROUP : 0),
		.exit_signal	= SIGCHLD,
		.cgroup		= request->args.cgroup,
		.fn		= kspawn_child,
		.fn_arg		= request,
	};
	pid_t pid;

	if (into_cgroup && request->args.cgroup < 0)
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_ATTRIBUTE,
					   KSPAWN_ATTR_SETCGROUP, -EINVAL);

	/* The child's; it gives them back. */
	kref_get(&request->ref);
	__module_get(THIS_MODULE);

	pid = kspawn_kernel.kernel_clone(&clone);
	if (pid < 0) {
		module_put(THIS_MODULE);
		kspawn_request_put(request);
		trace_kspawn_clone(request, 0, pid);
		if (into_cgroup && is_cgroup_error(pid))
			return kspawn_outcome_fail(outcome,
						   KSPAWN_STEP_ATTRIBUTE,
						   KSPAWN_ATTR_SETCGROUP, pid);
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_CLONE, 0, pid);
	}
	return pid;
}

/* Whether the process has ended, reaped or not. */
static bool has_ended(struct pid *child)
{
	struct task_struct *task;
	bool ended;

	rcu_read_lock();
	task = pid_task(child, PIDTYPE_PID);
	ended = !task ||
		(READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return ended;
}

/*
 * Wait for the child's end.  Returns 0, or -ECHILD if SIGCHLD is ignored or
 * somebody else has waited for it, or another negative errno.
 */
static int wait_for_end(const struct kspawn_args *args, struct pid *child,
			struct kspawn_result *result)
{
	int __user *status = u64_to_user_ptr(args->result +
				offsetof(struct kspawn_result, status));
	struct rusage __user *to = u64_to_user_ptr(args->rusage);
	struct rusage rusage;
	long ret;

	/* Not by kernel_wait4() alone: it takes the stops that a tracer is told. */
	do {
		ret = wait_event_interruptible(child->wait_pidfd,
					       has_ended(child));
		/* Once somebody has reaped it the number may be another's. */
		if (!ret && !pid_has_task(child, PIDTYPE_TGID))
			ret = -ECHILD;
		if (!ret)
			ret = kspawn_kernel.kernel_wait4(pid_vnr(child), status,
							 __WALL,
							 to ? &rusage : NULL);
	} while (kspawn_signals_is_restart(ret) && kspawn_signals_resume_wait());
	if (ret < 0 && ret != -EFAULT)
		return ret;
	/* It has been waited for, whatever is left of this memory. */
	if (ret < 0 || get_user(result->status, status))
		pr_debug("kspawn: the memory for a status has gone\n");
	if (to && copy_to_user(to, &rusage, sizeof(rusage)))
		pr_debug("kspawn: the memory for a usage has gone\n");
	return 0;
}

/*
 * Wait for what the caller wants to know of a child that has come apart.  Returns its
 * pid, or a negative errno.
 */
static int await_program(struct kspawn_attempt *attempt, pid_t pid)
{
	struct kspawn_request *request = attempt->request;
	struct kspawn_outcome *outcome = &attempt->outcome;

	if (kspawn_request_has_flag(request, KSPAWN_ASYNC))
		return pid;
	if (kspawn_request_has_failed(request)) {
		*outcome = request->outcome;
		return outcome->error;
	}
	/*
	 * A SIGCONT of the caller's must not come before the stop.  A debugger
	 * can hold the child up in exec.
	 */
	if (request->call == KSPAWN_CALL_SPAWN && request->stops)
		kspawn_signals_await(&request->stopped, TASK_KILLABLE);
	if (fatal_signal_pending(current))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_CLONE, 0,
					   -EINTR);
	return pid;
}

/**
 * kspawn_spawn_read() - copy and check what to start
 * @attempt:   set, but for @attempt->call; its request has one reference
 * @user_args: the caller's arguments
 *
 * Return: 0, or a negative errno, with the failure in the outcome.
 */
int kspawn_spawn_read(struct kspawn_attempt *attempt,
		      const struct kspawn_args __user *user_args)
{
	struct kspawn_outcome *outcome = &attempt->outcome;
	bool creates = kspawn_request_creates(attempt->call);
	struct kspawn_args *args = &attempt->args;
	struct kspawn_request *request;
	int err;

	attempt->pidfd = -1;
	attempt->result.pidfd = -1;
	err = kspawn_request_copy_args(args, user_args, attempt->call, outcome);
	if (err)
		return err;
	err = prepare_report(args, &attempt->result, outcome);
	if (err)
		return err;
	if (under_seccomp() || (creates && has_io_ports()))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_POLICY, 0,
					   -EPERM);
	request = kspawn_request_create(args, attempt->call, outcome);
	if (IS_ERR(request))
		return PTR_ERR(request);
	attempt->request = request;
	attempt->id = request->id;
	trace_kspawn_begin(request);
	return 0;
}

/**
 * kspawn_spawn_equip() - find and make what the child is to have
 * @attempt: the attempt, which has a request
 *
 * Return: 0, or a negative errno, with the failure in the outcome.
 */
int kspawn_spawn_equip(struct kspawn_attempt *attempt)
{
	struct kspawn_outcome *outcome = &attempt->outcome;
	struct kspawn_request *request = attempt->request;
	struct files_struct *files;
	int err = 0;

	if (request->call == KSPAWN_CALL_SPAWN)
		err = kspawn_program_find(request);
	if (err) {
		if (!kspawn_signals_is_restart(err))
			kspawn_stats_add(KSPAWN_STAT_FAIL_LOOKUP);
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_EXEC, 0, err);
	}
	err = kspawn_request_complete(request, outcome);
	if (err)
		return err;
	files = kspawn_descriptors_snapshot(&request->selection);
	if (IS_ERR(files))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_DESCRIPTORS, 0,
					   PTR_ERR(files));
	request->files = files;
	if (!kspawn_request_has_flag(request, KSPAWN_PIDFD))
		return 0;
	attempt->pidfd = get_unused_fd_flags(O_CLOEXEC);
	if (attempt->pidfd < 0)
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_PIDFD, 0,
					   attempt->pidfd);
	return 0;
}

/**
 * kspawn_spawn_create() - create the child
 * @attempt: the attempt, which has been equipped
 *
 * Waits until the child has come apart, and, unless the caller wants no more, until it
 * is past exec's point of no return or has failed.
 *
 * Return: the pid of a child that there is, or a negative errno, with the failure in
 * the outcome.
 */
int kspawn_spawn_create(struct kspawn_attempt *attempt)
{
	struct kspawn_outcome *outcome = &attempt->outcome;
	struct kspawn_request *request = attempt->request;
	pid_t pid;

	pid = start_child(request, outcome);
	if (pid < 0)
		return pid;
	/* If the caller is killed: nobody is to meet a child half-way. */
	wait_for_completion(&request->apart);
	if (!request->stillborn)
		return pid;
	*outcome = request->outcome;
	return outcome->error;
}

/**
 * kspawn_spawn_settle() - give the caller what was made for it, or take it back
 * @attempt: the attempt, which is done with its request; it has no more then
 * @ret:     the child's pid, or what else the call returns if it succeeds, or a
 *           negative errno
 */
void kspawn_spawn_settle(struct kspawn_attempt *attempt, int ret)
{
	struct kspawn_request *request = attempt->request;

	if (attempt->pidfd >= 0 && ret > 0) {
		fd_install(attempt->pidfd, request->pidfd_file);
		request->pidfd_file = NULL;
		attempt->result.pidfd = attempt->pidfd;
	} else if (attempt->pidfd >= 0) {
		put_unused_fd(attempt->pidfd);
	}
	kspawn_made_settle(request, ret >= 0);
	if (ret > 0 && kspawn_request_has_flag(request, KSPAWN_WAIT))
		attempt->child = get_pid(request->child);
	/* For as long as the program runs the request is not needed. */
	kspawn_request_put(request);
	attempt->request = NULL;
}

/**
 * kspawn_spawn_wait() - wait for the child's end, as KSPAWN_WAIT asks for
 * @attempt: the attempt, which has a child
 *
 * Return: 0, or a negative errno, with the failure in the outcome.
 */
int kspawn_spawn_wait(struct kspawn_attempt *attempt)
{
	int err = wait_for_end(&attempt->args, attempt->child,
			       &attempt->result);

	put_pid(attempt->child);
	attempt->child = NULL;
	if (kspawn_signals_is_restart(err))
		err = -EINTR;
	if (!err)
		return 0;
	return kspawn_outcome_fail(&attempt->outcome, KSPAWN_STEP_WAIT, 0, err);
}

/**
 * kspawn_spawn_is_repeated() - whether the call is to be made again
 * @ret: what it would return
 *
 * No child was left, so it can be, after the signal, the freezer or the tracer, as
 * fork() is.
 *
 * Return: true if it is.
 */
bool kspawn_spawn_is_repeated(int ret)
{
	if (!kspawn_signals_is_restart(ret) || fatal_signal_pending(current))
		return false;
	/*
	 * The signal may have gone meanwhile, and the mask that was set has
	 * cleared the flag then; without it nothing restarts.
	 */
	set_thread_flag(TIF_SIGPENDING);
	return true;
}

/**
 * kspawn_spawn_tell() - tell the caller what became of an attempt
 * @attempt: the attempt, which has ended
 * @ret:     as for kspawn_spawn_settle()
 */
void kspawn_spawn_tell(struct kspawn_attempt *attempt, int ret)
{
	const struct kspawn_outcome *outcome = &attempt->outcome;
	struct kspawn_result *result = &attempt->result;
	bool reported;

	if (ret < 0) {
		kspawn_stats_fail(outcome->step);
		result->error = -outcome->error;
		result->step = outcome->step;
		result->index = outcome->index;
	}
	reported = !report(&attempt->args, result) && attempt->args.result;
	if (result->pid || (ret >= 0 && attempt->call == KSPAWN_CALL_START))
		tell_child(&attempt->args, result, reported);
}

static int spawn(struct kspawn_attempt *attempt)
{
	int ret = kspawn_spawn_equip(attempt);

	if (!ret)
		ret = kspawn_spawn_create(attempt);
	if (ret > 0)
		ret = await_program(attempt, ret);
	if (ret > 0)
		attempt->result.pid = ret;
	return ret;
}

/* Returns the builder's descriptor, or a negative errno. */
static int build(struct kspawn_attempt *attempt)
{
	struct kspawn_outcome *outcome = &attempt->outcome;
	struct file *file;
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_BUILDER, 0, fd);
	file = kspawn_builder_create(attempt->request);
	if (IS_ERR(file)) {
		ret = kspawn_outcome_fail(outcome, KSPAWN_STEP_BUILDER, 0,
					  PTR_ERR(file));
		goto no_file;
	}
	ret = spawn(attempt);
	if (ret < 0)
		goto no_child;
	fd_install(fd, file);
	return fd;

no_child:
	/* If there is a child nevertheless, the builder's release ends it. */
	fput(file);
no_file:
	put_unused_fd(fd);
	return ret;
}

static int carry_out(struct kspawn_builder *builder,
		     struct kspawn_attempt *attempt)
{
	switch (attempt->call) {
	case KSPAWN_CALL_SPAWN:
		return spawn(attempt);
	case KSPAWN_CALL_BUILDER:
		return build(attempt);
	case KSPAWN_CALL_APPLY:
	case KSPAWN_CALL_START:
		break;
	}
	return kspawn_builder_operate(builder, attempt->request,
				      &attempt->outcome, &attempt->result);
}

/**
 * kspawn_spawn() - carry out KSPAWN_IOC_SPAWN and those of builders
 * @call:      which
 * @builder:   for KSPAWN_IOC_APPLY and KSPAWN_IOC_START: whose child is meant
 * @user_args: the caller's arguments
 *
 * Acts with the identity of the calling thread, whoever opened the device.
 *
 * Return: the child's pid, a builder's descriptor, 0, or a negative errno.
 */
long kspawn_spawn(enum kspawn_call call, struct kspawn_builder *builder,
		  const struct kspawn_args __user *user_args)
{
	struct kspawn_attempt attempt = { .call = call };
	sigset_t mask;
	int ret, err;

	/* An operation on a child that there is can be interrupted. */
	if (!builder)
		kspawn_signals_block(&mask);
	ret = kspawn_spawn_read(&attempt, user_args);
	if (ret)
		goto out;
	if (!builder)
		attempt.request->mask = mask;
	ret = carry_out(builder, &attempt);
	kspawn_spawn_settle(&attempt, ret);
	if (attempt.child) {
		kspawn_signals_restore(mask);
		err = kspawn_spawn_wait(&attempt);
		if (err)
			ret = err;
	}

out:
	if (!builder)
		kspawn_signals_restore(mask);
	trace_kspawn_end(attempt.id, ret < 0 ? ret : attempt.result.pid,
			 &attempt.outcome);
	if (kspawn_spawn_is_repeated(ret) && !builder) {
		kspawn_stats_add(KSPAWN_STAT_RESTARTED);
		return -ERESTARTNOINTR;
	}
	kspawn_spawn_tell(&attempt, ret);
	return ret;
}
