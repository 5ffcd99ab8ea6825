// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "kernel_symbols.h"
#include "request.h"
#include "signals.h"

/* Kernel threads of a user process have a flag for what we need below. */
#ifdef PF_USER_WORKER
#define PF_RETURNS_WHEN_KILLED	PF_USER_WORKER
#else
#define PF_RETURNS_WHEN_KILLED	PF_IO_WORKER
#endif

/*
 * Stop for a tracer, a SIGSTOP or the freezer, as on the way to user mode.  A
 * fatal signal must not end the child in there, with what it still holds: the
 * flag makes get_signal() return it.
 */
static void take_signals(struct kspawn_request *request)
{
	struct ksignal signal = {};

	current->flags |= PF_RETURNS_WHEN_KILLED;
	if (kspawn_kernel.get_signal(&signal))
		request->fatal_signal = signal.sig ?: SIGKILL;
	current->flags &= ~PF_RETURNS_WHEN_KILLED;
}

/**
 * kspawn_block_signals() - block all signals of a new child
 * @request: the request
 *
 * A child that is born traced stops here, as any other would before its first
 * instruction.
 *
 * Return: the mask that it has inherited.
 */
sigset_t kspawn_block_signals(struct kspawn_request *request)
{
	sigset_t all, inherited;

	siginitsetinv(&all, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &all, &inherited);
	if (signal_pending(current))
		take_signals(request);
	return inherited;
}

/**
 * kspawn_restore_signals() - set the mask that the program starts with
 * @mask: the mask
 */
void kspawn_restore_signals(sigset_t mask)
{
	sigdelsetmask(&mask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/**
 * kspawn_is_killed() - whether the child is to die of a signal
 * @request: the request
 *
 * Return: true if it is.
 */
bool kspawn_is_killed(const struct kspawn_request *request)
{
	return request->fatal_signal || fatal_signal_pending(current);
}

/**
 * kspawn_is_restart() - whether an error asks for a system call's restart
 * @err: what a function of the kernel returned
 *
 * Return: true if it is one of the codes that user space never sees.
 */
bool kspawn_is_restart(int err)
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

/**
 * kspawn_interrupted() - whether a step was interrupted and is to be repeated
 * @request: the request
 * @err:     what the step returned
 *
 * A system call of a child in user mode would be restarted, after it has
 * stopped or been frozen.
 *
 * Return: true if the step failed for nothing but a signal, and the child
 * lives on.
 */
bool kspawn_interrupted(struct kspawn_request *request, int err)
{
	if (err != -EINTR && !kspawn_is_restart(err))
		return false;
	if (!signal_pending(current) || kspawn_is_killed(request))
		return false;
	take_signals(request);
	cond_resched();
	return !kspawn_is_killed(request);
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
