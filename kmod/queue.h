/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Completion descriptors: queues of events that tell what became of
 * asynchronous starts.  Each start takes a slot before there is a child, so
 * telling its end cannot fail.
 */
#ifndef KSPAWN_QUEUE_H
#define KSPAWN_QUEUE_H

#include <linux/compiler.h>

struct kspawn_completion;
struct kspawn_queue_slot;
struct kspawn_request;

int kspawn_queue_create(const struct kspawn_completion __user *from);
struct kspawn_queue_slot *kspawn_queue_reserve(int fd, u64 cookie);
void kspawn_queue_cancel(struct kspawn_queue_slot *slot);
void kspawn_queue_post(struct kspawn_request *request);

#endif /* KSPAWN_QUEUE_H */
