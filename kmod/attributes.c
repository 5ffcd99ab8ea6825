// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/uidgid.h>
#include <uapi/linux/sched/types.h>

#include "audit.h"
#include "kernel_symbols.h"
#include "memory.h"
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

/* The functions from here on are those that the table in operations.c names. */

/* Set signals to their default. */
int kspawn_attributes_sigdef(struct kspawn_request *request,
			     const struct kspawn_file_action *action)
{
	set_dispositions(request->args.sigdefault, SIG_DFL);
	return 0;
}

/* Ignore signals. */
int kspawn_attributes_sigign(struct kspawn_request *request,
			     const struct kspawn_file_action *action)
{
	set_dispositions(request->args.sigignore, SIG_IGN);
	return 0;
}

/* Set the scheduling policy, or priority. */
int kspawn_attributes_scheduler(struct kspawn_request *request,
				const struct kspawn_file_action *action)
{
	struct sched_param param = {
		.sched_priority = request->args.sched_priority,
	};
	int policy = KEEP_POLICY;

	if (kspawn_request_has_attr(request, KSPAWN_ATTR_SETSCHEDULER)) {
		policy = request->args.sched_policy;
		if (policy < 0)
			return -EINVAL;
	}
	return kspawn_kernel.sched_setscheduler(current, policy, &param);
}

/* Make the child a session leader. */
int kspawn_attributes_sid(struct kspawn_request *request,
			  const struct kspawn_file_action *action)
{
	return min(kspawn_kernel.ksys_setsid(), 0);
}

/* Set the child's process group. */
int kspawn_attributes_pgroup(struct kspawn_request *request,
			     const struct kspawn_file_action *action)
{
	struct pt_regs regs = { .di = 0, .si = request->args.pgroup };

	return kspawn_kernel.__x64_sys_setpgid(&regs);
}

/* Set an effective id to the real one, by setresgid() or setresuid(). */
static int reset_id(int number, sys_call_ptr_t set, unsigned int id)
{
	struct pt_regs regs = { .di = -1, .si = id, .dx = -1 };
	int err;

	kspawn_audit_begin(number, regs.di, regs.si, regs.dx, 0);
	err = set(&regs);
	kspawn_audit_end(err);
	return err;
}

/**
 * kspawn_attributes_ids_differ() - whether RESETIDS would change anything
 *
 * Return: true if an effective or file system id is not the real one.
 */
bool kspawn_attributes_ids_differ(void)
{
	const struct cred *cred = current_cred();

	return !uid_eq(cred->uid, cred->euid) ||
	       !uid_eq(cred->uid, cred->fsuid) ||
	       !gid_eq(cred->gid, cred->egid) ||
	       !gid_eq(cred->gid, cred->fsgid);
}

/* Set the effective ids to the real ones. */
int kspawn_attributes_ids(struct kspawn_request *request,
			  const struct kspawn_file_action *action)
{
	struct user_namespace *ns = current_user_ns();
	int err;

	/* Neither is set if one cannot be. */
	if (!kuid_has_mapping(ns, current_uid()) ||
	    !kgid_has_mapping(ns, current_gid()))
		return -EINVAL;
	/*
	 * The child has descriptors that its new user is not to get at.  Where
	 * there is memory commit_creds() makes that undumpable, before others
	 * can see the new ids; where there is none they are asked of this.
	 */
	if (kspawn_attributes_ids_differ())
		kspawn_memory_hide();
	err = reset_id(__NR_setresgid, kspawn_kernel.__x64_sys_setresgid,
		       from_kgid_munged(ns, current_gid()));
	if (!err)
		err = reset_id(__NR_setresuid,
			       kspawn_kernel.__x64_sys_setresuid,
			       from_kuid_munged(ns, current_uid()));
	return err;
}
