/* SPDX-License-Identifier: GPL-2.0-only */
/* Several starts in one call: the side of their caller. */
#ifndef KSPAWN_BATCH_H
#define KSPAWN_BATCH_H

#include <linux/compiler.h>

struct kspawn_batch;

long kspawn_batch_start(const struct kspawn_batch __user *user_batch);

#endif /* KSPAWN_BATCH_H */
