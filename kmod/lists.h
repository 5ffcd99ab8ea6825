/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The argument and environment lists, from the caller's memory to the new
 * program's stack.
 *
 * They are copied once, as the stream of strings that the stack is to have.
 * kernel_execve(), the exec that a module can call with lists, would find a
 * page of the new stack for each string anew.  A binary format of ours is asked
 * before all others instead; it puts the stream where the strings belong, page
 * by page, and lets the next format go on.
 */
#ifndef KSPAWN_LISTS_H
#define KSPAWN_LISTS_H

#include <linux/types.h>

struct kspawn_arena;
struct kspawn_request;

/**
 * struct kspawn_piece - a part of the stream that lies in one piece
 * @bytes: where
 * @size:  how many bytes
 * @next:  the part that follows
 */
struct kspawn_piece {
	const char *bytes;
	size_t size;
	struct kspawn_piece *next;
};

/**
 * struct kspawn_lists - the arguments, then the environment
 * @first:   the stream: strings with their NULs and nothing between them
 * @last:    its last part
 * @size:    bytes of all parts
 * @argc:    how many of the strings are arguments; at least one
 * @envc:    how many follow
 * @placed:  whether the stream is on the new stack of the exec under way
 * @refused: whether it could not be put there, since another format had
 *           already changed the arguments
 */
struct kspawn_lists {
	struct kspawn_piece *first;
	struct kspawn_piece *last;
	size_t size;
	int argc;
	int envc;
	bool placed;
	bool refused;
};

int kspawn_lists_copy(struct kspawn_lists *lists, struct kspawn_arena *arena,
		      u64 from, size_t *budget, int *count);
int kspawn_lists_to_user(struct kspawn_request *request,
			 const struct kspawn_lists *lists, unsigned long *argv,
			 unsigned long *envp, size_t *size);
void kspawn_lists_begin(struct kspawn_request *request);
void kspawn_lists_end(struct kspawn_request *request, int err);
void kspawn_lists_init(void);
void kspawn_lists_exit(void);

#endif /* KSPAWN_LISTS_H */
