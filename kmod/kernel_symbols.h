/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel functions that a module needs to start a process and that are not
 * exported.  A system call in the kernel's own tree would just call them.
 *
 * Each pointer has the type of the kernel's own declaration, so a signature
 * that changes in a stable update is a compile error, never a wrong call.
 */
#ifndef KSPAWN_KERNEL_SYMBOLS_H
#define KSPAWN_KERNEL_SYMBOLS_H

#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/cgroup.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/task_work.h>
#include <linux/tty.h>
#include <linux/user_namespace.h>
#include <asm/mmu_context.h>
#include <asm/syscall.h>

#ifdef KSPAWN_HAVE_PIDFS
#include <linux/pidfs.h>
#endif

/**
 * struct kspawn_symbols - what kspawn_kernel_symbols_resolve() finds
 *
 * The members have the names of what they point to.  setpgid, set*id and calls
 * whose paths are relative to a descriptor have no inner function to call: their
 * entry points take the arguments in a struct pt_regs, and make every check there
 * is.
 */
struct kspawn_symbols {
	typeof(&kernel_clone) kernel_clone;
	typeof(&kernel_execve) kernel_execve;
	typeof(&kernel_wait4) kernel_wait4;
	typeof(&do_exit) do_exit;
	typeof(&do_group_exit) do_group_exit;
	typeof(&get_signal) get_signal;
	typeof(&__audit_syscall_entry) __audit_syscall_entry;
	typeof(&__audit_syscall_exit) __audit_syscall_exit;
	typeof(&put_files_struct) put_files_struct;
	typeof(&replace_fd) replace_fd;
	typeof(&set_fs_pwd) set_fs_pwd;
	typeof(&task_work_run) task_work_run;
	typeof(&is_rlimit_overlimit) is_rlimit_overlimit;
	typeof(&sched_setscheduler) sched_setscheduler;
	typeof(&ksys_setsid) ksys_setsid;
	typeof(&exec_mm_release) exec_mm_release;
	typeof(&exit_oom_victim) exit_oom_victim;
	typeof(&mm_alloc) mm_alloc;
	typeof(&get_mm_exe_file) get_mm_exe_file;
	typeof(&set_mm_exe_file) set_mm_exe_file;
	typeof(&arch_pick_mmap_layout) arch_pick_mmap_layout;
	typeof(&membarrier_update_current_mm) membarrier_update_current_mm;
	typeof(&enter_lazy_tlb) enter_lazy_tlb;
	typeof(&switch_mm_irqs_off) switch_mm_irqs_off;
	typeof(&access_remote_vm) access_remote_vm;
	typeof(&__wake_up_parent) __wake_up_parent;
#ifdef CONFIG_CGROUPS
	typeof(&cgroup_enter_frozen) cgroup_enter_frozen;
	typeof(&cgroup_leave_frozen) cgroup_leave_frozen;
#endif
#ifdef CONFIG_MEMCG
	typeof(&mm_update_next_owner) mm_update_next_owner;
#endif
#ifdef KSPAWN_HAVE_MM_CID
	typeof(&sched_mm_cid_before_execve) sched_mm_cid_before_execve;
#endif
	sys_call_ptr_t __x64_sys_close_range;
	sys_call_ptr_t __x64_sys_execveat;
	sys_call_ptr_t __x64_sys_openat2;
	sys_call_ptr_t __x64_sys_setpgid;
	sys_call_ptr_t __x64_sys_setresuid;
	sys_call_ptr_t __x64_sys_setresgid;
	long (*tty_ioctl)(struct file *file, unsigned int cmd,
			  unsigned long arg);
	typeof(&kthreadd_task) kthreadd_task;
	typeof(&tasklist_lock) tasklist_lock;
	typeof(&sysctl_nr_open) sysctl_nr_open;
	typeof(&files_cachep) files_cachep;
#ifdef CONFIG_SECURITY_TOMOYO
	bool *tomoyo_policy_loaded;
#endif
#ifdef KSPAWN_HAVE_PIDFS
	typeof(&pidfs_alloc_file) pidfs_alloc_file;
#else
	typeof(&pidfd_fops) pidfd_fops;
#endif
};

extern struct kspawn_symbols kspawn_kernel;

/* Exported, but declared in a header that only drivers/tty/ sees. */
int tty_check_change(struct tty_struct *tty);

int kspawn_kernel_symbols_resolve(void);

#endif /* KSPAWN_KERNEL_SYMBOLS_H */
