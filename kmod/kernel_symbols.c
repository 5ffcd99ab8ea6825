// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/ibt.h>

#include "kernel_symbols.h"

#ifndef CONFIG_X86_64
#error "kspawn calls system call entry points with x86-64 registers"
#endif

struct kspawn_symbols kspawn_kernel __ro_after_init;

/**
 * struct symbol - one line of the table below
 * @name:   the kernel's name
 * @to:     member of kspawn_kernel
 * @called: whether it is a function that we call
 */
struct symbol {
	const char *name;
	unsigned long *to;
	bool called;
};

#define FUNCTION(symbol)						\
	{								\
		.name = #symbol,					\
		.to = (unsigned long *)&kspawn_kernel.symbol,		\
		.called = true,						\
	}
#define ADDRESS(symbol)							\
	{								\
		.name = #symbol,					\
		.to = (unsigned long *)&kspawn_kernel.symbol,		\
	}

static const struct symbol symbols[] __initconst = {
	FUNCTION(kernel_clone),
	FUNCTION(kernel_execve),
	FUNCTION(kernel_wait4),
	FUNCTION(do_exit),
	FUNCTION(do_group_exit),
	FUNCTION(get_signal),
	FUNCTION(__audit_syscall_entry),
	FUNCTION(__audit_syscall_exit),
	FUNCTION(put_files_struct),
	FUNCTION(replace_fd),
	FUNCTION(set_fs_pwd),
	FUNCTION(task_work_run),
	FUNCTION(is_rlimit_overlimit),
	FUNCTION(sched_setscheduler),
	FUNCTION(ksys_setsid),
	FUNCTION(exec_mm_release),
	FUNCTION(exit_oom_victim),
	FUNCTION(mm_alloc),
	FUNCTION(get_mm_exe_file),
	FUNCTION(set_mm_exe_file),
	FUNCTION(arch_pick_mmap_layout),
	FUNCTION(membarrier_update_current_mm),
	FUNCTION(enter_lazy_tlb),
	FUNCTION(switch_mm_irqs_off),
	FUNCTION(access_remote_vm),
	FUNCTION(__wake_up_parent),
#ifdef CONFIG_CGROUPS
	FUNCTION(cgroup_enter_frozen),
	FUNCTION(cgroup_leave_frozen),
#endif
#ifdef CONFIG_MEMCG
	FUNCTION(mm_update_next_owner),
#endif
#ifdef KSPAWN_HAVE_MM_CID
	FUNCTION(sched_mm_cid_before_execve),
#endif
	FUNCTION(__x64_sys_close_range),
	FUNCTION(__x64_sys_execveat),
	FUNCTION(__x64_sys_openat2),
	FUNCTION(__x64_sys_setpgid),
	FUNCTION(__x64_sys_setresuid),
	FUNCTION(__x64_sys_setresgid),
	ADDRESS(tty_ioctl),
	ADDRESS(kthreadd_task),
	ADDRESS(tasklist_lock),
	ADDRESS(sysctl_nr_open),
	ADDRESS(files_cachep),
#ifdef CONFIG_SECURITY_TOMOYO
	ADDRESS(tomoyo_policy_loaded),
#endif
#ifdef KSPAWN_HAVE_PIDFS
	FUNCTION(pidfs_alloc_file),
#else
	ADDRESS(pidfd_fops),
#endif
};

typedef unsigned long (*lookup_name_t)(const char *name);

#ifdef CONFIG_X86_KERNEL_IBT
/* is_endbr() has changed its argument between kernels, and is not exported. */
static bool __init begins_with_endbr(unsigned long address)
{
	return *(u32 *)address == gen_endbr();
}

static bool __init begins_with_any_endbr(unsigned long address)
{
	return begins_with_endbr(address) ||
	       *(u32 *)address == gen_endbr_poison();
}
#endif

/*
 * Where indirect branches are tracked, a function can be called through a
 * pointer only if it begins with an endbr; the kernel takes that away from
 * functions whose address it never needs.
 */
static bool __init may_call(unsigned long address)
{
#ifdef CONFIG_X86_KERNEL_IBT
	if (cpu_feature_enabled(X86_FEATURE_IBT))
		return begins_with_endbr(address);
#endif
	return true;
}

/* kallsyms_lookup_name() is not exported, but a kprobe may sit on it. */
static lookup_name_t __init find_lookup_name(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long address;
	int err;

	err = register_kprobe(&probe);
	if (err) {
		pr_err("no kprobe on kallsyms_lookup_name: error %d\n", err);
		return NULL;
	}
	address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
#ifdef CONFIG_X86_KERNEL_IBT
	/* The probe sits behind it. */
	if (begins_with_any_endbr(address - ENDBR_INSN_SIZE))
		address -= ENDBR_INSN_SIZE;
#endif
	if (!may_call(address)) {
		pr_err("kallsyms_lookup_name is sealed; boot with ibt=off\n");
		return NULL;
	}
	return (lookup_name_t)address;
}

/**
 * kspawn_kernel_symbols_resolve() - fill kspawn_kernel, once, as the module loads
 *
 * Return: 0, or -ENOENT with a message that names what this kernel lacks.
 */
int __init kspawn_kernel_symbols_resolve(void)
{
	lookup_name_t lookup_name = find_lookup_name();
	size_t i;

	if (boot_cpu_has(X86_FEATURE_XENPV)) {
		/* A new memory must be pinned by functions that we do not call. */
		pr_err("a Xen PV guest is not supported\n");
		return -ENODEV;
	}
	if (!lookup_name)
		return -ENOENT;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		const struct symbol *symbol = &symbols[i];
		unsigned long address = lookup_name(symbol->name);

		if (!address) {
			pr_err("this kernel has no %s\n", symbol->name);
			return -ENOENT;
		}
		if (symbol->called && !may_call(address)) {
			pr_err("%s is sealed; boot with ibt=off\n",
			       symbol->name);
			return -ENOENT;
		}
		*symbol->to = address;
	}
	return 0;
}
