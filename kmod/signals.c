// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "signals.h"

/*
 * What still makes signals pending cannot be dealt with before the child is in
 * user mode: a stop, a tracer's trap, the freezer.  It is kept for then.
 */
static void postpone_pending(void)
{
	/* Ours as long as we run. */
	struct sighand_struct *sighand =
		rcu_dereference_protected(current->sighand, true);

	spin_lock_irq(&sighand->siglock);
	if (!__fatal_signal_pending(current))
		clear_thread_flag(TIF_SIGPENDING);
	spin_unlock_irq(&sighand->siglock);
}

/**
 * kspawn_block_signals() - block all signals of a new child
 *
 * Return: the mask that it has inherited.
 */
sigset_t kspawn_block_signals(void)
{
	sigset_t all, inherited;

	siginitsetinv(&all, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &all, &inherited);
	if (signal_pending(current))
		postpone_pending();
	return inherited;
}

/**
 * kspawn_restore_signals() - set the mask that the program starts with
 * @mask: the mask
 *
 * What was postponed is pending again afterwards.
 */
void kspawn_restore_signals(sigset_t mask)
{
	sigdelsetmask(&mask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/**
 * kspawn_interrupted() - whether a step was interrupted and is to be repeated
 * @err: what the step returned
 *
 * A child in user mode would stop or be frozen here, and its system call would
 * be restarted; ours postpones the stop.
 *
 * Return: true if the step failed for nothing but a signal that is not fatal.
 */
bool kspawn_interrupted(int err)
{
	switch (err) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		break;
	default:
		return false;
	}
	if (!signal_pending(current) || fatal_signal_pending(current))
		return false;
	postpone_pending();
	try_to_freeze();
	return true;
}

/**
 * kspawn_sigset() - a signal set from its form in the ABI
 * @bits: bit N-1 is signal N
 *
 * Return: the set.
 */
sigset_t kspawn_sigset(u64 bits)
{
	sigset_t set;

	BUILD_BUG_ON(sizeof(set) != sizeof(bits));
	memcpy(&set, &bits, sizeof(set));
	return set;
}
