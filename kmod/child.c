// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>

#include "actions.h"
#include "attributes.h"
#include "child.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "program.h"
#include "request.h"
#include "signals.h"
#include "stats.h"
#include "trace.h"

/* The status of a child that failed; its caller never sees it. */
#define FAILED_STATUS	(127 << 8)

/*
 * The child makes its own pidfd, so that a failure to do so comes before exec.
 * The caller installs it.
 */
static int make_pidfd(struct kspawn_request *request)
{
	struct pid *pid = task_tgid(current);
	struct file *file;

#ifdef KSPAWN_HAVE_PIDFS
	file = kspawn_kernel.pidfs_alloc_file(pid, O_RDWR);
#else
	file = anon_inode_getfile("[pidfd]", kspawn_kernel.pidfd_fops,
				  get_pid(pid), O_RDWR);
	if (IS_ERR(file))
		put_pid(pid);
#endif
	if (IS_ERR(file))
		return kspawn_fail(&request->outcome, KSPAWN_STEP_PIDFD, 0,
				   PTR_ERR(file));
	request->pidfd_file = file;
	return 0;
}

static int set_up(struct kspawn_request *request)
{
	int err;

	/* Another thread may have put its filter on the caller meanwhile. */
	if (seccomp_mode(&current->seccomp) != SECCOMP_MODE_DISABLED)
		return kspawn_fail(&request->outcome, KSPAWN_STEP_POLICY, 0,
				   -EPERM);

	err = kspawn_descriptors_install(&request->descriptors);
	if (err)
		return kspawn_fail(&request->outcome, KSPAWN_STEP_DESCRIPTORS,
				   0, err);
	err = kspawn_apply_attributes(request);
	if (err)
		return err;
	err = kspawn_run_actions(request);
	if (err)
		return err;
	if (request->args.flags & KSPAWN_PIDFD)
		return make_pidfd(request);
	return 0;
}

/*
 * Set the signal that this child's end sends.  If the caller's process is gone
 * by now, the kernel has set SIGCHLD, and the new parent relies on it; it sets
 * the new parent first, so a store that comes too late is seen here.
 */
static void set_exit_signal(const struct kspawn_request *request, int sig)
{
	WRITE_ONCE(current->exit_signal, sig);
	/* Pairs with the tasklist lock of whoever gives us a new parent. */
	smp_mb();
	rcu_read_lock();
	if (task_tgid(rcu_dereference(current->real_parent)) != request->caller)
		WRITE_ONCE(current->exit_signal, SIGCHLD);
	rcu_read_unlock();
}

static int program_exit_signal(const struct kspawn_request *request)
{
	return kspawn_has_attribute(request, KSPAWN_ATTR_NOSIGCHLD |
					     KSPAWN_ATTR_WAITPID) ? 0 : SIGCHLD;
}

static void leave(struct kspawn_request *request)
{
	kspawn_request_put(request);
	/*
	 * From here on only a few instructions of this module are left to run;
	 * kspawn_exit() waits for them.
	 */
	module_put(THIS_MODULE);
}

/**
 * kspawn_child() - the life of a child before its program
 * @data: the request, with a reference and a use of the module that are ours
 *
 * The child shares the caller's memory until exec and never touches it.  As
 * exec leaves that memory behind, the caller is woken.
 *
 * A child that is killed meanwhile ends as any process does: its caller gets a
 * pid and a wait status.  One that fails is reaped by the caller unseen.
 *
 * Return: 0, to user mode.
 */
int kspawn_child(void *data)
{
	struct kspawn_request *request = data;
	sigset_t mask;
	int err;

	kspawn_stats_add(KSPAWN_STAT_CLONES);
	trace_kspawn_clone(request, task_pid_nr(current), 0);

	mask = kspawn_block_signals();
	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSIGMASK))
		mask = kspawn_sigset(request->args.sigmask);

	err = set_up(request);
	if (!err)
		err = kspawn_execute(request);

	if (err && !fatal_signal_pending(current)) {
		/* Exec may have come as far as to set it. */
		if (READ_ONCE(request->phase) == KSPAWN_ABANDONED)
			set_exit_signal(request, SIGCHLD);
		else
			set_exit_signal(request, 0);
		leave(request);
		kspawn_kernel.do_exit(FAILED_STATUS);
	}
	if (err) {
		kspawn_stats_add(KSPAWN_STAT_KILLED);
		memset(&request->outcome, 0, sizeof(request->outcome));
	}
	set_exit_signal(request, program_exit_signal(request));
	kspawn_restore_signals(mask);
	leave(request);
	return 0;
}
