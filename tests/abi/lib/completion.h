/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asynchronous starts, and the descriptor that tells what became of them. */
#ifndef KSPAWN_ABI_COMPLETION_H
#define KSPAWN_ABI_COMPLETION_H

#include <stdbool.h>

#include "spawn.h"

/* A completion descriptor, or -1 with errno. */
int completion_open(int device, __u32 capacity, __u32 flags);

/* Make the request an asynchronous one. */
void completion_use(struct spawn *s, int completion, __u64 cookie);

/* Whether there is an event to be read within @limit_ms. */
bool completion_ready(int completion, int limit_ms);

/* Read one event; false if there is none within 60 s. */
bool completion_next(int completion, struct kspawn_event *event);

/* A start of helpers/tiny, which succeeds, or @fails in its child: EBADF, of action 0. */
void completion_tiny(struct spawn *s, int completion, __u64 cookie, bool fails);

/* A start that is held, as by spawn_hold(), until spawn_release(); then it exits with 0. */
void completion_hold(struct spawn *s, int completion, __u64 cookie);

#endif /* KSPAWN_ABI_COMPLETION_H */
