// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/uidgid.h>
#include <uapi/linux/sched/types.h>

#include "audit.h"
#include "kernel_symbols.h"
#include "operations.h"
#include "request.h"
#include "signals.h"

/* sched_setscheduler()'s word for "keep the policy", private to kernel/sched */
#define KEEP_POLICY	(-1)

static void set_dispositions(u64 signals, __sighandler_t disposition)
{
	sigset_t set = kspawn_signals_set(signals);
	int sig;

	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	for (sig = 1; sig <= _NSIG; sig++)
		if (sigismember(&set, sig))
			kernel_sigaction(sig, disposition);
}

/**
 * kspawn_attribute_sigdef() - set signals to their default
 * @request: the request of the child, which is current; here and below
 * @action:  NULL; here and below
 *
 * Return: 0, or a negative errno; here and below.
 */
int kspawn_attribute_sigdef(struct kspawn_request *request,
			    const struct kspawn_file_action *action)
{
	set_dispositions(request->args.sigdefault, SIG_DFL);
	return 0;
}

/** kspawn_attribute_sigign() - ignore signals */
int kspawn_attribute_sigign(struct kspawn_request *request,
			    const struct kspawn_file_action *action)
{
	set_dispositions(request->args.sigignore, SIG_IGN);
	return 0;
}

/** kspawn_attribute_scheduler() - set the scheduling policy, or priority */
int kspawn_attribute_scheduler(struct kspawn_request *request,
			       const struct kspawn_file_action *action)
{
	struct sched_param param = {
		.sched_priority = request->args.sched_priority,
	};
	int policy = KEEP_POLICY;

	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSCHEDULER)) {
		policy = request->args.sched_policy;
		if (policy < 0)
			return -EINVAL;
	}
	return kspawn_kernel.sched_setscheduler(current, policy, &param);
}

/** kspawn_attribute_sid() - make the child a session leader */
int kspawn_attribute_sid(struct kspawn_request *request,
			 const struct kspawn_file_action *action)
{
	return min(kspawn_kernel.ksys_setsid(), 0);
}

/** kspawn_attribute_pgroup() - set the child's process group */
int kspawn_attribute_pgroup(struct kspawn_request *request,
			    const struct kspawn_file_action *action)
{
	struct pt_regs regs = { .di = 0, .si = request->args.pgroup };

	return kspawn_kernel.__x64_sys_setpgid(&regs);
}

static int reset_group_id(void)
{
	struct pt_regs regs = {
		.di = -1,
		.si = from_kgid_munged(current_user_ns(), current_gid()),
		.dx = -1,
	};
	int err;

	kspawn_audit_begin(__NR_setresgid, regs.di, regs.si, regs.dx, 0);
	err = kspawn_kernel.__x64_sys_setresgid(&regs);
	kspawn_audit_end(err);
	return err;
}

static int reset_user_id(void)
{
	struct pt_regs regs = {
		.di = -1,
		.si = from_kuid_munged(current_user_ns(), current_uid()),
		.dx = -1,
	};
	int err;

	kspawn_audit_begin(__NR_setresuid, regs.di, regs.si, regs.dx, 0);
	err = kspawn_kernel.__x64_sys_setresuid(&regs);
	kspawn_audit_end(err);
	return err;
}

/** kspawn_attribute_ids() - set the effective ids to the real ones */
int kspawn_attribute_ids(struct kspawn_request *request,
			 const struct kspawn_file_action *action)
{
	int err;

	/*
	 * The child has descriptors that its new user is not to get at.  Where
	 * there is memory commit_creds() makes that undumpable, before others
	 * can see the new ids; where there is none they are asked of this.
	 */
	current->user_dumpable = 0;
	err = reset_group_id();
	if (!err)
		err = reset_user_id();
	return err;
}
