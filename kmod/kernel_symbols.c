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

typedef unsigned long (*lookup_name_t)(const char *name);

/* kallsyms_lookup_name() is not exported, but a kprobe may sit on it. */
static lookup_name_t __init find_lookup_name(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	lookup_name_t lookup_name;
	int err;

	err = register_kprobe(&probe);
	if (err) {
		pr_err("no kprobe on kallsyms_lookup_name: error %d\n", err);
		return NULL;
	}
	lookup_name = (lookup_name_t)probe.addr;
	unregister_kprobe(&probe);
	return lookup_name;
}

/*
 * The kernel seals functions whose address it never takes: where indirect
 * branches are tracked, calling one through a pointer is a fault.
 */
static bool __init may_call(unsigned long address)
{
#ifdef CONFIG_X86_KERNEL_IBT
	if (cpu_feature_enabled(X86_FEATURE_IBT))
		return is_endbr(*(u32 *)address);
#endif
	return true;
}

/**
 * kspawn_resolve_symbols() - fill kspawn_kernel, once, as the module loads
 *
 * Return: 0, or -ENOENT with a message that names what this kernel lacks.
 */
int __init kspawn_resolve_symbols(void)
{
	lookup_name_t lookup_name = find_lookup_name();
	unsigned long address;

	if (!lookup_name)
		return -ENOENT;

#define KSPAWN_RESOLVE(member, name, type)				\
	do {								\
		address = lookup_name(name);				\
		if (!address) {						\
			pr_err("this kernel has no %s\n", name);	\
			return -ENOENT;					\
		}							\
		kspawn_kernel.member = (type)address;			\
	} while (0);
#define KSPAWN_RESOLVE_FUNCTION(member, name, type)			\
	KSPAWN_RESOLVE(member, name, type)				\
	if (!may_call(address)) {					\
		pr_err("%s is sealed; boot with ibt=off\n", name);	\
		return -ENOENT;						\
	}

	KSPAWN_FUNCTIONS(KSPAWN_RESOLVE_FUNCTION)
	KSPAWN_DATA(KSPAWN_RESOLVE)

#undef KSPAWN_RESOLVE_FUNCTION
#undef KSPAWN_RESOLVE
	return 0;
}
