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

static int __init resolve(lookup_name_t lookup_name, const char *name,
			  void *to, bool called)
{
	unsigned long address = lookup_name(name);

	if (!address) {
		pr_err("this kernel has no %s\n", name);
		return -ENOENT;
	}
	if (called && !may_call(address)) {
		pr_err("%s is sealed; boot with ibt=off\n", name);
		return -ENOENT;
	}
	*(unsigned long *)to = address;
	return 0;
}

/**
 * kspawn_kernel_symbols_resolve() - fill kspawn_kernel, once, as the module loads
 *
 * Return: 0, or -ENOENT with a message that names what this kernel lacks, or
 * -ENODEV on a machine that is not supported.
 */
int __init kspawn_kernel_symbols_resolve(void)
{
	lookup_name_t lookup_name = find_lookup_name();
	int err = 0;

	if (boot_cpu_has(X86_FEATURE_XENPV)) {
		/* A new memory must be pinned by functions that we do not call. */
		pr_err("a Xen PV guest is not supported\n");
		return -ENODEV;
	}
	if (!lookup_name)
		return -ENOENT;

#define RESOLVE(symbol, called)						\
	(err = err ?: resolve(lookup_name, #symbol,			\
			      &kspawn_kernel.symbol, called))
#define FUNCTION(symbol)	RESOLVE(symbol, true)
#define ENTRY_POINT(symbol)	RESOLVE(symbol, true)
#define ADDRESS(symbol)		RESOLVE(symbol, false)
#include "kernel_symbols_list.h"
	return err;
}
