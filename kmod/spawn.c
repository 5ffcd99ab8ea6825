// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <uapi/linux/wait.h>

#include "child.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "program.h"
#include "request.h"
#include "signals.h"
#include "spawn.h"
#include "stats.h"
#include "trace.h"

/*
 * How often a failed child is looked for that nothing woke us for: a tracer
 * may keep it for as long as it likes.
 */
#define REAP_INTERVAL	(HZ / 20)

/* Write the result as far as the caller knows it, and zeros beyond. */
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

/*
 * A filter on execve() would not see what the child executes.  What a filter
 * allows of open() and the others would not be looked at either.
 */
static bool under_seccomp(void)
{
	return seccomp_mode(&current->seccomp) != SECCOMP_MODE_DISABLED;
}

/* What is left of a failed child: nothing, a zombie, or one about to be. */
static bool is_gone(struct pid *child)
{
	bool gone;

	rcu_read_lock();
	gone = !pid_task(child, PIDTYPE_PID);
	rcu_read_unlock();
	return gone;
}

static bool has_exited(struct pid *child)
{
	struct task_struct *task;
	bool exited;

	rcu_read_lock();
	task = pid_task(child, PIDTYPE_PID);
	exited = !task || READ_ONCE(task->exit_state);
	rcu_read_unlock();
	return exited;
}

/*
 * A tracer keeps a zombie for as long as it likes, perhaps until the caller
 * stops for it.  Then whoever waits for any child later is to find it.
 */
static bool leave_to_tracer(struct pid *child)
{
	struct task_struct *task;
	bool traced;

	if (!signal_pending(current))
		return false;
	rcu_read_lock();
	task = pid_task(child, PIDTYPE_PID);
	traced = task && READ_ONCE(task->ptrace);
	if (traced)
		WRITE_ONCE(task->exit_signal, SIGCHLD);
	rcu_read_unlock();
	return traced;
}

/*
 * Reap a child that failed, before anybody can see it.  Signals of the caller,
 * fatal ones too, do not end the wait: the child is on its last instructions.
 */
static void reap(pid_t nr, struct pid *child)
{
	kspawn_kernel.kernel_wait4(nr, NULL, __WALL, NULL);

	/* That was all, unless a signal is pending or a tracer has it. */
	while (!is_gone(child) && !leave_to_tracer(child)) {
		wait_event_timeout(child->wait_pidfd, has_exited(child),
				   REAP_INTERVAL);
		if (kspawn_kernel.kernel_wait4(nr, NULL, __WALL | WNOHANG,
					       NULL) == 0)
			schedule_timeout_uninterruptible(1);
	}
}

/*
 * The caller is being killed while its child may be anywhere; the child goes
 * on alone.  If it has failed, nobody will ask for it: reap it if it is there
 * already, and if not, it sees that it is alone.  __WCLONE: not a program's end.
 */
static void abandon(struct kspawn_request *request, pid_t nr)
{
	WRITE_ONCE(request->phase, KSPAWN_ABANDONED);
	/* Pairs with the barrier in the child's set_exit_signal(). */
	smp_mb();
	kspawn_kernel.kernel_wait4(nr, NULL, __WCLONE | WNOHANG, NULL);
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
 * Create the child and wait until it is past exec's point of no return or has
 * failed.  Returns its pid, or a negative errno, with the failure in @outcome.
 */
static int start_child(struct kspawn_request *request,
		       struct kspawn_outcome *outcome)
{
	bool into_cgroup = kspawn_has_attribute(request,
						KSPAWN_ATTR_SETCGROUP);
	struct kernel_clone_args clone = {
		/*
		 * Handlers stay until exec resets them: a child without them
		 * would die of a signal to the whole group that comes before
		 * it has blocked all.
		 */
		.flags		= CLONE_VM | CLONE_VFORK | CLONE_FILES |
				  (into_cgroup ? CLONE_INTO_CGROUP : 0),
		/* Until exec, no wait and no SIGCHLD handler sees it. */
		.exit_signal	= 0,
		.cgroup		= request->args.cgroup,
		.fn		= kspawn_child,
		.fn_arg		= request,
	};
	pid_t pid;

	if (into_cgroup && request->args.cgroup < 0)
		return kspawn_fail(outcome, KSPAWN_STEP_ATTRIBUTE,
				   KSPAWN_ATTR_SETCGROUP, -EBADF);

	/* The child's; it gives them back. */
	kspawn_request_get(request);
	__module_get(THIS_MODULE);

	pid = kspawn_kernel.kernel_clone(&clone);
	if (pid < 0) {
		module_put(THIS_MODULE);
		kspawn_request_put(request);
		trace_kspawn_clone(request, 0, pid);
		if (into_cgroup && is_cgroup_error(pid))
			return kspawn_fail(outcome, KSPAWN_STEP_ATTRIBUTE,
					   KSPAWN_ATTR_SETCGROUP, pid);
		return kspawn_fail(outcome, KSPAWN_STEP_CLONE, 0, pid);
	}
	if (fatal_signal_pending(current)) {
		abandon(request, pid);
		return kspawn_fail(outcome, KSPAWN_STEP_CLONE, 0, -EINTR);
	}
	if (request->outcome.error) {
		*outcome = request->outcome;
		reap(pid, request->child);
		kspawn_request_blame_list(request, outcome);
		return outcome->error;
	}
	return pid;
}

static int spawn(struct kspawn_request *request,
		 struct kspawn_outcome *outcome, struct kspawn_result *result)
{
	bool only_named = kspawn_has_attribute(request,
					       KSPAWN_ATTR_CLOEXEC_DEFAULT);
	int pidfd = -1;
	int ret;

	ret = kspawn_find_program(request);
	if (ret) {
		if (!kspawn_is_restart(ret))
			kspawn_stats_add(KSPAWN_STAT_FAIL_LOOKUP);
		return kspawn_fail(outcome, KSPAWN_STEP_EXEC, 0, ret);
	}
	ret = kspawn_request_take_lists(request, outcome);
	if (ret)
		return ret;
	ret = kspawn_descriptors_snapshot(&request->descriptors,
					  request->named, request->named_count,
					  only_named);
	if (ret)
		return kspawn_fail(outcome, KSPAWN_STEP_DESCRIPTORS, 0, ret);

	if (request->args.flags & KSPAWN_PIDFD) {
		pidfd = get_unused_fd_flags(O_CLOEXEC);
		if (pidfd < 0)
			return kspawn_fail(outcome, KSPAWN_STEP_PIDFD, 0,
					   pidfd);
	}

	ret = start_child(request, outcome);
	if (pidfd >= 0) {
		/* A child that was killed early may not have made it. */
		if (ret > 0 && request->pidfd_file) {
			fd_install(pidfd, request->pidfd_file);
			request->pidfd_file = NULL;
		} else {
			put_unused_fd(pidfd);
			pidfd = -1;
		}
	}
	if (ret > 0) {
		result->pid = ret;
		result->pidfd = pidfd;
	}
	return ret;
}

/**
 * kspawn_spawn() - carry out KSPAWN_IOC_SPAWN
 * @user_args: the caller's arguments
 *
 * Acts with the identity of the calling thread, whoever opened the device.
 *
 * Return: the child's pid, or a negative errno.
 */
long kspawn_spawn(const struct kspawn_args __user *user_args)
{
	struct kspawn_result result = { .pidfd = -1 };
	struct kspawn_outcome outcome = {};
	struct kspawn_request *request;
	struct kspawn_args args;
	u64 id = 0;
	int ret;

	ret = kspawn_copy_args(&args, user_args, &outcome);
	if (ret)
		goto out;
	ret = report(&args, &result);
	if (ret) {
		args.result = 0;
		kspawn_fail(&outcome, KSPAWN_STEP_COPY, KSPAWN_ARG_RESULT, ret);
		goto out;
	}
	if (under_seccomp()) {
		ret = kspawn_fail(&outcome, KSPAWN_STEP_POLICY, 0, -EPERM);
		goto out;
	}

	request = kspawn_request_create(&args, &outcome);
	if (IS_ERR(request)) {
		ret = PTR_ERR(request);
		goto out;
	}
	id = request->id;
	trace_kspawn_begin(request);
	ret = spawn(request, &outcome, &result);
	kspawn_request_put(request);

out:
	trace_kspawn_end(id, ret, &outcome);
	if (ret < 0) {
		/* The caller sees none of this; as after fork(), whatever err. */
		if (kspawn_is_restart(ret) && !fatal_signal_pending(current)) {
			kspawn_stats_add(KSPAWN_STAT_RESTARTED);
			return -ERESTARTNOINTR;
		}
		kspawn_stats_fail(outcome.step);
		result.error = -outcome.error;
		result.step = outcome.step;
		result.index = outcome.index;
	}
	/*
	 * The child lives, whatever another thread has done to the result's
	 * memory; the return value tells its pid.
	 */
	report(&args, &result);
	return ret;
}
