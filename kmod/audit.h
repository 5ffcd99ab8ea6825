/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Audit records for what the child does in place of system calls.  Without
 * them a rule on execve() or a watch on a file would miss it.
 */
#ifndef KSPAWN_AUDIT_H
#define KSPAWN_AUDIT_H

#include <linux/audit.h>

#include "kernel_symbols.h"

/* Whether the system call of the current task is audited. */
static inline bool kspawn_audit_is_on(void)
{
	return audit_enabled && !audit_dummy_context();
}

/**
 * kspawn_audit_begin() - to the auditor, the child now makes a system call
 * @number: __NR_* of the call
 * @a0:     its arguments, here and below
 * @a1:     the second
 * @a2:     the third
 * @a3:     the fourth
 */
static inline void kspawn_audit_begin(int number, unsigned long a0,
				      unsigned long a1, unsigned long a2,
				      unsigned long a3)
{
	if (unlikely(audit_context()))
		kspawn_kernel.__audit_syscall_entry(number, a0, a1, a2, a3);
}

/**
 * kspawn_audit_end() - that call ends
 * @err: 0 or a negative errno
 */
static inline void kspawn_audit_end(int err)
{
	if (unlikely(audit_context()))
		kspawn_kernel.__audit_syscall_exit(!err, err);
}

#endif /* KSPAWN_AUDIT_H */
