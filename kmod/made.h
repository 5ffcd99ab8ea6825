/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that a start makes: one is the child's, and of two that belong
 * together the other is for whoever makes the call.
 *
 * Both files are made in the caller, whose limits count.  The child's is in no
 * table before it is in the child's.  The caller's gets its number early, and its
 * place in the table when nothing can fail any more: until then no thread that
 * forks or starts a program finds it there, and it is close-on-exec from then on.
 */
#ifndef KSPAWN_MADE_H
#define KSPAWN_MADE_H

#include <linux/types.h>

#include "uapi/kspawn.h"

struct file;
struct kspawn_file_action;
struct kspawn_outcome;
struct kspawn_request;

/**
 * struct kspawn_making - how an operation makes what the child is to have
 * @oflags: what oflag of the action may have
 * @modes:  bit N is set if mode may be N; 0: mode is the size of what is at path
 * @make:   sets action->file, and *@other unless it is NULL; returns 0 or a
 *          negative errno, with nothing made
 */
struct kspawn_making {
	u64 oflags;
	u64 modes;
	int (*make)(struct kspawn_file_action *action, struct file **other);
};

extern const struct kspawn_making kspawn_made_pipe, kspawn_made_socketpair;
extern const struct kspawn_making kspawn_made_memfd;

bool kspawn_made_valid(const struct kspawn_making *making,
		       const struct kspawn_action *from);
int kspawn_made_note(struct kspawn_request *request,
		     struct kspawn_file_action *action, u64 path,
		     size_t *budget);
int kspawn_made_prepare(struct kspawn_request *request,
			struct kspawn_outcome *outcome);
int kspawn_made_connect(struct kspawn_request *writer,
			struct kspawn_request *reader);
void kspawn_made_bequeath(struct kspawn_request *request,
			  struct kspawn_request *before,
			  struct kspawn_request *after);
int kspawn_made_take_standard(struct kspawn_request *request);
void kspawn_made_disconnect(struct kspawn_request *request);
void kspawn_made_settle(struct kspawn_request *request, bool started);

#endif /* KSPAWN_MADE_H */
