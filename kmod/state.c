// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/ioprio.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/oom.h>
#include <linux/prctl.h>
#include <linux/rcupdate.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/syscalls.h>
#include <linux/termios.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "descriptors.h"
#include "kernel_symbols.h"
#include "memory.h"
#include "operations.h"
#include "request.h"
#include "signals.h"

/**
 * enum source - where an argument of a system call comes from
 * @NOTHING:    it is the constant of the line
 * @FD:         the field of struct kspawn_action, here and below
 * @VALUE:      32 bits, signed or not
 * @VALUE2:     the same
 * @VALUE3:     the same
 * @COPY:       the address, in memory of the child's, of a copy of the data; NULL
 *              if there is none
 * @SIZE:       the bytes of the data
 * @COUNT:      of gid_t in the data
 * @MASK_BITS:  of the data, as set_mempolicy() counts them: one more
 * @PAIR:       the address of a copy of VALUE and VALUE3, 64 bits each
 * @HEAD:       the address of a copy of the line's constant, of 64 bits
 */
enum source {
	NOTHING,
	FD,
	VALUE,
	VALUE2,
	VALUE3,
	COPY,
	SIZE,
	COUNT,
	MASK_BITS,
	PAIR,
	HEAD,
};

/**
 * struct argument - one argument of a system call
 * @source:   where it comes from
 * @constant: for NOTHING and HEAD
 */
struct argument {
	enum source source;
	u64 constant;
};

#define STATE_ARGUMENTS	5

/**
 * struct state_call - the system call that an operation is
 * @entry:     its entry point
 * @number:    __NR_*
 * @arguments: how they are made
 * @unit:      the data is made of pieces of this size
 * @least:     bytes of data that there must be
 * @most:      bytes of data that there can be
 * @flags:     which bits VALUE can have; 0: any
 */
struct state_call {
	sys_call_ptr_t *entry;
	int number;
	struct argument arguments[STATE_ARGUMENTS];
	u32 unit;
	u32 least;
	u32 most;
	u32 flags;
};

#define CALL(_name, ...)						\
	.entry = &kspawn_kernel.__x64_sys_##_name,			\
	.number = __NR_##_name,						\
	.arguments = { __VA_ARGS__ }
#define IS(_constant)	{ NOTHING, _constant }
#define OF(_source)	{ _source, 0 }
#define DATA(_unit, _least, _most)					\
	.unit = _unit, .least = _least, .most = _most

/* Namespaces; what else unshare() undoes is the child's own already. */
#define NAMESPACES							\
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |	\
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* struct __user_cap_header_struct: no pid, which is the child itself. */
#define CAPABILITY_HEAD	_LINUX_CAPABILITY_VERSION_3

/*
 * Operations that are system calls of the child on itself, by their number.  The
 * entry point makes every check that there is.
 */
static const struct state_call calls[] = {
	[KSPAWN_ACTION_UMASK] = { CALL(umask, OF(VALUE)) },
	[KSPAWN_ACTION_RLIMIT] = {
		CALL(prlimit64, IS(0), OF(VALUE2), OF(PAIR), IS(0)),
	},
	[KSPAWN_ACTION_NO_NEW_PRIVS] = {
		CALL(prctl, IS(PR_SET_NO_NEW_PRIVS), IS(1), IS(0), IS(0),
		     IS(0)),
	},
	[KSPAWN_ACTION_PDEATHSIG] = {
		CALL(prctl, IS(PR_SET_PDEATHSIG), OF(VALUE)),
	},
	[KSPAWN_ACTION_RESUID] = {
		CALL(setresuid, OF(VALUE), OF(VALUE2), OF(VALUE3)),
	},
	[KSPAWN_ACTION_RESGID] = {
		CALL(setresgid, OF(VALUE), OF(VALUE2), OF(VALUE3)),
	},
	[KSPAWN_ACTION_GROUPS] = {
		CALL(setgroups, OF(COUNT), OF(COPY)),
		DATA(sizeof(gid_t), 0, NGROUPS_MAX * sizeof(gid_t)),
	},
	[KSPAWN_ACTION_CTTY] = {
		CALL(ioctl, OF(FD), IS(TIOCSCTTY), OF(VALUE)),
		.flags = 1,
	},
	[KSPAWN_ACTION_PRIORITY] = {
		CALL(setpriority, IS(PRIO_PROCESS), IS(0), OF(VALUE)),
	},
	[KSPAWN_ACTION_AFFINITY] = {
		CALL(sched_setaffinity, IS(0), OF(SIZE), OF(COPY)),
		DATA(1, 1, PAGE_SIZE),
	},
	[KSPAWN_ACTION_SETNS] = {
		CALL(setns, OF(FD), OF(VALUE)),
		.flags = NAMESPACES,
	},
	[KSPAWN_ACTION_UNSHARE] = {
		CALL(unshare, OF(VALUE)),
		.flags = NAMESPACES,
	},
	[KSPAWN_ACTION_CAPABILITIES] = {
		CALL(capset, { HEAD, CAPABILITY_HEAD }, OF(COPY)),
		DATA(1, 2 * sizeof(struct __user_cap_data_struct),
		     2 * sizeof(struct __user_cap_data_struct)),
	},
	[KSPAWN_ACTION_PRCTL] = {
		CALL(prctl, OF(VALUE2), OF(VALUE), OF(VALUE3), IS(0), IS(0)),
	},
	[KSPAWN_ACTION_SCHEDULER] = {
		CALL(sched_setattr, IS(0), OF(COPY), IS(0)),
		DATA(1, sizeof(u32), PAGE_SIZE),
	},
	[KSPAWN_ACTION_IOPRIO] = {
		CALL(ioprio_set, IS(IOPRIO_WHO_PROCESS), IS(0), OF(VALUE)),
	},
	[KSPAWN_ACTION_PERSONALITY] = { CALL(personality, OF(VALUE)) },
	[KSPAWN_ACTION_MEMPOLICY] = {
		CALL(set_mempolicy, OF(VALUE2), OF(COPY), OF(MASK_BITS)),
		DATA(sizeof(long), 0, PAGE_SIZE),
	},
};

/* Whether a value fits an argument of 32 bits, signed or not. */
static bool is_short(u64 value)
{
	return value == (u32)value || value == (u64)(s32)value;
}

static bool data_valid(const struct state_call *call, u64 size)
{
	return size >= call->least && size <= call->most &&
	       !(size % call->unit);
}

/* prctl()s of a process on itself that its program finds done. */
static bool may_prctl(u32 option)
{
	switch (option) {
	case PR_SET_KEEPCAPS:
	case PR_SET_SECUREBITS:
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
	case PR_SET_CHILD_SUBREAPER:
	case PR_SET_TIMERSLACK:
		return true;
	}
	return false;
}

/**
 * kspawn_state_check() - whether the fields of an action can be what they are
 * @operation: what the action asks for
 * @from:      the action; only fields that @operation takes are not 0
 *
 * Refusals of the system call itself are left to it.
 *
 * Return: 0 or -EINVAL.
 */
int kspawn_state_check(const struct kspawn_operation *operation,
		       const struct kspawn_action *from)
{
	const struct state_call *call = &calls[operation->op];

	if (operation->takes & KSPAWN_TAKES_DATA) {
		if (!data_valid(call, from->value) ||
		    !from->value != !from->data)
			return -EINVAL;
	} else if (operation->op != KSPAWN_ACTION_RLIMIT) {
		if (!is_short(from->value) || !is_short(from->value3))
			return -EINVAL;
	}
	if (!is_short(from->value2))
		return -EINVAL;
	if (call->flags && (from->value & ~(u64)call->flags))
		return -EINVAL;
	switch (operation->op) {
	case KSPAWN_ACTION_PRCTL:
		return may_prctl(from->value2) ? 0 : -EINVAL;
	case KSPAWN_ACTION_PERSONALITY:
		/* It would only tell. */
		return (u32)from->value == ~0U ? -EINVAL : 0;
	case KSPAWN_ACTION_UNSHARE:
		return from->value ? 0 : -EINVAL;
	}
	return 0;
}

/**
 * struct copies - what of an action lies in memory of the child's
 * @data: its data; 0: none
 * @size: of the data, if it has a mapping of its own; 0: it has not
 * @pair: 16 bytes; 0: none
 */
struct copies {
	unsigned long data;
	size_t size;
	unsigned long pair;
};

/* How arguments of 64 bits are told at an address. */
struct pair {
	u64 first;
	u64 second;
};

static int copy_data(struct kspawn_request *request, struct copies *copies,
		     const struct kspawn_file_action *action)
{
	size_t size = action->value;

	if (!size)
		return 0;
	if (size > PAGE_SIZE) {
		copies->data = kspawn_memory_map(request, size);
		if (IS_ERR_VALUE(copies->data))
			return copies->data;
		copies->size = size;
	} else {
		copies->data = kspawn_memory_scratch(request);
		if (IS_ERR_VALUE(copies->data))
			return copies->data;
		copies->data += PATH_MAX;
		/* sched_setattr() is told a size by the data, too. */
		if (clear_user((void __user *)(copies->data + size),
			       PAGE_SIZE - size))
			return -ENOMEM;
	}
	/* In memory of our own it is for want of memory that a copy fails. */
	return copy_to_user((void __user *)copies->data, action->data, size) ?
		-ENOMEM : 0;
}

static int copy_pair(struct kspawn_request *request, struct copies *copies,
		     u64 first, u64 second)
{
	struct pair pair = { .first = first, .second = second };

	copies->pair = kspawn_memory_scratch(request);
	if (IS_ERR_VALUE(copies->pair))
		return copies->pair;
	return copy_to_user((void __user *)copies->pair, &pair, sizeof(pair)) ?
		-ENOMEM : 0;
}

static int copy_in(struct kspawn_request *request, struct copies *copies,
		   const struct state_call *call,
		   const struct kspawn_file_action *action)
{
	int i, err = 0;

	for (i = 0; i < STATE_ARGUMENTS && !err; i++) {
		const struct argument *argument = &call->arguments[i];

		if (argument->source == COPY)
			err = copy_data(request, copies, action);
		else if (argument->source == PAIR)
			err = copy_pair(request, copies, action->value,
					action->value3);
		else if (argument->source == HEAD)
			err = copy_pair(request, copies, argument->constant, 0);
	}
	return err;
}

static unsigned long make_argument(const struct argument *argument,
				   const struct copies *copies,
				   const struct kspawn_file_action *action)
{
	switch (argument->source) {
	case NOTHING:
		return argument->constant;
	case FD:
		return action->fd;
	case VALUE:
		return action->value;
	case VALUE2:
		return action->value2;
	case VALUE3:
		return action->value3;
	case COPY:
		return copies->data;
	case SIZE:
		return action->value;
	case COUNT:
		return action->value / sizeof(gid_t);
	case MASK_BITS:
		return action->value ? action->value * BITS_PER_BYTE + 1 : 0;
	case PAIR:
	case HEAD:
		return copies->pair;
	}
	return 0;
}

/**
 * kspawn_state_run() - make the system call that an action stands for
 * @request: the request of the child, which is current
 * @action:  the action
 *
 * Return: 0 or a negative errno.
 */
int kspawn_state_run(struct kspawn_request *request,
		     const struct kspawn_file_action *action)
{
	const struct state_call *call = &calls[action->operation->op];
	unsigned long arguments[STATE_ARGUMENTS];
	struct copies copies = {};
	struct pt_regs regs = {};
	long ret;
	int i;

	ret = copy_in(request, &copies, call, action);
	if (ret)
		goto out;
	for (i = 0; i < STATE_ARGUMENTS; i++)
		arguments[i] = make_argument(&call->arguments[i], &copies,
					     action);
	regs.di = arguments[0];
	regs.si = arguments[1];
	regs.dx = arguments[2];
	regs.r10 = arguments[3];
	regs.r8 = arguments[4];

	kspawn_audit_begin(call->number, regs.di, regs.si, regs.dx, regs.r10);
	do {
		ret = (*call->entry)(&regs);
		/* Some return what was before. */
		if (!IS_ERR_VALUE(ret))
			ret = 0;
	} while (kspawn_signals_interrupted(request, ret));
	kspawn_audit_end(ret);
	/* Namespaces that were left may have held the last of a file. */
	kspawn_descriptors_finish_closing();
out:
	if (copies.size)
		vm_munmap(copies.data, copies.size);
	return ret;
}

/*
 * Whether the thread that made the call is still the child's parent.  Those that a
 * thread has when it exits get their signal, and another parent, under this lock.
 */
static bool has_parent(const struct kspawn_request *request)
{
	struct task_struct *parent;
	bool has;

	read_lock(kspawn_kernel.tasklist_lock);
	parent = rcu_dereference_protected(current->real_parent,
			lockdep_is_held(kspawn_kernel.tasklist_lock));
	has = parent == request->parent;
	read_unlock(kspawn_kernel.tasklist_lock);
	return has;
}

/**
 * kspawn_state_pdeathsig() - have a signal sent when the parent exits
 * @request: the request of the child, which is current
 * @action:  the action
 *
 * A parent that has exited before that is told of by -ESRCH.  A builder's child
 * gets its parent as it starts, and does not start without.
 *
 * Return: 0 or a negative errno.
 */
int kspawn_state_pdeathsig(struct kspawn_request *request,
			   const struct kspawn_file_action *action)
{
	int err = kspawn_state_run(request, action);

	if (err || !action->value || request->call != KSPAWN_CALL_SPAWN)
		return err;
	return has_parent(request) ? 0 : -ESRCH;
}

/**
 * kspawn_state_oom_score() - say how ready the OOM killer is to choose the child
 * @request: the request of the child, which is current
 * @action:  the action
 *
 * There is no system call for it.  This is what a write to
 * /proc/self/oom_score_adj does, see __set_oom_adj(), for a process that shares
 * its memory with no other.
 *
 * Return: 0, -EINVAL or -EACCES.
 */
int kspawn_state_oom_score(struct kspawn_request *request,
			   const struct kspawn_file_action *action)
{
	struct signal_struct *signal = current->signal;
	int score = action->value;
	int err = 0;

	if (score < OOM_SCORE_ADJ_MIN || score > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	mutex_lock(kspawn_kernel.oom_adj_mutex);
	if (score < signal->oom_score_adj_min && !capable(CAP_SYS_RESOURCE)) {
		err = -EACCES;
	} else {
		signal->oom_score_adj = score;
		if (ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
			signal->oom_score_adj_min = score;
	}
	mutex_unlock(kspawn_kernel.oom_adj_mutex);
	return err;
}

/**
 * kspawn_state_stop() - have the child stop before its program's first instruction
 * @request: the request of the child, which is current
 * @action:  the action
 *
 * Return: 0.
 */
int kspawn_state_stop(struct kspawn_request *request,
		      const struct kspawn_file_action *action)
{
	request->stops = true;
	return 0;
}
