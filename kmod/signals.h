/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals while a child is being set up: blocked, as glibc and musl block them
 * in theirs, so that no action fails because a signal happened to arrive.
 * What cannot be blocked is taken where a child in user mode would take it: at
 * the start, and where a step was interrupted.
 */
#ifndef KSPAWN_SIGNALS_H
#define KSPAWN_SIGNALS_H

#include <linux/signal_types.h>
#include <linux/types.h>

struct kspawn_request;

sigset_t kspawn_block_signals(struct kspawn_request *request);
void kspawn_restore_signals(sigset_t mask);
bool kspawn_is_restart(int err);
bool kspawn_interrupted(struct kspawn_request *request, int err);
bool kspawn_is_killed(const struct kspawn_request *request);
sigset_t kspawn_sigset(u64 bits);

#endif /* KSPAWN_SIGNALS_H */
