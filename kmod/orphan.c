// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "kernel_symbols.h"
#include "orphan.h"
#include "request.h"

/**
 * kspawn_orphan_current() - take the current child away from its parent
 * @request: its request, whose failure is told at the same moment: a caller whose
 *           wait finds no child any more knows why
 *
 * For a child that failed, which ends next.  Its new parent, kthreadd, ignores
 * SIGCHLD, so the kernel reaps the child as it ends: whoever waits, by whatever
 * flags, finds no child, and no SIGCHLD is sent.  Those that wait already look
 * again, and may learn that they have no child left.
 *
 * A tracer remains what it was, and sees the child end; then kthreadd's turn
 * comes.
 */
void kspawn_orphan_current(struct kspawn_request *request)
{
	struct task_struct *reaper = *kspawn_kernel.kthreadd_task;
	struct task_struct *child = current;
	struct task_struct *parent;

	write_lock_irq(kspawn_kernel.tasklist_lock);
	parent = rcu_dereference_protected(child->real_parent,
			lockdep_is_held(kspawn_kernel.tasklist_lock));
	kspawn_request_fail(request);
	/* While it is still theirs: __WNOTHREAD compares the parent. */
	kspawn_kernel.__wake_up_parent(child, parent);
	list_move_tail(&child->sibling, &reaper->children);
	rcu_assign_pointer(child->real_parent, reaper);
	if (!child->ptrace)
		rcu_assign_pointer(child->parent, reaper);
	/* Exec may have come as far as to set it, and no tracer is to wonder. */
	child->exit_signal = SIGCHLD;
	write_unlock_irq(kspawn_kernel.tasklist_lock);
}
