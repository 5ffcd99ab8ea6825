/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel functions that a module needs to start a process and that are not
 * exported.  A system call in the kernel's own tree would just call them.
 *
 * Each pointer to a function has the type of the kernel's own declaration, so a
 * signature that has changed is a compile error, where the module is built for
 * the kernel that it is loaded into.  The arguments of entry points of system
 * calls are ABI.
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
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/pipe_fs_i.h>
#include <linux/ptrace.h>
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
#ifdef KSPAWN_HAVE_EXEC_STATE
#include <linux/sched/exec_state.h>
#endif

/* It tells exec from exit by PF_EXITING. */
#ifdef KSPAWN_HAVE_MM_EXIT_EXEC_RELEASE
#define exec_mm_release	mm_exit_exec_release
#endif

/* Declared in no header that a module can see. */
long tty_ioctl(struct file *file, unsigned int command, unsigned long argument);
extern bool tomoyo_policy_loaded;

/*
 * The symbols that kspawn_kernel_symbols_resolve() finds.
 *
 * The members have the names of what they point to.  setpgid, set*id and calls
 * whose paths are relative to a descriptor have no inner function to call: their
 * entry points take the arguments in a struct pt_regs, and make every check there
 * is.
 */
struct kspawn_symbols {
/* checkpatch takes no other declaration in a macro than one of a union. */
#define FUNCTION(symbol)	union { typeof(&symbol) symbol; }
#define ENTRY_POINT(symbol)	sys_call_ptr_t symbol
#define ADDRESS(symbol)		union { typeof(&symbol) symbol; }
#include "kernel_symbols_list.h"
};

extern struct kspawn_symbols kspawn_kernel;

/* Exported, but declared in a header that only drivers/tty/ sees. */
int tty_check_change(struct tty_struct *tty);

int kspawn_kernel_symbols_resolve(void);

#endif /* KSPAWN_KERNEL_SYMBOLS_H */
