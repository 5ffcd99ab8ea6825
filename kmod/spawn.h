/* SPDX-License-Identifier: GPL-2.0-only */
/* The caller's side of a request: from the system call to its result. */
#ifndef KSPAWN_SPAWN_H
#define KSPAWN_SPAWN_H

#include <linux/compiler.h>

#include "request.h"

long kspawn_spawn(enum kspawn_call call, struct kspawn_builder *builder,
		  const struct kspawn_args __user *user_args);

#endif /* KSPAWN_SPAWN_H */
