// SPDX-License-Identifier: GPL-2.0-only
/*
 * New credentials of a thread whose memory a child shares, and system calls that
 * remap or write this memory.
 */
#include "state.bpf.h"

#define PFA_NO_NEW_PRIVS	0	/* bit */
#define HASH_GROUPS		1024
#define FOLL_WRITE		1

/* The name of AppArmor's label, if that is what confines tasks here. */
static __always_inline void fill_label(char *to, const struct cred *cred)
{
	struct aa_label *label;
	int offset = 0;

	to[0] = 0;
	if (!bpf_core_type_exists(struct aa_label) || !apparmor_blob_sizes)
		return;
	bpf_probe_read_kernel(&offset, sizeof(offset), (void *)apparmor_blob_sizes);
	bpf_probe_read_kernel(&label, sizeof(label),
			      BPF_CORE_READ(cred, security) + offset);
	if (label)
		bpf_probe_read_kernel_str(to, TRACE_NAME_LENGTH,
					  BPF_CORE_READ(label, hname));
}

struct group_walk {
	struct group_info *info;
	u32 count;
	u64 hash;
};

/* FNV-1a, to tell sets apart that are too long to be kept. */
static long add_group(u32 index, void *data)
{
	struct group_walk *walk = data;
	struct group_info *info = walk->info;
	u32 gid = 0;

	if (index >= walk->count)
		return 1;
	bpf_core_read(&gid, sizeof(gid), &info->gid[index]);
	walk->hash = (walk->hash ^ gid) * 0x100000001b3ULL;
	return 0;
}

static __always_inline void fill_groups(struct trace_credentials *to,
					const struct cred *cred)
{
	struct group_info *info = BPF_CORE_READ(cred, group_info);
	struct group_walk walk = {
		.info = info,
		.hash = 0xcbf29ce484222325ULL,
	};

	walk.count = BPF_CORE_READ(info, ngroups);
	to->group_count = walk.count;
#pragma unroll
	for (int i = 0; i < TRACE_GROUPS; i++) {
		to->groups[i] = 0;
		if ((u32)i < walk.count)
			bpf_core_read(&to->groups[i], sizeof(u32),
				      &info->gid[i]);
	}
	bpf_loop(HASH_GROUPS, add_group, &walk, 0);
	to->group_hash = walk.hash;
}

static __noinline int fill_credentials(struct trace_credentials *to,
				       const struct cred *cred,
				       struct task_struct *task)
{
	unsigned long flags = BPF_CORE_READ(task, atomic_flags);

	to->uid = BPF_CORE_READ(cred, uid.val);
	to->gid = BPF_CORE_READ(cred, gid.val);
	to->suid = BPF_CORE_READ(cred, suid.val);
	to->sgid = BPF_CORE_READ(cred, sgid.val);
	to->euid = BPF_CORE_READ(cred, euid.val);
	to->egid = BPF_CORE_READ(cred, egid.val);
	to->fsuid = BPF_CORE_READ(cred, fsuid.val);
	to->fsgid = BPF_CORE_READ(cred, fsgid.val);
	to->securebits = BPF_CORE_READ(cred, securebits);
	to->no_new_privs = flags >> PFA_NO_NEW_PRIVS & 1;
	/* Two words in one kernel, one in the other. */
	bpf_core_read(&to->cap_inheritable, sizeof(u64),
		      &cred->cap_inheritable);
	bpf_core_read(&to->cap_permitted, sizeof(u64), &cred->cap_permitted);
	bpf_core_read(&to->cap_effective, sizeof(u64), &cred->cap_effective);
	bpf_core_read(&to->cap_bounding, sizeof(u64), &cred->cap_bset);
	bpf_core_read(&to->cap_ambient, sizeof(u64), &cred->cap_ambient);
	to->session_keyring = BPF_CORE_READ(cred, session_keyring, serial);
	to->process_keyring = BPF_CORE_READ(cred, process_keyring, serial);
	to->thread_keyring = BPF_CORE_READ(cred, thread_keyring, serial);
	fill_groups(to, cred);
	fill_label(to->label, cred);
	return 0;
}

struct change {
	const struct cred *to;
	u64 mm;
};

static long tell_change(void *map, const u32 *pid, struct trace_window *window,
			struct change *change)
{
	struct task_struct *who = bpf_get_current_task_btf();
	struct trace_creds_record *record;
	const struct trace_task *expected;
	struct task_struct *other;

	if (window->mm != change->mm || window->end ||
	    window->way == TRACE_WAY_KSPAWN)
		return 0;
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	record->record = TRACE_CREDS;
	record->by_child = (u32)who->tgid == window->child.pid;
	record->window = window->id;
	record->time = bpf_ktime_get_ns();
	record->opened = window->start;
	record->way = window->way;
	record->reserved = 0;
	fill_task(&record->who, who);
	record->child = window->child;
	fill_credentials(&record->before, BPF_CORE_READ(who, real_cred), who);
	fill_credentials(&record->after, change->to, who);
	other = (struct task_struct *)(record->by_child ? window->caller_task :
					window->child_task);
	expected = record->by_child ? &window->caller : &window->child;
	/* A thread may have gone whose caller does not wait: both began alike. */
	record->other = record->before;
	if ((u32)BPF_CORE_READ(other, pid) == expected->tid &&
	    (u32)BPF_CORE_READ(other, tgid) == expected->pid)
		fill_credentials(&record->other,
				 BPF_CORE_READ(other, real_cred), other);
	submit(record);
	return 0;
}

ENTRY(on_commit_creds, commit_creds, struct cred *new)
{
	struct memory *memory;
	struct change change = { .to = new };

	if (!hazards_open)
		return 0;
	change.mm = (u64)bpf_get_current_task_btf()->mm;
	memory = bpf_map_lookup_elem(&memories, &change.mm);
	if (memory && memory->hazards)
		bpf_for_each_map_elem(&windows, tell_change, &change, 0);
	return 0;
}

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
	count_operation(bpf_get_current_task_btf()->mm, operation);
}

ENTRY(on_mmap, vm_mmap_pgoff)
{
	count_own(TRACE_MMAP);
	return 0;
}

ENTRY(on_munmap, __x64_sys_munmap)
{
	count_own(TRACE_MUNMAP);
	return 0;
}

ENTRY(on_mprotect, do_mprotect_pkey)
{
	count_own(TRACE_MPROTECT);
	return 0;
}

ENTRY(on_mremap, __x64_sys_mremap)
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

/* By ptrace(), or to /proc/PID/mem. */
ENTRY(on_access_remote_vm, __access_remote_vm, struct mm_struct *mm,
	unsigned long addr, void *buf, int length, unsigned int flags)
{
	if (flags & FOLL_WRITE)
		count_operation(mm, TRACE_REMOTE);
	return 0;
}
