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

#include <linux/binfmts.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/syscalls.h>
#include <linux/task_work.h>
#include <linux/tty.h>
#include <linux/user_namespace.h>
#include <asm/syscall.h>

/* Since pidfds have a file system of their own, it makes their files. */
#if __has_include(<linux/pidfs.h>)
#include <linux/pidfs.h>
#define KSPAWN_HAVE_PIDFS	1
#else
#define KSPAWN_HAVE_PIDFS	0
#endif

/*
 * X(member, kernel's name, type).  System calls have no callable inner
 * function for setpgid and set*id; their entry points take their arguments in
 * a struct pt_regs, and do every check there is.
 */
#define KSPAWN_FUNCTIONS(X)						\
	X(kernel_clone, "kernel_clone", typeof(&kernel_clone))		\
	X(kernel_execve, "kernel_execve", typeof(&kernel_execve))	\
	X(kernel_wait4, "kernel_wait4", typeof(&kernel_wait4))		\
	X(do_exit, "do_exit", typeof(&do_exit))				\
	X(dup_fd, "dup_fd", typeof(&dup_fd))				\
	X(put_files_struct, "put_files_struct",				\
	  typeof(&put_files_struct))					\
	X(replace_fd, "replace_fd", typeof(&replace_fd))		\
	X(close_range, "__close_range", typeof(&__close_range))		\
	X(set_fs_pwd, "set_fs_pwd", typeof(&set_fs_pwd))		\
	X(task_work_run, "task_work_run", typeof(&task_work_run))	\
	X(is_rlimit_overlimit, "is_rlimit_overlimit",			\
	  typeof(&is_rlimit_overlimit))					\
	X(sched_setscheduler, "sched_setscheduler",			\
	  typeof(&sched_setscheduler))					\
	X(setsid, "ksys_setsid", typeof(&ksys_setsid))			\
	X(sys_setpgid, "__x64_sys_setpgid", sys_call_ptr_t)		\
	X(sys_setresuid, "__x64_sys_setresuid", sys_call_ptr_t)		\
	X(sys_setresgid, "__x64_sys_setresgid", sys_call_ptr_t)		\
	X(tty_ioctl, "tty_ioctl",					\
	  typeof_member(struct file_operations, unlocked_ioctl))	\
	KSPAWN_PIDFS_FUNCTIONS(X)

#if KSPAWN_HAVE_PIDFS
#define KSPAWN_PIDFS_FUNCTIONS(X)					\
	X(pidfs_alloc_file, "pidfs_alloc_file", typeof(&pidfs_alloc_file))
#define KSPAWN_DATA(X)
#else
#define KSPAWN_PIDFS_FUNCTIONS(X)
#define KSPAWN_DATA(X)							\
	X(pidfd_fops, "pidfd_fops", typeof(&pidfd_fops))
#endif

/**
 * struct kspawn_symbols - what kspawn_resolve_symbols() found
 *
 * One member for each line of KSPAWN_FUNCTIONS() and KSPAWN_DATA().
 */
struct kspawn_symbols {
#define KSPAWN_MEMBER(member, name, type)	type member;
	KSPAWN_FUNCTIONS(KSPAWN_MEMBER)
	KSPAWN_DATA(KSPAWN_MEMBER)
#undef KSPAWN_MEMBER
};

/* Exported, but declared in a header that only drivers/tty/ sees. */
int tty_check_change(struct tty_struct *tty);

extern struct kspawn_symbols kspawn_kernel;

int kspawn_resolve_symbols(void);

#endif /* KSPAWN_KERNEL_SYMBOLS_H */
