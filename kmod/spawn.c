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
 * Wait until the child stops before its program.  A debugger can hold it up in exec:
 * as wait_for_vfork_done() this can be frozen meanwhile.
 */
static void await_stop(struct kspawn_request *request)
{
	kspawn_kernel.cgroup_enter_frozen();
	wait_for_completion_state(&request->stopped,
				  TASK_KILLABLE | TASK_FREEZABLE);
	kspawn_kernel.cgroup_leave_frozen(false);
}

/* Returns the pid of a child that there is, or a negative errno. */
static int settle(struct kspawn_request *request, pid_t pid,
		  struct kspawn_outcome *outcome)
{
	/* If the caller is killed: nobody is to meet a child half-way. */
	wait_for_completion(&request->apart);
	if (request->stillborn) {
		*outcome = request->outcome;
		return outcome->error;
	}
	if (kspawn_request_has_flag(request, KSPAWN_ASYNC))
		return pid;
	if (kspawn_request_has_failed(request)) {
		*outcome = request->outcome;
		return outcome->error;
	}
	/* A SIGCONT of the caller's must not come before the stop. */
	if (request->call == KSPAWN_CALL_SPAWN && request->stops)
		await_stop(request);
	if (fatal_signal_pending(current))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_CLONE, 0,
					   -EINTR);
	return pid;
}

static int spawn(struct kspawn_request *request,
		 struct kspawn_outcome *outcome, struct kspawn_result *result)
{
	struct files_struct *files;
	int pidfd = -1;
	int ret = 0;

	if (request->call == KSPAWN_CALL_SPAWN)
		ret = kspawn_program_find(request);
	if (ret) {
		if (!kspawn_signals_is_restart(ret))
			kspawn_stats_add(KSPAWN_STAT_FAIL_LOOKUP);
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_EXEC, 0, ret);
	}
	ret = kspawn_request_complete(request, outcome);
	if (ret)
		return ret;
	files = kspawn_descriptors_snapshot(&request->selection);
	if (IS_ERR(files))
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_DESCRIPTORS, 0,
					   PTR_ERR(files));
	request->files = files;

	if (kspawn_request_has_flag(request, KSPAWN_PIDFD)) {
		pidfd = get_unused_fd_flags(O_CLOEXEC);
		if (pidfd < 0)
			return kspawn_outcome_fail(outcome, KSPAWN_STEP_PIDFD,
						   0, pidfd);
	}

	ret = start_child(request, outcome);
	if (ret > 0)
		ret = settle(request, ret, outcome);
	if (pidfd >= 0) {
		if (ret > 0) {
			fd_install(pidfd, request->pidfd_file);
			request->pidfd_file = NULL;
			result->pidfd = pidfd;
		} else {
			put_unused_fd(pidfd);
		}
	}
	if (ret > 0)
		result->pid = ret;
	return ret;
}

/* Returns the builder's descriptor, or a negative errno. */
static int build(struct kspawn_request *request, struct kspawn_outcome *outcome,
		 struct kspawn_result *result)
{
	struct file *file;
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return kspawn_outcome_fail(outcome, KSPAWN_STEP_BUILDER, 0, fd);
	file = kspawn_builder_create(request);
	if (IS_ERR(file)) {
		ret = kspawn_outcome_fail(outcome, KSPAWN_STEP_BUILDER, 0,
					  PTR_ERR(file));
		goto no_file;
	}
	ret = spawn(request, outcome, result);
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
		     struct kspawn_request *request,
		     struct kspawn_outcome *outcome,
		     struct kspawn_result *result)
{
	switch (request->call) {
	case KSPAWN_CALL_SPAWN:
		return spawn(request, outcome, result);
	case KSPAWN_CALL_BUILDER:
		return build(request, outcome, result);
	case KSPAWN_CALL_APPLY:
	case KSPAWN_CALL_START:
		break;
	}
	return kspawn_builder_operate(builder, request, outcome, result);
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
	struct kspawn_result result = { .pidfd = -1 };
	struct kspawn_outcome outcome = {};
	struct kspawn_request *request;
	struct pid *child = NULL;
	struct kspawn_args args;
	sigset_t mask;
	bool reported;
	u64 id = 0;
	int ret, err;

	/* An operation on a child that there is can be interrupted. */
	if (!builder)
		kspawn_signals_block(&mask);
	ret = kspawn_request_copy_args(&args, user_args, call, &outcome);
	if (ret)
		goto out;
	ret = prepare_report(&args, &result, &outcome);
	if (ret)
		goto out;
	if (under_seccomp() || (!builder && has_io_ports())) {
		ret = kspawn_outcome_fail(&outcome, KSPAWN_STEP_POLICY, 0,
					  -EPERM);
		goto out;
	}

	request = kspawn_request_create(&args, call, &outcome);
	if (IS_ERR(request)) {
		ret = PTR_ERR(request);
		goto out;
	}
	id = request->id;
	if (!builder)
		request->mask = mask;
	trace_kspawn_begin(request);
	ret = carry_out(builder, request, &outcome, &result);
	kspawn_made_settle(request, ret >= 0);
	if (ret > 0 && kspawn_request_has_flag(request, KSPAWN_WAIT))
		child = get_pid(request->child);
	/* For as long as the program runs the request is not needed. */
	kspawn_request_put(request);
	if (child) {
		kspawn_signals_restore(mask);
		err = wait_for_end(&args, child, &result);
		put_pid(child);
		if (kspawn_signals_is_restart(err))
			err = -EINTR;
		if (err)
			ret = kspawn_outcome_fail(&outcome, KSPAWN_STEP_WAIT, 0,
						  err);
	}

out:
	if (!builder)
		kspawn_signals_restore(mask);
	trace_kspawn_end(id, ret < 0 ? ret : result.pid, &outcome);
	if (ret < 0) {
		/*
		 * No child was left, so the call can be made again after the
		 * signal, the freezer or the tracer, as fork() is.  The signal
		 * may have gone meanwhile, and the mask that was set has
		 * cleared the flag then; without it nothing restarts.
		 */
		if (kspawn_signals_is_restart(ret) &&
		    !fatal_signal_pending(current)) {
			set_thread_flag(TIF_SIGPENDING);
			if (!builder) {
				kspawn_stats_add(KSPAWN_STAT_RESTARTED);
				return -ERESTARTNOINTR;
			}
		}
		kspawn_stats_fail(outcome.step);
		result.error = -outcome.error;
		result.step = outcome.step;
		result.index = outcome.index;
	}
	reported = !report(&args, &result) && args.result;
	if (result.pid || (ret >= 0 && call == KSPAWN_CALL_START))
		tell_child(&args, &result, reported);
	return ret;
}
