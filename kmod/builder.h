/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builders: a child that waits in the kernel, and the descriptor by which it is
 * made what it is to be, one call at a time.
 */
#ifndef KSPAWN_BUILDER_H
#define KSPAWN_BUILDER_H

#include <linux/types.h>

struct file;
struct kspawn_builder;
struct kspawn_outcome;
struct kspawn_request;
struct kspawn_result;
struct pid;

/* The side of those who have the descriptor. */
struct file *kspawn_builder_create(struct kspawn_request *request);
int kspawn_builder_operate(struct kspawn_builder *builder,
			   struct kspawn_request *request,
			   struct kspawn_outcome *outcome,
			   struct kspawn_result *result);
bool kspawn_builder_is(const struct file *file);
void kspawn_builder_put(struct kspawn_builder *builder);

/* The child's side. */
void kspawn_builder_born(struct kspawn_request *base);
struct pid *kspawn_builder_creator(const struct kspawn_request *base);
struct kspawn_request *kspawn_builder_next(struct kspawn_request *base);
void kspawn_builder_done(struct kspawn_request *base,
			 struct kspawn_request *request);
bool kspawn_builder_commit(struct kspawn_request *base);
bool kspawn_builder_is_closed(const struct kspawn_request *base);
void kspawn_builder_end(struct kspawn_request *base);

#endif /* KSPAWN_BUILDER_H */
