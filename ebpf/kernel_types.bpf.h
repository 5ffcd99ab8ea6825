/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types as far as the probes read them.  Each struct is found in the running
 * kernel's BTF by its name, each member by its own name, wherever it lies there (CO-RE):
 * members that no probe reads are left out, and neither order nor size says anything.
 * Whether a member is an integer, a pointer, an array or a struct must be as in the kernel;
 * what the type of a member is called does not matter.
 *
 * Today's names and places are those of Linux 6.1 to 7.3.  A struct that only some kernels
 * have is declared beside its probe with a flavour, NAME___FLAVOUR.
 */
#ifndef KSPAWN_TRACE_KERNEL_TYPES_H
#define KSPAWN_TRACE_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <stdbool.h>

/* Not <stddef.h>: its offsetof() is a constant, that of <bpf/bpf_helpers.h> is relocated. */

/* For <bpf/bpf_tracing.h>: struct pt_regs is the kernel's, not that of <asm/ptrace.h>. */
#define __VMLINUX_H__

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct atomic {
	int counter;
};

struct atomic_long {
	long counter;
};

/* Locks */

struct spin {
	char inner;
};

struct mutex {
	struct atomic_long owner;
};

struct rw_semaphore {
	struct atomic_long owner;
};

/* PREEMPT_RT makes all of the above of it. */
struct rt_mutex_base {
	struct task_struct *owner;
};

/* Credentials */

struct kuid {
	__u32 val;
};

struct kgid {
	__u32 val;
};

struct kernel_cap {
	__u64 val;
};

struct group_info {
	int ngroups;
	struct kgid gid[];
};

struct key {
	__s32 serial;
};

struct cred {
	struct kuid uid, suid, euid, fsuid;
	struct kgid gid, sgid, egid, fsgid;
	unsigned int securebits;
	struct kernel_cap cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	struct key *session_keyring, *process_keyring, *thread_keyring;
	void *security;
	struct group_info *group_info;
};

struct aa_label {
	char *hname;
};

/* Memory, descriptors, files */

struct mm_struct {
	struct atomic mm_users;
	struct spin page_table_lock;
	struct rw_semaphore mmap_lock;
};

struct super_block {
	unsigned long s_magic;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
	struct spin file_lock;
};

/* Signals */

struct signal_struct {
	struct atomic live;
	int nr_threads;
	struct mutex cred_guard_mutex;
	struct rw_semaphore exec_update_lock;
};

struct sighand_struct {
	struct spin siglock;
};

struct sigaction {
	void (*sa_handler)(int sig);
};

struct k_sigaction {
	struct sigaction sa;
};

union __sifields {
	struct {
		int _pid;
	} _kill;
};

struct kernel_siginfo {
	int si_code;
	union __sifields _sifields;
};

/* Tasks, and how they begin */

struct pt_regs {
	unsigned long di, si, dx, cx, r8; /* the first arguments of a function */
	unsigned long orig_ax, ip, sp;
};

/* Below it on a new child's stack: what switch_to() pops, then its registers. */
struct fork_frame {
	struct pt_regs regs;
};

struct thread_struct {
	unsigned long sp;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	unsigned long atomic_flags;
	int pid;
	int tgid;
	struct completion *vfork_done;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct thread_struct thread;
};

struct kernel_clone_args {
	u64 flags;
	unsigned long stack;
	int (*fn)(void *arg);
};

struct linux_binprm {
	const char *filename;
};

/* Records of events of tracepoints */

struct trace_entry {
	int pid;
};

struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
};

struct trace_event_raw_contention_begin {
	void *lock_addr;
	unsigned int flags;
};

struct trace_event_raw_contention_end {
	void *lock_addr;
};

#pragma clang attribute pop

#endif /* KSPAWN_TRACE_KERNEL_TYPES_H */
