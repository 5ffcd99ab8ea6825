/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The child's memory before its program: not its caller's.  Mostly none, as a
 * kernel thread has none; a small one of its own where the arguments of a
 * system call must lie in user memory.
 */
#ifndef KSPAWN_MEMORY_H
#define KSPAWN_MEMORY_H

#include <linux/types.h>

struct kspawn_request;

int kspawn_memory_leave(struct kspawn_request *request);
bool kspawn_memory_is_needed(const struct kspawn_request *request);
void kspawn_memory_uncharge(void);
void kspawn_memory_hide(void);
int kspawn_memory_make(struct kspawn_request *request);
unsigned long kspawn_memory_map(struct kspawn_request *request, size_t size);
unsigned long kspawn_memory_scratch(struct kspawn_request *request);
unsigned long kspawn_memory_string(struct kspawn_request *request,
				   const char *string);

#endif /* KSPAWN_MEMORY_H */
