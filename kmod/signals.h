/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals while a child is being set up: blocked, as glibc and musl block them
 * in theirs, so that no action fails because a signal happened to arrive.
 */
#ifndef KSPAWN_SIGNALS_H
#define KSPAWN_SIGNALS_H

#include <linux/signal_types.h>
#include <linux/types.h>

sigset_t kspawn_block_signals(void);
void kspawn_restore_signals(sigset_t mask);
bool kspawn_interrupted(int err);
sigset_t kspawn_sigset(u64 bits);

#endif /* KSPAWN_SIGNALS_H */
