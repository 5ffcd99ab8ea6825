// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: from the moment at which a child can run to its exec or its end.
 * All other kinds build on what is noted here.
 */
#include "state.bpf.h"

#define PF_EXITING	0x00000004

/* Set before loading. */
const volatile bool follow_children;
const volatile bool filter_uid;
const volatile __u32 only_uid;
const volatile bool filter_comm;
const volatile char only_comm[TRACE_COMM_LENGTH];
/* Whether on_kernel_clone_return is loaded, which ends what is begun in `waiting`. */
const volatile bool sees_returns;

__u64 last_window;

/* A caller that waits for its child, by its tid. */
struct waiting {
	u64 window;
	u64 start;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct waiting);
} waiting SEC(".maps");

static __always_inline bool same_comm(const char *comm)
{
	for (int i = 0; i < TRACE_COMM_LENGTH; i++) {
		if (comm[i] != only_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool is_wanted(struct task_struct *caller)
{
	u32 pid = caller->tgid;

	if (filter_followed && !bpf_map_lookup_elem(&followed, &pid))
		return false;
	if (filter_uid && caller->cred->uid.val != only_uid)
		return false;
	if (filter_comm) {
		char comm[TRACE_COMM_LENGTH];

		bpf_get_current_comm(comm, sizeof(comm));
		if (!same_comm(comm))
			return false;
	}
	return true;
}

/* Questions about a child that has not run yet. */
struct newborn {
	struct task_struct *task;
	struct mm_struct *mm;
	u32 tgid;
	u32 sharers;		/* of the memory */
	bool waited_for;	/* its exec, by its creator */
	u64 ip, sp, orig_ax;
};

/*
 * A child that starts in a function of the kernel has no place in user space
 * to return to.
 */
static __always_inline u32 way_of(struct task_struct *caller,
				  const struct newborn *child)
{
	struct pt_regs *own = (struct pt_regs *)bpf_task_pt_regs(caller);

	if (child->mm != caller->mm)
		return TRACE_WAY_FORK;
	if (!child->ip)
		return TRACE_WAY_KSPAWN;
	if (!child->waited_for)
		return TRACE_WAY_CLONE_VM;
	return child->sp == own->sp ? TRACE_WAY_VFORK : TRACE_WAY_CLONE_VM_VFORK;
}

static __always_inline void open_memory(struct trace_window *window)
{
	struct memory *memory;
	bool hazard = window->way != TRACE_WAY_KSPAWN;

	memory = bpf_map_lookup_elem(&memories, &window->mm);
	if (!memory) {
		struct memory none = {};

		/* Another thread may be faster. */
		bpf_map_update_elem(&memories, &window->mm, &none, BPF_NOEXIST);
		memory = bpf_map_lookup_elem(&memories, &window->mm);
		if (!memory) {
			count_loss(&losses.maps);
			window->mm = 0;
			return;
		}
	}
	memory->newest = window->child.pid;
	__sync_fetch_and_add(&memory->windows, 1);
	__sync_fetch_and_add(&windows_open, 1);
	for (int i = 0; i < TRACE_MEMORY_OPERATIONS; i++)
		window->memory[i] = memory->operations[i];
	if (hazard) {
		__sync_fetch_and_add(&memory->hazards, 1);
		__sync_fetch_and_add(&hazards_open, 1);
	}
}

static __always_inline void close_memory(struct trace_window *window)
{
	struct memory *memory;

	memory = bpf_map_lookup_elem(&memories, &window->mm);
	if (!memory)
		return;
	for (int i = 0; i < TRACE_MEMORY_OPERATIONS; i++)
		window->memory[i] = memory->operations[i] - window->memory[i];
	__sync_fetch_and_add(&memory->windows, -1);
	__sync_fetch_and_add(&windows_open, -1);
	if (window->way != TRACE_WAY_KSPAWN) {
		__sync_fetch_and_add(&memory->hazards, -1);
		__sync_fetch_and_add(&hazards_open, -1);
	}
}

static __always_inline int open_window(const struct newborn *child)
{
	struct task_struct *caller = bpf_get_current_task_btf();
	struct trace_window window = {};
	u32 tid = caller->pid;
	bool own;

	/* A thread, or a child of the kernel's. */
	if (child->tgid == (u32)caller->tgid || !caller->mm || !child->mm)
		return 0;
	own = (u32)caller->tgid == own_pid;
	if (!own && !is_wanted(caller))
		return 0;
	if (filter_followed && follow_children) {
		u32 pid = child->tgid;
		u8 yes = 1;

		put(&followed, &pid, &yes);
	}
	/* The command is followed from now on; how it is started is our affair. */
	if (own)
		return 0;

	window.way = way_of(caller, child);
	window.waits = sees_returns && child->waited_for;
	window.ip = child->ip;
	window.orig_ax = child->orig_ax;
	fill_task(&window.caller, caller);
	/* It is the only thread of its process. */
	window.child.pid = child->tgid;
	window.child.tid = child->tgid;
	bpf_probe_read_kernel_str(window.child.comm, sizeof(window.child.comm),
				  child->task->comm);
	window.files = (u64)caller->files;
	window.caller_task = (u64)caller;
	window.child_task = (u64)child->task;
	window.threads = caller->signal->nr_threads;
	window.sharers = child->sharers;
	window.id = __sync_fetch_and_add(&last_window, 1) + 1;
	if (window.way != TRACE_WAY_FORK) {
		window.mm = (u64)child->mm;
		open_memory(&window);
	}
	window.start = bpf_ktime_get_ns();
	if (put(&windows, &window.child.pid, &window)) {
		/* Not followed, and counted as such. */
		if (window.mm)
			close_memory(&window);
		return 0;
	}
	if (window.waits) {
		struct waiting start = {
			.window = window.id,
			.start = window.start,
		};

		put(&waiting, &tid, &start);
	}
	return 0;
}

SEC("fentry/wake_up_new_task")
int BPF_PROG(on_wake_up_new_task, struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct newborn child = {
		.task = task,
		.mm = task->mm,
		.tgid = task->tgid,
		.waited_for = task->vfork_done,
		.ip = regs->ip,
		.sp = regs->sp,
		.orig_ax = regs->orig_ax,
	};

	if (child.mm)
		child.sharers = task->mm->mm_users.counter;
	return open_window(&child);
}

/* It will be switched to for the first time by what copy_thread() has put on its stack. */
SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(on_wake_up_new_task_unpreempted, struct task_struct *task)
{
	struct fork_frame *frame =
		(struct fork_frame *)BPF_CORE_READ(task, thread.sp);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct newborn child = {
		.task = task,
		.mm = mm,
		.tgid = BPF_CORE_READ(task, tgid),
		.waited_for = BPF_CORE_READ(task, vfork_done),
		.ip = BPF_CORE_READ(frame, regs.ip),
		.sp = BPF_CORE_READ(frame, regs.sp),
		.orig_ax = BPF_CORE_READ(frame, regs.orig_ax),
	};

	if (mm)
		child.sharers = BPF_CORE_READ(mm, mm_users.counter);
	return open_window(&child);
}

RETURN(on_kernel_clone_return, kernel_clone)
{
	u64 now = bpf_ktime_get_ns();
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct trace_return_record *record;
	struct waiting *start = bpf_map_lookup_elem(&waiting, &tid);

	if (!start)
		return 0;
	record = reserve(sizeof(*record));
	if (record) {
		record->record = TRACE_RETURN;
		record->reserved = 0;
		record->window = start->window;
		record->blocked = now - start->start;
		submit(record);
	}
	bpf_map_delete_elem(&waiting, &tid);
	return 0;
}

/* The child is about to leave the memory; whoever waits for it wakes. */
static __always_inline void close_window(struct trace_window *window)
{
	struct task_struct *child = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(child);

	if (window->end)
		return;
	window->end = bpf_ktime_get_ns();
	if (window->way == TRACE_WAY_KSPAWN)
		window->user_code = regs->ip != 0;
	else
		window->user_code = regs->ip != window->ip ||
				    regs->orig_ax != window->orig_ax;
	if (window->mm)
		close_memory(window);
}

static __always_inline void tell_window(struct trace_window *window,
					u32 outcome, const char *program)
{
	struct trace_window_record *record = reserve(sizeof(*record));

	if (!record)
		return;
	record->record = TRACE_WINDOW;
	record->outcome = outcome;
	record->window = *window;
	record->program[0] = 0;
	if (program)
		bpf_probe_read_kernel_str(record->program,
					  sizeof(record->program), program);
	submit(record);
}

/* Its last user leaves: the address may come to stand for other memory. */
static __always_inline void forget_memory(struct mm_struct *mm)
{
	u64 key = (u64)mm;

	if (mm && mm->mm_users.counter == 1)
		bpf_map_delete_elem(&memories, &key);
}

static __always_inline int leave_by_exec(struct task_struct *task)
{
	u32 pid = task->tgid;
	struct trace_window *window = bpf_map_lookup_elem(&windows, &pid);

	if (window)
		close_window(window);
	forget_memory(task->mm);
	return 0;
}

ENTRY(on_exec_mm_release, exec_mm_release)
{
	return leave_by_exec(bpf_get_current_task_btf());
}

/*
 * A child of kspawn lets go of the memory long before its exec, and wakes nobody
 * by that.  In exec it runs after on_exec_mm_release; in exit, after
 * on_exit_mm_release.
 */
ENTRY(on_mm_update_next_owner, mm_update_next_owner)
{
	struct trace_window *window;
	u32 pid;

	if (!windows_open)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	window = bpf_map_lookup_elem(&windows, &pid);
	if (window)
		close_window(window);
	return 0;
}

static __always_inline int execute(const char *program)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct trace_window *window = bpf_map_lookup_elem(&windows, &pid);

	if (!window)
		return 0;
	tell_window(window, TRACE_EXEC, program);
	bpf_map_delete_elem(&windows, &pid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	return execute(bprm->filename);
}

SEC("tp/sched/sched_process_exec")
int UNPREEMPTED(on_exec)(struct trace_event_raw_sched_process_exec *event)
{
	return execute(EVENT_STRING(event, filename));
}

static __always_inline int leave_by_exit(struct task_struct *task)
{
	u32 pid = task->tgid;
	struct trace_window *window;

	forget_memory(task->mm);
	if (task->signal->live.counter)
		return 0;
	if (filter_followed)
		bpf_map_delete_elem(&followed, &pid);
	window = bpf_map_lookup_elem(&windows, &pid);
	if (!window)
		return 0;
	close_window(window);
	tell_window(window, TRACE_EXIT, NULL);
	bpf_map_delete_elem(&windows, &pid);
	return 0;
}

ENTRY(on_exit_mm_release, exit_mm_release)
{
	return leave_by_exit(bpf_get_current_task_btf());
}

/* For kernels that have one function for both. */
ENTRY(on_mm_exit_exec_release, mm_exit_exec_release)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->flags & PF_EXITING ? leave_by_exit(task) : leave_by_exec(task);
}
