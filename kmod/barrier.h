/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The barrier of the children of a batch.  They wait for each other twice: none
 * does anything before all exist, and none enters its program before the last has
 * been executed or has failed.
 */
#ifndef KSPAWN_BARRIER_H
#define KSPAWN_BARRIER_H

#include <linux/types.h>

struct kspawn_barrier;
struct kspawn_request;

/* The caller's side. */
struct kspawn_barrier *kspawn_barrier_create(u32 flags, u32 places);
void kspawn_barrier_put(struct kspawn_barrier *barrier);
void kspawn_barrier_admit(struct kspawn_barrier *barrier,
			  struct kspawn_request *request);
void kspawn_barrier_dismiss(struct kspawn_barrier *barrier,
			    struct kspawn_request *request);
void kspawn_barrier_open(struct kspawn_barrier *barrier);
void kspawn_barrier_call_off(struct kspawn_barrier *barrier);
int kspawn_barrier_await_all(struct kspawn_barrier *barrier);

/* The child's side. */
int kspawn_barrier_join(struct kspawn_request *request);
int kspawn_barrier_enter(struct kspawn_request *request);
bool kspawn_barrier_gives_up(struct kspawn_request *request, int err);
void kspawn_barrier_leave(struct kspawn_request *request);

#endif /* KSPAWN_BARRIER_H */
