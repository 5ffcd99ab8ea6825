// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kernel_symbols.h"
#include "memory.h"
#include "request.h"

/* The reference that keeps the page tables of a task without memory. */
#ifndef KSPAWN_HAVE_LAZY_TLB_REFCOUNT
#define mmgrab_lazy_tlb	mmgrab
#define mmdrop_lazy_tlb	mmdrop
#endif

/* See mm_init(); exec sets the rest itself. */
#ifdef KSPAWN_HAVE_MM_FLAGS_BITMAP
#define mmf_init_flags		mmf_init_legacy_flags
#define read_flags(mm)		__mm_flags_get_word(mm)
#define write_flags(mm, value)	__mm_flags_overwrite_word(mm, value)
#else
#define read_flags(mm)		((mm)->flags)
#define write_flags(mm, value)	((mm)->flags = (value))
#ifndef KSPAWN_HAVE_MMF_INIT_FLAGS
#define mmf_init_flags(flags)	((flags) & MMF_INIT_MASK)
#define MMF_TOPDOWN_MASK	0
#endif
#endif

/*
 * Whether others of the same user may look into the child.  Where that is said in
 * an exec state, tasks that share memory share one, and changes would be the
 * caller's too.  Elsewhere it is said in the memory, or, of a task that has none,
 * in the task.
 */
#ifdef KSPAWN_HAVE_EXEC_STATE
#define MMF_DUMPABLE_MASK	0

static int unshare_dumpable(struct task_struct *task)
{
	struct task_exec_state *shared = rcu_access_pointer(task->exec_state);
	int err = kspawn_kernel.task_exec_state_copy(task);

	if (!err)
		kspawn_kernel.put_task_exec_state(shared);
	return err;
}

static void take_dumpable(struct task_struct *task, struct mm_struct *mm)
{
}

static unsigned long dumpable_flags(const struct task_struct *task)
{
	return 0;
}
#else
static int unshare_dumpable(struct task_struct *task)
{
	return 0;
}

static void take_dumpable(struct task_struct *task, struct mm_struct *mm)
{
	task->user_dumpable = get_dumpable(mm) == SUID_DUMP_USER;
}

static unsigned long dumpable_flags(const struct task_struct *task)
{
	return task->user_dumpable ? SUID_DUMP_USER : SUID_DUMP_DISABLE;
}
#endif

/*
 * Charge the child's memory cgroup from here on.  A task without memory of its
 * own is not charged for what the kernel allocates for it, and Linux 6.12
 * remembers that for the whole life of the task: current->objcg stays empty.
 */
static void begin_charge(void)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg;

	WARN_ON_ONCE(current->active_memcg);
	rcu_read_lock();
	do {
		memcg = mem_cgroup_from_task(current);
	} while (memcg && !css_tryget(&memcg->css));
	rcu_read_unlock();
	set_active_memcg(memcg);
#endif
}

/**
 * kspawn_memory_leave() - let go of the caller's memory
 * @request: the request of the child, which is current
 *
 * Called in the child, all of whose signals are blocked: what exit_mm() does,
 * without waking the caller, which exec, exit or exec_mm_release() does later.
 * The child's memory cgroup is charged from here on.
 *
 * Return: 0, or -ENOMEM: the memory is left, but the child must not go on.
 */
int kspawn_memory_leave(struct kspawn_request *request)
{
	struct task_struct *task = current;
	struct mm_struct *mm = task->mm;
	int err;

	lockdep_assert_irqs_enabled();
	WARN_ON_ONCE(!mm);

	begin_charge();
	err = unshare_dumpable(task);
	request->exe_file = kspawn_kernel.get_mm_exe_file(mm);
#ifdef KSPAWN_HAVE_MM_CID
	kspawn_kernel.sched_mm_cid_before_execve(task);
#endif
#ifdef KSPAWN_HAVE_SCHED_CACHE
	kspawn_kernel.sched_cache_exit_mm(task);
#endif
	request->mm_flags = mmf_init_flags(read_flags(mm)) &
			    ~(MMF_DUMPABLE_MASK | MMF_TOPDOWN_MASK);
	mmgrab_lazy_tlb(mm);
	task_lock(task);
	/* For membarrier(), between the last use of the memory and this. */
	smp_mb__after_spinlock();
	local_irq_disable();
	take_dumpable(task, mm);
	task->mm = NULL;
	kspawn_kernel.membarrier_update_current_mm(NULL);
#ifdef KSPAWN_HAVE_ENTER_LAZY_TLB
	/* A hint: without it the CPU is interrupted to flush what it does not use. */
	kspawn_kernel.enter_lazy_tlb(mm, task);
#endif
	local_irq_enable();
	task_unlock(task);
#ifdef CONFIG_MEMCG
	kspawn_kernel.mm_update_next_owner(mm);
#endif
	mmput(mm);
	/* The OOM killer has chosen the caller for what is not ours any more. */
	if (test_thread_flag(TIF_MEMDIE))
		kspawn_kernel.exit_oom_victim();
	if (err)
		return kspawn_outcome_fail(&request->outcome, KSPAWN_STEP_CLONE,
					   0, err);
	return 0;
}

/**
 * kspawn_memory_hide() - let nobody without privileges look into the child
 *
 * Called in the child, before its ids change.  With memory commit_creds() does
 * that itself; a task without is asked of what is set here.
 */
void kspawn_memory_hide(void)
{
#ifdef KSPAWN_HAVE_EXEC_STATE
	kspawn_kernel.task_exec_state_set_dumpable(TASK_DUMPABLE_OFF);
#else
	current->user_dumpable = 0;
#endif
}

/**
 * kspawn_memory_uncharge() - charge the child's memory cgroup no more
 *
 * The end of what kspawn_memory_leave() began: the child is a program, or ends.
 */
void kspawn_memory_uncharge(void)
{
#ifdef CONFIG_MEMCG
	mem_cgroup_put(set_active_memcg(NULL));
#endif
}

/**
 * kspawn_memory_is_needed() - whether exec must find memory to leave
 * @request: the request of the child, which is current
 *
 * The program inherits from it which parts a core dump has, and what prctl()
 * says of huge pages, of merging pages, and of memory that is both written and
 * executed.  A child without memory would pass on the defaults.
 *
 * Return: true if it must, or if /proc/self/exe is to be there.
 */
bool kspawn_memory_is_needed(const struct kspawn_request *request)
{
	return request->wants_exe ||
	       request->mm_flags != MMF_DUMP_FILTER_DEFAULT;
}

/**
 * kspawn_memory_make() - give a child that has no memory an empty one
 * @request: the request of the child, which is current
 *
 * In the order of exec_mmap().
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int kspawn_memory_make(struct kspawn_request *request)
{
	struct task_struct *task = current;
	struct mm_struct *mm, *active;
	struct rlimit stack;
	int err;

	if (task->mm)
		return 0;
	mm = kspawn_kernel.mm_alloc();
	if (!mm)
		return -ENOMEM;
	task_lock(task->group_leader);
	stack = task->signal->rlim[RLIMIT_STACK];
	task_unlock(task->group_leader);
	write_flags(mm, request->mm_flags | dumpable_flags(task));
	/* As exec does when it learns of the new program's kind. */
	kspawn_kernel.arch_pick_mmap_layout(mm, &stack);
	mm->task_size = TASK_SIZE;
	if (request->exe_file)
		kspawn_kernel.set_mm_exe_file(mm, request->exe_file);

	err = down_write_killable(&task->signal->exec_update_lock);
	if (err) {
		mmput(mm);
		return err;
	}
	task_lock(task);
	local_irq_disable();
	active = task->active_mm;
	task->active_mm = mm;
	task->mm = mm;
	kspawn_kernel.membarrier_update_current_mm(mm);
	kspawn_kernel.switch_mm_irqs_off(active, mm, task);
	local_irq_enable();
	task_unlock(task);
	up_write(&task->signal->exec_update_lock);
	mmdrop_lazy_tlb(active);
	request->own_mm = mm;
	return 0;
}

/**
 * kspawn_memory_map() - user memory of the child's own
 * @request: the request of the child, which is current
 * @size:    bytes
 *
 * It is gone with the program's exec.
 *
 * Return: its address, or a negative errno.
 */
unsigned long kspawn_memory_map(struct kspawn_request *request, size_t size)
{
	int err = kspawn_memory_make(request);

	if (err)
		return err;
	return vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE, 0);
}

/**
 * kspawn_memory_scratch() - room for arguments of a system call
 * @request: the request of the child, which is current
 *
 * PATH_MAX bytes, and a page behind them, for the one who asks last.
 *
 * Return: its address, or a negative errno.
 */
unsigned long kspawn_memory_scratch(struct kspawn_request *request)
{
	unsigned long at = request->scratch;

	if (!at) {
		at = kspawn_memory_map(request, PATH_MAX + PAGE_SIZE);
		if (!IS_ERR_VALUE(at))
			request->scratch = at;
	}
	return at;
}

/**
 * kspawn_memory_string() - a string in user memory of the child's own
 * @request: the request of the child, which is current
 * @string:  the string, of at most PATH_MAX bytes
 *
 * It is valid until the next one.  PATH_MAX bytes behind its beginning there is a
 * page for other arguments.
 *
 * Return: its address, or a negative errno.
 */
unsigned long kspawn_memory_string(struct kspawn_request *request,
				   const char *string)
{
	unsigned long at = kspawn_memory_scratch(request);

	if (IS_ERR_VALUE(at))
		return at;
	/* In memory of our own it is for want of memory that a copy fails. */
	if (copy_to_user((void __user *)at, string, strlen(string) + 1))
		return -ENOMEM;
	return at;
}
