// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/uidgid.h>
#include <uapi/linux/sched/types.h>

#include "attributes.h"
#include "audit.h"
#include "kernel_symbols.h"
#include "request.h"
#include "signals.h"

/* sched_setscheduler()'s word for "keep the policy", private to kernel/sched */
#define KEEP_POLICY	(-1)

static void set_dispositions(u64 signals, __sighandler_t disposition)
{
	sigset_t set = kspawn_sigset(signals);
	int sig;

	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	for (sig = 1; sig <= _NSIG; sig++)
		if (sigismember(&set, sig))
			kernel_sigaction(sig, disposition);
}

static int set_scheduling(const struct kspawn_args *args)
{
	struct sched_param param = {
		.sched_priority = args->sched_priority,
	};
	int policy = KEEP_POLICY;

	if (args->attr_flags & KSPAWN_ATTR_SETSCHEDULER) {
		if (args->sched_policy < 0)
			return -EINVAL;
		policy = args->sched_policy;
	}
	return kspawn_kernel.sched_setscheduler(current, policy, &param);
}

static int set_process_group(pid_t pgroup)
{
	struct pt_regs regs = { .di = 0, .si = pgroup };

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

static int fail_attribute(struct kspawn_request *request, u32 attribute,
			  int err)
{
	return kspawn_fail(&request->outcome, KSPAWN_STEP_ATTRIBUTE, attribute,
			   err);
}

/**
 * kspawn_apply_attributes() - make the child what its attributes say
 * @request: the request; runs in the child
 *
 * The signal mask comes last of all, with the program; SETCGROUP has taken
 * effect as the child was created.
 *
 * Return: 0, or a negative errno, with the attribute in the outcome.
 */
int kspawn_apply_attributes(struct kspawn_request *request)
{
	const struct kspawn_args *args = &request->args;
	int err;

	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSIGDEF))
		set_dispositions(args->sigdefault, SIG_DFL);
	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSIGIGN))
		set_dispositions(args->sigignore, SIG_IGN);

	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSCHEDULER |
					  KSPAWN_ATTR_SETSCHEDPARAM)) {
		err = set_scheduling(args);
		if (err)
			return fail_attribute(request,
				args->attr_flags & KSPAWN_ATTR_SETSCHEDULER ?:
				KSPAWN_ATTR_SETSCHEDPARAM, err);
	}
	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETSID)) {
		err = kspawn_kernel.ksys_setsid();
		if (err < 0)
			return fail_attribute(request, KSPAWN_ATTR_SETSID, err);
	}
	if (kspawn_has_attribute(request, KSPAWN_ATTR_SETPGROUP)) {
		err = set_process_group(args->pgroup);
		if (err)
			return fail_attribute(request, KSPAWN_ATTR_SETPGROUP,
					      err);
	}
	if (kspawn_has_attribute(request, KSPAWN_ATTR_RESETIDS)) {
		err = reset_group_id();
		if (!err)
			err = reset_user_id();
		if (err)
			return fail_attribute(request, KSPAWN_ATTR_RESETIDS,
					      err);
	}
	return 0;
}
