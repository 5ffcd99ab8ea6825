// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: from the moment at which a child can run to its exec or its end.
 * All other kinds build on what is noted here.
 */
#include "state.bpf.h"

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

/*
 * A child that starts in a function of the kernel has no place in user space
 * to return to.
 */
static __always_inline u32 way_of(struct task_struct *caller,
				  struct task_struct *child)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(child);
	struct pt_regs *own = (struct pt_regs *)bpf_task_pt_regs(caller);

	if (child->mm != caller->mm)
		return TRACE_WAY_FORK;
	if (!regs->ip)
		return TRACE_WAY_KSPAWN;
	if (!child->vfork_done)
		return TRACE_WAY_CLONE_VM;
	return regs->sp == own->sp ? TRACE_WAY_VFORK : TRACE_WAY_CLONE_VM_VFORK;
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

SEC("fentry/wake_up_new_task")
int BPF_PROG(on_wake_up_new_task, struct task_struct *child)
{
	struct task_struct *caller = bpf_get_current_task_btf();
	struct trace_window window = {};
	struct pt_regs *regs;
	u32 tid = caller->pid;
	bool own;

	/* A thread, or a child of the kernel's. */
	if (child->tgid == caller->tgid || !caller->mm || !child->mm)
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

	regs = (struct pt_regs *)bpf_task_pt_regs(child);
	window.way = way_of(caller, child);
	window.waits = sees_returns && child->vfork_done;
	window.ip = regs->ip;
	window.orig_ax = regs->orig_ax;
	fill_task(&window.caller, caller);
	fill_task(&window.child, child);
	window.files = (u64)caller->files;
	window.caller_task = (u64)caller;
	window.child_task = (u64)child;
	window.threads = caller->signal->nr_threads;
	window.sharers = child->mm->mm_users.counter;
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

SEC("fexit/kernel_clone")
int BPF_PROG(on_kernel_clone_return)
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
static __always_inline void close_window(struct trace_window *window,
					 struct task_struct *child)
{
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

SEC("fentry/exec_mm_release")
int BPF_PROG(on_exec_mm_release, struct task_struct *task, struct mm_struct *mm)
{
	u32 pid = task->tgid;
	struct trace_window *window = bpf_map_lookup_elem(&windows, &pid);

	if (window)
		close_window(window, task);
	forget_memory(mm);
	return 0;
}

/*
 * A child of kspawn lets go of the memory long before its exec, and wakes nobody
 * by that.  In exec it runs after on_exec_mm_release; in exit, after
 * on_exit_mm_release.
 */
SEC("fentry/mm_update_next_owner")
int BPF_PROG(on_mm_update_next_owner)
{
	struct trace_window *window;
	u32 pid;

	if (!windows_open)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	window = bpf_map_lookup_elem(&windows, &pid);
	if (window)
		close_window(window, bpf_get_current_task_btf());
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	u32 pid = task->tgid;
	struct trace_window *window = bpf_map_lookup_elem(&windows, &pid);

	if (!window)
		return 0;
	tell_window(window, TRACE_EXEC, bprm->filename);
	bpf_map_delete_elem(&windows, &pid);
	return 0;
}

SEC("fentry/exit_mm_release")
int BPF_PROG(on_exit_mm_release, struct task_struct *task, struct mm_struct *mm)
{
	u32 pid = task->tgid;
	struct trace_window *window;

	forget_memory(mm);
	if (task->signal->live.counter)
		return 0;
	if (filter_followed)
		bpf_map_delete_elem(&followed, &pid);
	window = bpf_map_lookup_elem(&windows, &pid);
	if (!window)
		return 0;
	close_window(window, task);
	tell_window(window, TRACE_EXIT, NULL);
	bpf_map_delete_elem(&windows, &pid);
	return 0;
}
