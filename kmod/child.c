// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
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
	/*
	 * Pairs with the tasklist lock of whoever gives us a new parent, and
	 * with the barrier of a caller that gives up waiting.
	 */
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

/* The caller learns why and reaps the child; nobody else sees it. */
static int end_failed(struct kspawn_request *request)
{
	/* objtool knows no pointers to functions that do not return. */
	void (*exit)(long code) = kspawn_kernel.do_exit;

	/* Exec may have come as far as to set it. */
	set_exit_signal(request, 0);
	if (READ_ONCE(request->phase) == KSPAWN_ABANDONED)
		WRITE_ONCE(current->exit_signal, SIGCHLD);
	leave(request);
	exit(FAILED_STATUS);
	return 0;
}

/*
 * It was killed, by whomever, before it was a program: it ends as any process
 * does, and its caller gets a pid and a wait status.
 */
static int end_killed(struct kspawn_request *request)
{
	void (*exit)(int sig) = kspawn_kernel.do_group_exit;
	int sig = request->fatal_signal;

	kspawn_stats_add(KSPAWN_STAT_KILLED);
	memset(&request->outcome, 0, sizeof(request->outcome));
	set_exit_signal(request, program_exit_signal(request));
	leave(request);
	if (sig)
		exit(sig);
	return 0;
}

/**
 * kspawn_child() - the life of a child before its program
 * @data: the request, with a reference and a use of the module that are ours
 *
 * The child shares the caller's memory until exec and does not touch it, but
 * for what exec itself reads of a request that is in place.  As exec leaves
 * that memory behind, the caller is woken, and from then on only the outcome of
 * a success may be seen.
 *
 * Return: 0, to user mode: to the program, or to the signal that ends it.
 */
int kspawn_child(void *data)
{
	struct kspawn_request *request = data;
	sigset_t mask;
	int err;

	/* To tracers: not in the system call that the caller is in. */
	current_pt_regs()->orig_ax = -1;
	request->child = get_pid(task_pid(current));
	kspawn_stats_add(KSPAWN_STAT_CLONES);
	trace_kspawn_clone(request, pid_nr(request->child), 0);

	mask = kspawn_block_signals(request);
	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSIGMASK))
		mask = kspawn_sigset(request->args.sigmask);

	err = kspawn_is_killed(request) ? -EINTR : set_up(request);
	if (!err)
		err = kspawn_execute(request);
	if (!err)
		goto program;

	if (kspawn_is_killed(request))
		return end_killed(request);
	if (current->mm == request->mm)
		return end_failed(request);

	/* Past the point of no return: a SIGSEGV waits for it in user mode. */
	set_exit_signal(request, program_exit_signal(request));
	leave(request);
	return 0;

program:
	set_exit_signal(request, program_exit_signal(request));
	kspawn_restore_signals(mask);
	leave(request);
	return 0;
}
