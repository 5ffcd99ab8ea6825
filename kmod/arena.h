/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for what a request brings from user space, freed as a whole.
 *
 * Small requests live in the room that the request was allocated with;
 * further chunks are added as they are needed.
 */
#ifndef KSPAWN_ARENA_H
#define KSPAWN_ARENA_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct kspawn_arena - memory that grows and is freed at once
 * @chunks: the further chunks
 * @at:     first free byte of the current chunk
 * @left:   free bytes from there
 * @next:   bytes of the next chunk, with its head
 */
struct kspawn_arena {
	struct list_head chunks;
	char *at;
	size_t left;
	size_t next;
};

void kspawn_arena_init(struct kspawn_arena *arena, void *room, size_t size);
void kspawn_arena_free(struct kspawn_arena *arena);
void *kspawn_arena_alloc(struct kspawn_arena *arena, size_t size);
size_t kspawn_arena_room(struct kspawn_arena *arena, char **at);
ssize_t kspawn_arena_string(struct kspawn_arena *arena,
			    const char __user *from, size_t limit,
			    const char **to);

/**
 * kspawn_arena_take() - take the next bytes of the current chunk
 * @arena: the arena
 * @size:  at most what kspawn_arena_room() has returned
 */
static inline void kspawn_arena_take(struct kspawn_arena *arena, size_t size)
{
	arena->at += size;
	arena->left -= size;
}

#endif /* KSPAWN_ARENA_H */
