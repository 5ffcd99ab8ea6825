// SPDX-License-Identifier: GPL-2.0-only
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arena.h"

/*
 * Chunks double from the one size to the other: many kernels clear memory as
 * they allocate it, so none is to be much larger than what it is for.
 */
#define FIRST_CHUNK	SZ_1K
#define LAST_CHUNK	SZ_16K

struct chunk {
	struct list_head entry;
	char bytes[] __aligned(sizeof(u64));
};

/**
 * kspawn_arena_init() - start an arena in memory that its owner provides
 * @arena: the arena
 * @room:  memory aligned to 8 bytes that outlives it
 * @size:  its size in bytes
 */
void kspawn_arena_init(struct kspawn_arena *arena, void *room, size_t size)
{
	INIT_LIST_HEAD(&arena->chunks);
	arena->at = room;
	arena->left = size;
	arena->next = FIRST_CHUNK;
}

/**
 * kspawn_arena_free() - free all that was allocated from an arena
 * @arena: the arena
 */
void kspawn_arena_free(struct kspawn_arena *arena)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &arena->chunks, entry)
		kvfree(chunk);
}

static bool arena_grow(struct kspawn_arena *arena, size_t size)
{
	struct chunk *chunk;

	size = max_t(size_t, size, arena->next - sizeof(*chunk));
	arena->next = min_t(size_t, arena->next * 2, LAST_CHUNK);
	chunk = kvmalloc(struct_size(chunk, bytes, size), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return false;
	list_add(&chunk->entry, &arena->chunks);
	arena->at = chunk->bytes;
	arena->left = size;
	return true;
}

/**
 * kspawn_arena_room() - the free bytes of the current chunk, or of a new one
 * @arena: the arena
 * @at:    set to the first
 *
 * Return: how many there are; 0 when there is no memory.
 */
size_t kspawn_arena_room(struct kspawn_arena *arena, char **at)
{
	if (!arena->left && !arena_grow(arena, 1))
		return 0;
	*at = arena->at;
	return arena->left;
}

/**
 * kspawn_arena_alloc() - take memory from an arena
 * @arena: the arena
 * @size:  bytes, which the caller has bounded
 *
 * Return: memory aligned to 8 bytes, not cleared, or NULL.
 */
void *kspawn_arena_alloc(struct kspawn_arena *arena, size_t size)
{
	size_t pad = PTR_ALIGN(arena->at, sizeof(u64)) - arena->at;
	void *memory;

	if (pad + size > arena->left) {
		if (!arena_grow(arena, size))
			return NULL;
		pad = 0;
	}
	memory = arena->at + pad;
	kspawn_arena_take(arena, pad + size);
	return memory;
}

/* A string for which the current chunk has no room. */
static ssize_t copy_long_string(struct kspawn_arena *arena,
				const char __user *from, size_t limit,
				const char **to)
{
	long size = strnlen_user(from, limit);
	char *copy;

	if (!size)
		return -EFAULT;
	if (size > limit)
		return -ENAMETOOLONG;
	copy = kspawn_arena_alloc(arena, size);
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, from, size))
		return -EFAULT;
	/* It may have become longer since it was measured. */
	copy[size - 1] = '\0';
	*to = copy;
	return size;
}

/**
 * kspawn_arena_string() - copy a string from user space
 * @arena: where to
 * @from:  the string
 * @limit: the most bytes it may have with its NUL
 * @to:    set to the copy
 *
 * Return: the bytes that the copy takes, which are more than it seems to need
 * if the string has become shorter meanwhile; or -EFAULT, -ENOMEM, or
 * -ENAMETOOLONG when it is longer than @limit.
 */
ssize_t kspawn_arena_string(struct kspawn_arena *arena,
			    const char __user *from, size_t limit,
			    const char **to)
{
	size_t room = min(arena->left, limit);
	long length = 0;

	if (!limit)
		return -ENAMETOOLONG;
	if (room) {
		length = strncpy_from_user(arena->at, from, room);
		if (length < 0)
			return length;
	}
	if (length == room)
		return copy_long_string(arena, from, limit, to);
	*to = arena->at;
	kspawn_arena_take(arena, length + 1);
	return length + 1;
}
