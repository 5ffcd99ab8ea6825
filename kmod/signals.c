// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/spinlock.h>

#include "kernel_symbols.h"
#include "memory.h"
#include "request.h"
#include "signals.h"

/* Kernel threads of a user process have a flag for what we need below. */
#ifdef PF_USER_WORKER
#define PF_RETURNS_WHEN_KILLED	PF_USER_WORKER
#else
#define PF_RETURNS_WHEN_KILLED	PF_IO_WORKER
#endif

/**
 * kspawn_signals_block() - block all signals of the calling thread
 * @before: set to the mask until now, unless it is NULL
 *
 * For the time of the call: no signal restarts it, and the child inherits the
 * mask, so none can end it that its program would survive.
 */
void kspawn_signals_block(sigset_t *before)
{
	sigset_t all;

	siginitsetinv(&all, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &all, before);
}

/*
 * Stop for a tracer, a SIGSTOP or the freezer, as on the way to user mode.  A
 * fatal signal must not end the child in there, with what it still holds: the
 * flag makes get_signal() return it.
 *
 * A tracer can unblock signals meanwhile.  One that has a handler cannot run it
 * here, and waits again, until exec has reset the handler.
 */
static int take_signals(struct kspawn_request *request)
{
	struct ksignal signal = {};
	bool caught;
	int err;

	/* get_signal() may dump core, and do_coredump() dereferences current->mm. */
	err = kspawn_memory_make(request);
	if (err)
		return err;

	current->flags |= PF_RETURNS_WHEN_KILLED;
	caught = kspawn_kernel.get_signal(&signal);
	current->flags &= ~PF_RETURNS_WHEN_KILLED;

	kspawn_signals_block(NULL);
	if (!caught)
		return 0;
	/* 6.12 leaves signal.sig 0 for such a worker; the siginfo has it. */
	if (signal.sig && signal.ka.sa.sa_handler != SIG_DFL &&
	    !fatal_signal_pending(current))
		send_sig_info(signal.sig, &signal.info, current);
	else
		request->fatal_signal = signal.sig ?:
					signal.info.si_signo ?: SIGKILL;
	return 0;
}

/**
 * kspawn_signals_birth() - stop where a new child stops
 * @request: the request of the child, which is current
 *
 * A child that is born traced stops here, as any other would before its first
 * instruction.
 *
 * Return: 0, or -EINTR if it was killed, or -ENOMEM.
 */
int kspawn_signals_birth(struct kspawn_request *request)
{
	int err = 0;

	if (signal_pending(current))
		err = take_signals(request);
	return kspawn_signals_is_killed(request) ? -EINTR : err;
}

/**
 * kspawn_signals_restore() - set the mask that user mode has
 * @mask: the mask
 */
void kspawn_signals_restore(sigset_t mask)
{
	sigdelsetmask(&mask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/**
 * kspawn_signals_is_killed() - whether the child is to die of a signal
 * @request: the request
 *
 * Return: true if it is.
 */
bool kspawn_signals_is_killed(const struct kspawn_request *request)
{
	return request->fatal_signal || fatal_signal_pending(current);
}

/**
 * kspawn_signals_is_restart() - whether an error asks for a system call's restart
 * @err: what a function of the kernel returned
 *
 * Return: true if it is one of the codes that user space never sees.
 */
bool kspawn_signals_is_restart(int err)
{
	switch (err) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return true;
	}
	return false;
}

/* The kernel's rule, sig_task_ignored(). */
static bool is_ignored(const struct sighand_struct *sighand, int sig)
{
	__sighandler_t handler = sighand->action[sig - 1].sa.sa_handler;

	if (handler == SIG_IGN)
		return true;
	/*
	 * The init of a PID namespace dies of no default action.  A SIGKILL or a
	 * SIGSTOP that has been queued nevertheless is from outside, or of an exec
	 * in another thread.
	 */
	return handler == SIG_DFL &&
	       (sig_kernel_ignore(sig) ||
		(!sig_kernel_only(sig) &&
		 (current->signal->flags & SIGNAL_UNKILLABLE)));
}

static bool dequeue(sigset_t *kept)
{
	kernel_siginfo_t info;
	enum pid_type type;

#ifdef KSPAWN_HAVE_DEQUEUE_SIGNAL_TASK
	return dequeue_signal(current, kept, &info, &type);
#else
	return dequeue_signal(kept, &info, &type);
#endif
}

/*
 * The signals that are sent to current for nothing.  A tracer is told of them,
 * too: they are left for it.
 */
static sigset_t ignored_signals(const struct sighand_struct *sighand)
{
	sigset_t ignored;
	int sig;

	sigemptyset(&ignored);
	for (sig = 1; sig <= _NSIG; sig++)
		if (!current->ptrace && is_ignored(sighand, sig))
			sigaddset(&ignored, sig);
	return ignored;
}

/*
 * All of them together: whether more is left is looked at under the same lock.
 * TIF_SIGPENDING may be set again as soon as that is let go, by one that is as
 * ignored as these.
 *
 * Return: true if no signal and no stop is left.
 */
static bool drop_ignored_signals(void)
{
	/* Only this task itself replaces it, as it executes a program. */
	struct sighand_struct *sighand = unrcu_pointer(current->sighand);
	sigset_t ignored, kept, pending;
	int dropped = 0;
	bool none_left;

	spin_lock_irq(&sighand->siglock);
	do {
		/*
		 * Each time anew: to re-arm a timer, dequeue_signal() unlocks.  A
		 * timer can be faster than this is, so there is an end.
		 */
		ignored = ignored_signals(sighand);
		kept = ignored;
		signotset(&kept);
		sigorsets(&kept, &kept, &current->blocked);
	} while (dequeue(&kept) && ++dropped < _NSIG);
	recalc_sigpending();
	sigorsets(&pending, &current->pending.signal,
		  &current->signal->shared_pending.signal);
	sigandnsets(&pending, &pending, &current->blocked);
	sigandnsets(&pending, &pending, &ignored);
	none_left = sigisemptyset(&pending) &&
		    !(current->jobctl & (JOBCTL_PENDING_MASK | JOBCTL_TRAP_FREEZE));
	spin_unlock_irq(&sighand->siglock);
	return none_left;
}

/**
 * kspawn_signals_resume_wait() - whether a wait that was interrupted goes on
 *
 * A signal is ignored as it is sent only if the first thread of the process does
 * not block it then.  One that was blocked then, for whatever moment, is queued,
 * and interrupts a thread that does not block it.  A system call that waits would
 * be restarted after it, and after task work and the freezer, without the
 * caller's knowledge.  So these are taken here.
 *
 * More of the kind may have come by the return.  They interrupt the wait again,
 * which looks for its event first, so that it has an end.
 *
 * Task work may close the device: device_ioctl() holds a reference of its own.
 *
 * Return: true if nothing was left that only the way to user mode can see to.
 */
bool kspawn_signals_resume_wait(void)
{
	/* First: what freezes sets TIF_SIGPENDING, until it thaws. */
	try_to_freeze();
	/* A cgroup may have frozen and thawed since a wait counted as frozen. */
	if (cgroup_task_frozen(current))
		kspawn_kernel.cgroup_leave_frozen(false);
	if (task_sigpending(current) && !drop_ignored_signals())
		return false;
	/* kernel/livepatch wants the way to user mode, and asks so. */
	if (test_thread_flag(TIF_PATCH_PENDING))
		return false;
	clear_notify_signal();
	if (task_work_pending(current))
		kspawn_kernel.task_work_run();
	cond_resched();
	return true;
}

/**
 * kspawn_signals_await() - wait for another process, which may be stopped or frozen
 * @what:  completed by it
 * @state: TASK_KILLABLE, or TASK_UNINTERRUPTIBLE
 *
 * As wait_for_vfork_done() this counts as frozen meanwhile.
 *
 * Return: 0, or -ERESTARTSYS if current is killed.
 */
int kspawn_signals_await(struct completion *what, unsigned int state)
{
	int err;

	kspawn_kernel.cgroup_enter_frozen();
	err = wait_for_completion_state(what, state | TASK_FREEZABLE);
	kspawn_kernel.cgroup_leave_frozen(false);
	return err;
}

/**
 * kspawn_signals_interrupted() - whether a step is to be repeated
 * @request: the request
 * @err:     what the step returned
 *
 * A system call of a child in user mode would be restarted, after it has
 * stopped or been frozen.
 *
 * Return: true if the step failed for nothing but a signal, and the child
 * lives on.
 */
bool kspawn_signals_interrupted(struct kspawn_request *request, int err)
{
	bool failed;

	if (err != -EINTR && !kspawn_signals_is_restart(err))
		return false;
	if (READ_ONCE(request->cancelled))
		return false;
	if (!signal_pending(current) || kspawn_signals_is_killed(request))
		return false;
	WRITE_ONCE(request->halted, true);
	failed = take_signals(request);
	/* Pairs with cancel() in builder.c, which sets one and reads the other. */
	smp_store_mb(request->halted, false);
	if (failed)
		return false;
	cond_resched();
	return !READ_ONCE(request->cancelled) &&
	       !kspawn_signals_is_killed(request);
}

/**
 * kspawn_signals_set() - a signal set from its form in the ABI
 * @bits: bit N-1 is signal N
 *
 * Return: the set.
 */
sigset_t kspawn_signals_set(u64 bits)
{
	sigset_t set;

	BUILD_BUG_ON(sizeof(set) != sizeof(bits));
	memcpy(&set, &bits, sizeof(set));
	return set;
}
