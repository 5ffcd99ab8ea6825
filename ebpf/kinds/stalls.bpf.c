// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contended locks: of a thread that creates a process, of the child, and of
 * all who share the memory with a child.
 */
#include "state.bpf.h"

#define E2BIG		7
#define OWNER_FLAGS	7
#define READER_OWNED	1	/* of a rw_semaphore's owner */
#define CLONE_VM	0x00000100
#define CLONE_VFORK	0x00004000
#define CLONE_THREAD	0x00010000
#define KIND_READ	(1 << 1)	/* LCB_F_READ */
#define KIND_WRITE	(1 << 2)	/* LCB_F_WRITE */
#define KIND_RT		(1 << 3)	/* LCB_F_RT */
#define KIND_MUTEX	(1 << 5)	/* LCB_F_MUTEX */
#define HAS_WAITERS	1	/* of an rt_mutex_base's owner */
#define WRITER_BIAS	(1 << 30)	/* an rwbase_rt's readers, while a writer holds it */

const volatile __u64 stall_min;	/* set before loading */

/* A thread inside clone(), by its tid, and how it creates. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u32);
} cloning SEC(".maps");

/* A lock that is waited for, by the tid of who waits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct trace_lock_record);
} contended SEC(".maps");

ENTRY(on_kernel_clone, kernel_clone, struct kernel_clone_args *args)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, pid = task->tgid;
	u64 flags = BPF_CORE_READ(args, flags);
	u32 way;

	if (flags & CLONE_THREAD || !task->mm || pid == own_pid)
		return 0;
	if (filter_followed && !bpf_map_lookup_elem(&followed, &pid))
		return 0;
	if (!(flags & CLONE_VM))
		way = TRACE_WAY_FORK;
	else if (BPF_CORE_READ(args, fn))
		way = TRACE_WAY_KSPAWN;
	else if (!(flags & CLONE_VFORK))
		way = TRACE_WAY_CLONE_VM;
	else
		way = BPF_CORE_READ(args, stack) ? TRACE_WAY_CLONE_VM_VFORK : TRACE_WAY_VFORK;
	put(&cloning, &tid, &way);
	return 0;
}

RETURN(on_kernel_clone_end, kernel_clone)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&cloning, &tid);
	return 0;
}

/*
 * The same types with PREEMPT_RT, where all but raw spin locks are made of an rt_mutex_base.
 * It is the first thing in a mutex and in a spin lock, whose address its own is.  A semaphore
 * has a count of readers before it, and is waited for by both addresses: by the inner one
 * for the writer before, by its own for the readers.
 */
struct rwbase_rt___rt {
	struct atomic readers;
	struct rt_mutex_base rtmutex;
} __attribute__((preserve_access_index));

struct rw_semaphore___rt {
	struct rwbase_rt___rt rwbase;
} __attribute__((preserve_access_index));

static __always_inline bool is_rt(void)
{
	return bpf_core_field_exists(struct rw_semaphore___rt, rwbase);
}

static __always_inline bool is_of(u64 lock, struct rw_semaphore *semaphore)
{
	struct rw_semaphore___rt *rt = (struct rw_semaphore___rt *)semaphore;

	return lock == (u64)semaphore || (is_rt() && lock == (u64)&rt->rwbase.rtmutex);
}

static __always_inline u32 which_lock(struct task_struct *task, u64 lock)
{
	if (task->mm && is_of(lock, &task->mm->mmap_lock))
		return TRACE_LOCK_MMAP;
	if (task->mm && lock == (u64)&task->mm->page_table_lock)
		return TRACE_LOCK_PAGE_TABLE;
	if (task->files && lock == (u64)&task->files->file_lock)
		return TRACE_LOCK_FILES;
	if (task->sighand && lock == (u64)&task->sighand->siglock)
		return TRACE_LOCK_SIGNALS;
	if (lock == (u64)&task->signal->cred_guard_mutex)
		return TRACE_LOCK_CRED_GUARD;
	if (is_of(lock, &task->signal->exec_update_lock))
		return TRACE_LOCK_EXEC_UPDATE;
	return TRACE_LOCK_OTHER;
}

/* fill_task() of a task that may be gone by now. */
static __always_inline void fill_task_at(struct trace_task *to, u64 address)
{
	struct task_struct *task = (struct task_struct *)address;

	to->pid = BPF_CORE_READ(task, tgid);
	to->tid = BPF_CORE_READ(task, pid);
	BPF_CORE_READ_STR_INTO(&to->comm, task, comm);
}

static __always_inline struct rw_semaphore *semaphore_of(struct task_struct *task, u32 which)
{
	if (which == TRACE_LOCK_MMAP)
		return &task->mm->mmap_lock;
	if (which == TRACE_LOCK_EXEC_UPDATE)
		return &task->signal->exec_update_lock;
	return NULL;
}

/* With PREEMPT_RT.  The rt_mutex_base of a semaphore is also owned by a writer that waits. */
static __always_inline u64 owner_on_rt(struct task_struct *task, u64 lock, u32 which, u32 flags)
{
	struct rw_semaphore___rt *semaphore =
		(struct rw_semaphore___rt *)semaphore_of(task, which);
	struct rt_mutex_base *mutex = (struct rt_mutex_base *)lock;

	if (semaphore) {
		if (BPF_CORE_READ(semaphore, rwbase.readers.counter) != WRITER_BIAS)
			return 0;
		mutex = &semaphore->rwbase.rtmutex;
	} else if (!(flags & KIND_RT) || flags & (KIND_READ | KIND_WRITE)) {
		return 0;
	}
	return (u64)BPF_CORE_READ(mutex, owner) & ~(u64)HAS_WAITERS;
}

static __always_inline u64 owner_of(u64 lock, u32 which, u32 flags)
{
	struct rw_semaphore *semaphore = (struct rw_semaphore *)lock;
	struct mutex *mutex = (struct mutex *)lock;
	u64 owner = 0;

	if (flags & KIND_MUTEX)
		owner = BPF_CORE_READ(mutex, owner.counter);
	else if (which == TRACE_LOCK_MMAP || which == TRACE_LOCK_EXEC_UPDATE)
		owner = BPF_CORE_READ(semaphore, owner.counter);
	if (!(flags & KIND_MUTEX) && owner & READER_OWNED)
		return 0;
	return owner & ~(u64)OWNER_FLAGS;
}

static __always_inline void fill_holder(struct trace_lock_record *record,
					struct task_struct *task, u32 flags)
{
	u64 owner = is_rt() ? owner_on_rt(task, record->lock, record->which, flags) :
			      owner_of(record->lock, record->which, flags);

	if (owner)
		fill_task_at(&record->holder, owner);
}

static __always_inline int begin_contention(void *lock, unsigned int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, pid = task->tgid;
	struct trace_lock_record record = {};
	struct trace_window *window;
	struct memory *memory;
	u32 *way;

	if (!task->mm)
		return 0;
	way = bpf_map_lookup_elem(&cloning, &tid);
	window = bpf_map_lookup_elem(&windows, &pid);
	if (window && window->end)
		window = NULL;
	if (way) {
		record.role = TRACE_ROLE_CALLER;
		record.way = *way;
	} else if (window) {
		record.role = TRACE_ROLE_CHILD;
	} else {
		if (!windows_open)
			return 0;
		memory = memory_of(task->mm);
		if (!memory || !memory->windows)
			return 0;
		record.role = TRACE_ROLE_THREAD;
		pid = memory->newest;
		window = bpf_map_lookup_elem(&windows, &pid);
	}
	if (window) {
		record.window = window->id;
		record.way = window->way;
	}
	record.record = TRACE_LOCK;
	record.time = bpf_ktime_get_ns();
	record.lock = (u64)lock;
	record.which = which_lock(task, record.lock);
	fill_task(&record.waiter, task);
	fill_holder(&record, task, flags);
	/* A mutex begins anew as it goes from spinning to sleeping. */
	if (bpf_map_update_elem(&contended, &tid, &record, BPF_NOEXIST) == -E2BIG)
		count_loss(&losses.maps);
	return 0;
}

SEC("tp_btf/contention_begin")
int BPF_PROG(on_contention_begin, void *lock, unsigned int flags)
{
	return begin_contention(lock, flags);
}

SEC("tp/lock/contention_begin")
int UNPREEMPTED(on_contention_begin)(struct trace_event_raw_contention_begin *event)
{
	return begin_contention(event->lock_addr, event->flags);
}

static __always_inline int end_contention(void *lock)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct trace_lock_record *began, *record;

	began = bpf_map_lookup_elem(&contended, &tid);
	if (!began || began->lock != (u64)lock)
		return 0;
	began->wait = bpf_ktime_get_ns() - began->time;
	if (began->wait >= stall_min) {
		record = reserve(sizeof(*record));
		if (record) {
			*record = *began;
			submit(record);
		}
	}
	bpf_map_delete_elem(&contended, &tid);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock)
{
	return end_contention(lock);
}

SEC("tp/lock/contention_end")
int UNPREEMPTED(on_contention_end)(struct trace_event_raw_contention_end *event)
{
	return end_contention(event->lock_addr);
}
