/* SPDX-License-Identifier: GPL-2.0-only */
/* The caller's side of a request: from the system call to its result. */
#ifndef KSPAWN_SPAWN_H
#define KSPAWN_SPAWN_H

#include <linux/compiler.h>

struct kspawn_args;

long kspawn_spawn(const struct kspawn_args __user *user_args);

#endif /* KSPAWN_SPAWN_H */
