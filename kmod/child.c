// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>

#include "barrier.h"
#include "builder.h"
#include "child.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "made.h"
#include "memory.h"
#include "operations.h"
#include "program.h"
#include "queue.h"
#include "request.h"
#include "signals.h"
#include "stats.h"
#include "trace.h"

/* The status of a child that failed; only a tracer can see it. */
#define FAILED_STATUS	(127 << 8)

/* In no system call, and in none of the x32 kind either. */
#define NO_SYSCALL	(~(unsigned long)__X32_SYSCALL_BIT)

/*
 * The child makes its own pidfd, before anything can end it, so that there is
 * one whenever there is a child.  The caller installs it.
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
		return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_PIDFD,
					   0, PTR_ERR(file));
	request->pidfd_file = file;
	return 0;
}

/*
 * Hold nothing of the caller's from here on: not its descriptors, of which the
 * child has its own, not its memory, which it has not touched.
 */
static int come_apart(struct kspawn_request *request)
{
	int err;

	request->child = get_pid(task_pid(current));
	if (request->builder)
		kspawn_builder_born(request);
	kspawn_descriptors_install(request->files);
	request->files = NULL;
	err = kspawn_memory_leave(request);
	if (!err && kspawn_request_has_flag(request, KSPAWN_PIDFD))
		err = make_pidfd(request);
	if (!err && request->barrier)
		err = kspawn_barrier_join(request);
	if (err) {
		/* The call itself tells of it, ASYNC or not. */
		request->stillborn = true;
		kspawn_queue_cancel(request->slot);
		request->slot = NULL;
	}
	complete_all(&request->apart);
	/* Callers that do not wait for exec have waited for that alone. */
	if (!err && (request->barrier ||
		     kspawn_request_has_flag(request, KSPAWN_ASYNC)))
		kspawn_kernel.exec_mm_release(current, NULL);
	return err;
}

static int set_up(struct kspawn_request *request)
{
	int err = 0;

	if (request->builder || kspawn_memory_is_needed(request))
		err = kspawn_memory_make(request);
	if (!err)
		err = kspawn_signals_birth(request);
	if (err)
		return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_CLONE,
					   0, err);
	/* Another thread may have put its filter on the caller meanwhile. */
	if (seccomp_mode(&current->seccomp) != SECCOMP_MODE_DISABLED)
		return kspawn_outcome_fail(&request->outcome,
					   KSPAWN_STEP_POLICY, 0, -EPERM);
	if (request->barrier)
		err = kspawn_made_take_standard(request);
	return err ?: kspawn_operations_run(request);
}

/* The last that the child has to do with its request. */
static void leave(struct kspawn_request *request)
{
	kspawn_memory_uncharge();
	if (request->stops)
		complete_all(&request->stopped);
	kspawn_queue_post(request);
	/* Those that it was to be connected with are not to wait for its caller. */
	kspawn_made_disconnect(request);
	kspawn_barrier_leave(request);
	kspawn_request_put(request);
	/*
	 * From here on only a few instructions of this module are left to run;
	 * kspawn_exit() waits for them.
	 */
	module_put(THIS_MODULE);
}

/* A tracer remains what it was, and sees the child end before its parent does. */
static void change_parent(struct task_struct *parent)
{
	struct task_struct *child = current;

	lockdep_assert_held(kspawn_kernel.tasklist_lock);
	list_move_tail(&child->sibling, &parent->children);
	rcu_assign_pointer(child->real_parent, parent);
	if (!child->ptrace)
		rcu_assign_pointer(child->parent, parent);
}

/*
 * Take the child away from its parent: one that failed and ends next, or one
 * that is not started yet.  Its new parent, kthreadd, ignores SIGCHLD, so the
 * kernel reaps the child when it ends: whoever waits, by whatever flags, finds
 * no child, and no SIGCHLD is sent.  Those that wait already look again, and may
 * learn that they have no child left; a failure is told at the same moment, so
 * that a caller knows why.
 */
static void become_orphan(struct kspawn_request *request)
{
	struct task_struct *child = current;
	struct task_struct *parent;

	write_lock_irq(kspawn_kernel.tasklist_lock);
	parent = rcu_dereference_protected(child->real_parent,
			lockdep_is_held(kspawn_kernel.tasklist_lock));
	if (request->outcome.error)
		kspawn_request_fail(request);
	/* While it is still theirs: __WNOTHREAD compares the parent. */
	kspawn_kernel.__wake_up_parent(child, parent);
	change_parent(*kspawn_kernel.kthreadd_task);
	write_unlock_irq(kspawn_kernel.tasklist_lock);
}

/*
 * A thread of a process that lives on, as find_alive_thread() in kernel/exit.c
 * has it: it will hand its children on when it exits.
 */
static struct task_struct *find_alive_thread(struct pid *process)
{
	struct task_struct *leader, *thread;

	lockdep_assert_held(kspawn_kernel.tasklist_lock);
	leader = pid_task(process, PIDTYPE_TGID);
	if (!leader)
		return NULL;
	for_each_thread(leader, thread)
		if (!(thread->flags & PF_EXITING))
			return thread;
	return NULL;
}

/*
 * Undo become_orphan() for a child that is started, as copy_process()
 * has it.  Returns 0, or -ESRCH if the process has ended.
 */
static int become_child_of(struct pid *process)
{
	struct signal_struct *signal = current->signal;
	struct task_struct *parent;

	write_lock_irq(kspawn_kernel.tasklist_lock);
	parent = find_alive_thread(process);
	if (parent) {
		change_parent(parent);
		signal->has_child_subreaper =
			parent->signal->has_child_subreaper ||
			parent->signal->is_child_subreaper;
		/* A stop that was before is none to tell a parent of. */
		spin_lock(&unrcu_pointer(current->sighand)->siglock);
		signal->flags &= ~SIGNAL_STOP_CONTINUED;
		spin_unlock(&unrcu_pointer(current->sighand)->siglock);
	}
	write_unlock_irq(kspawn_kernel.tasklist_lock);
	return parent ? 0 : -ESRCH;
}

/*
 * It may have waited while its cgroup was being frozen, and counts as frozen until it
 * takes its signals, to which it does not come.
 */
static void end_as_not_frozen(void)
{
	if (cgroup_task_frozen(current))
		kspawn_kernel.cgroup_leave_frozen(true);
}

/* The caller learns why; nobody sees the child. */
static int end_failed(struct kspawn_request *request)
{
	/* objtool knows no pointers to functions that do not return. */
	void (*exit)(long code) = kspawn_kernel.do_exit;

	/* It was the child's own signal: its caller has nothing to restart. */
	if (kspawn_signals_is_restart(request->outcome.error))
		request->outcome.error = -EINTR;
	become_orphan(request);
	leave(request);
	end_as_not_frozen();
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
	int sig = request->fatal_signal ?: SIGKILL;

	kspawn_stats_add(request->builder && kspawn_builder_is_closed(request) ?
			 KSPAWN_STAT_CLOSED : KSPAWN_STAT_KILLED);
	leave(request);
	end_as_not_frozen();
	exit(sig);
	return 0;
}

/* On the way to user mode: the last that its program is to find done. */
static void begin_program(struct kspawn_request *request, sigset_t mask)
{
	/* Not earlier: it would interrupt what exec waits for. */
	if (request->stops)
		send_sig(SIGSTOP, current, 1);
	kspawn_signals_restore(mask);
}

/* Returns 0 if the child is a program now, or a negative errno. */
static int start(struct kspawn_request *base, struct kspawn_request *request)
{
	int err = 0;

	if (READ_ONCE(request->abandoned))
		return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_EXEC,
					   0, -EINTR);
	if (kspawn_request_has_flag(request, KSPAWN_PIDFD))
		err = make_pidfd(request);
	if (err)
		return err;
	/* Before exec, of which tracers and auditors see whose child it is. */
	err = become_child_of(kspawn_builder_creator(base));
	if (err)
		return kspawn_outcome_fail(&request->outcome,
					   KSPAWN_STEP_BUILDER, 0, err);
	err = kspawn_program_execute(request);
	if (request->outcome.error)
		become_orphan(base);
	return err;
}

/* Do what a request asks for.  Returns 0 or a negative errno. */
static int serve(struct kspawn_request *base, struct kspawn_request *request)
{
	int err;

	kspawn_request_continue(request, base);
	err = kspawn_operations_run(request);
	if (!err && request->call == KSPAWN_CALL_START)
		err = start(base, request);
	/* A start that fails has no program for which the mask would be. */
	if (!err && kspawn_request_has_attr(request, KSPAWN_ATTR_SETSIGMASK))
		base->mask = kspawn_signals_set(request->args.sigmask);
	/* Whoever waits decides whether to ask again. */
	if (kspawn_signals_is_restart(request->outcome.error))
		request->outcome.error = -EINTR;
	base->scratch = request->scratch;
	base->stops |= request->stops;
	base->fatal_signal = request->fatal_signal;
	return err;
}

/*
 * The life of a builder's child: it does what it is told, until one of that is
 * to become a program.
 */
static int be_built(struct kspawn_request *base)
{
	struct kspawn_request *request;
	int err;

	become_orphan(base);
	err = set_up(base);
	if (err) {
		kspawn_builder_end(base);
		return end_failed(base);
	}
	/* It has memory: from here on that says which cgroup is charged. */
	kspawn_memory_uncharge();
	kspawn_request_shed(base);
	kspawn_kernel.exec_mm_release(current, NULL);

	while ((request = kspawn_builder_next(base))) {
		err = serve(base, request);
		if (kspawn_signals_is_killed(base))
			break;
		/* Past the point of no return an error leaves no outcome. */
		if (request->call == KSPAWN_CALL_START &&
		    !request->outcome.error) {
			if (!kspawn_builder_commit(base))
				break;
			if (!err)
				begin_program(base, base->mask);
			request->served = true;
			kspawn_builder_done(base, request);
			leave(base);
			return 0;
		}
		request->served = true;
		kspawn_builder_done(base, request);
	}
	/* It may have been killed when exec was done, or its builder closed. */
	become_orphan(base);
	kspawn_builder_end(base);
	return end_killed(base);
}

/**
 * kspawn_child() - the life of a child before its program
 * @data: the request, with a reference and a use of the module that are ours
 *
 * All its signals are blocked, as its caller's are.  It begins in its caller's
 * memory and with its caller's descriptors, and lets go of both before anything
 * can stop it.
 *
 * Return: 0, to user mode: to the program, or, past exec's point of no return,
 * to the signal that ends it.
 */
int kspawn_child(void *data)
{
	struct kspawn_request *request = data;
	sigset_t mask = request->mask;
	int err;

	current_pt_regs()->orig_ax = NO_SYSCALL;
	err = come_apart(request);
	kspawn_stats_add(KSPAWN_STAT_CLONES);
	trace_kspawn_clone(request, pid_nr(request->child), 0);

	/* Killed or not: a child that lacks what it must have is none to tell of. */
	if (err)
		return end_failed(request);
	if (kspawn_request_has_attr(request, KSPAWN_ATTR_SETSIGMASK))
		mask = kspawn_signals_set(request->args.sigmask);
	if (request->builder) {
		request->mask = mask;
		return be_built(request);
	}
	if (request->barrier)
		err = kspawn_barrier_enter(request);
	if (err)
		return end_failed(request);
	err = set_up(request);
	if (!err)
		err = kspawn_program_execute(request);

	if (request->barrier && kspawn_barrier_gives_up(request, err))
		return end_failed(request);
	if (err && kspawn_signals_is_killed(request))
		return end_killed(request);
	if (err && request->outcome.error)
		return end_failed(request);
	/* Past the point of no return a SIGSEGV waits for it in user mode. */
	if (!err)
		begin_program(request, mask);
	leave(request);
	return 0;
}
