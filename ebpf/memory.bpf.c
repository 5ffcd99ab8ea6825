// SPDX-License-Identifier: GPL-2.0-only
/* System calls that remap or write memory which a child shares. */
#include "state.bpf.h"

static __always_inline void count_operation(struct mm_struct *mm, u32 operation)
{
	struct memory *memory;

	if (!hazards_open)
		return;
	memory = memory_of(mm);
	if (memory && memory->hazards)
		__sync_fetch_and_add(&memory->operations[operation], 1);
}

static __always_inline void count_own(u32 operation)
{
	if (hazards_open)
		count_operation(bpf_get_current_task_btf()->mm, operation);
}

SEC("fentry/vm_mmap_pgoff")
int BPF_PROG(on_mmap)
{
	count_own(TRACE_MMAP);
	return 0;
}

SEC("fentry/__x64_sys_munmap")
int BPF_PROG(on_munmap)
{
	count_own(TRACE_MUNMAP);
	return 0;
}

SEC("fentry/do_mprotect_pkey")
int BPF_PROG(on_mprotect)
{
	count_own(TRACE_MPROTECT);
	return 0;
}

SEC("fentry/__x64_sys_mremap")
int BPF_PROG(on_mremap)
{
	count_own(TRACE_MREMAP);
	return 0;
}

/*
 * process_vm_writev() calls this for the memory that it writes to.  It has more
 * arguments than fentry can pass on in 6.1.
 */
SEC("kprobe/pin_user_pages_remote")
int BPF_KPROBE(on_pin_user_pages_remote, struct mm_struct *mm,
	       unsigned long start, unsigned long count, unsigned int flags)
{
	if (flags & FOLL_WRITE)
		count_operation(mm, TRACE_PROCESS_VM_WRITEV);
	return 0;
}

SEC("fentry/ptrace_access_vm")
int BPF_PROG(on_ptrace_access_vm, struct task_struct *task, unsigned long addr,
	     void *buf, int length, unsigned int flags)
{
	if (hazards_open && flags & FOLL_WRITE)
		count_operation(task->mm, TRACE_REMOTE);
	return 0;
}

/* A write to /proc/PID/mem. */
SEC("fentry/mem_write")
int BPF_PROG(on_mem_write, struct file *file)
{
	if (hazards_open)
		count_operation(file->private_data, TRACE_REMOTE);
	return 0;
}
