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
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/task_work.h>
#include <linux/tty.h>
#include <linux/user_namespace.h>
#include <asm/syscall.h>

#ifdef KSPAWN_HAVE_PIDFS
#include <linux/pidfs.h>
#endif

/**
 * struct kspawn_symbols - what kspawn_resolve_symbols() finds
 *
 * The members have the names of what they point to.  setpgid, set*id and an
 * execve of lists in user memory have no inner function to call: their entry
 * points take the arguments in a struct pt_regs, and make every check there is.
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
	typeof(&dup_fd) dup_fd;
	typeof(&put_files_struct) put_files_struct;
	typeof(&replace_fd) replace_fd;
	typeof(&__close_range) __close_range;
	typeof(&set_fs_pwd) set_fs_pwd;
	typeof(&task_work_run) task_work_run;
	typeof(&is_rlimit_overlimit) is_rlimit_overlimit;
	typeof(&sched_setscheduler) sched_setscheduler;
	typeof(&ksys_setsid) ksys_setsid;
	sys_call_ptr_t __x64_sys_execve;
	sys_call_ptr_t __x64_sys_setpgid;
	sys_call_ptr_t __x64_sys_setresuid;
	sys_call_ptr_t __x64_sys_setresgid;
	long (*tty_ioctl)(struct file *file, unsigned int cmd,
			  unsigned long arg);
#ifdef KSPAWN_HAVE_PIDFS
	typeof(&pidfs_alloc_file) pidfs_alloc_file;
#else
	typeof(&pidfd_fops) pidfd_fops;
#endif
};

extern struct kspawn_symbols kspawn_kernel;

/* Exported, but declared in a header that only drivers/tty/ sees. */
int tty_check_change(struct tty_struct *tty);

int kspawn_resolve_symbols(void);

#endif /* KSPAWN_KERNEL_SYMBOLS_H */
