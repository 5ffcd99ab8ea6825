/* SPDX-License-Identifier: GPL-2.0-only */
/* The caller's side of a request: from the system call to its result. */
#ifndef KSPAWN_SPAWN_H
#define KSPAWN_SPAWN_H

#include <linux/compiler.h>

#include "outcome.h"
#include "request.h"
#include "uapi/kspawn.h"

struct kspawn_builder;
struct pid;

/**
 * struct kspawn_attempt - one start, or one call of a builder, as its caller sees it
 * @call:    which
 * @args:    the scalars of what is asked for
 * @request: the copy of it; NULL: there is none yet, or no more
 * @outcome: why it has failed
 * @result:  what is told of it
 * @pidfd:   a number that is reserved for the child's pidfd, or negative
 * @child:   the child, with a reference, if its end is waited for; NULL otherwise
 * @id:      of the request, for traces; 0: there was none
 */
struct kspawn_attempt {
	enum kspawn_call call;
	struct kspawn_args args;
	struct kspawn_request *request;
	struct kspawn_outcome outcome;
	struct kspawn_result result;
	int pidfd;
	struct pid *child;
	u64 id;
};

long kspawn_spawn(enum kspawn_call call, struct kspawn_builder *builder,
		  const struct kspawn_args __user *user_args);

/* The steps of it. */
int kspawn_spawn_read(struct kspawn_attempt *attempt,
		      const struct kspawn_args __user *user_args);
int kspawn_spawn_equip(struct kspawn_attempt *attempt);
int kspawn_spawn_create(struct kspawn_attempt *attempt);
void kspawn_spawn_settle(struct kspawn_attempt *attempt, int ret);
int kspawn_spawn_wait(struct kspawn_attempt *attempt);
bool kspawn_spawn_is_repeated(int ret);
void kspawn_spawn_tell(struct kspawn_attempt *attempt, int ret);

#endif /* KSPAWN_SPAWN_H */
