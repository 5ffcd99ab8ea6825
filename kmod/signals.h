/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals during a call: blocked, as glibc and musl block them, for the calling
 * thread and so for the child, so that no action fails because a signal happened
 * to arrive.  SIGKILL, SIGSTOP and stops of a tracer are taken where a child in
 * user mode would take them: at the start, and where a step was interrupted.
 */
#ifndef KSPAWN_SIGNALS_H
#define KSPAWN_SIGNALS_H

#include <linux/signal_types.h>
#include <linux/types.h>

struct completion;
struct kspawn_request;

void kspawn_signals_block(sigset_t *before);
void kspawn_signals_restore(sigset_t mask);
int kspawn_signals_birth(struct kspawn_request *request);
bool kspawn_signals_is_restart(int err);
bool kspawn_signals_resume_wait(void);
int kspawn_signals_await(struct completion *what, unsigned int state);
bool kspawn_signals_interrupted(struct kspawn_request *request, int err);
bool kspawn_signals_is_killed(const struct kspawn_request *request);
sigset_t kspawn_signals_set(u64 bits);

#endif /* KSPAWN_SIGNALS_H */
