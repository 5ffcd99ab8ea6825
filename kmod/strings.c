// SPDX-License-Identifier: GPL-2.0-only
#include <linux/align.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/binfmts.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "strings.h"

/*
 * Chunks double from the one size to the other: many kernels clear memory as
 * they allocate it, so none is to be much larger than what it is for.
 */
#define FIRST_CHUNK	SZ_1K
#define LAST_CHUNK	SZ_16K

/* A list of this many pointers is walked before others may run. */
#define RESCHED_EVERY	4096

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

static void arena_take(struct kspawn_arena *arena, size_t size)
{
	arena->at += size;
	arena->left -= size;
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
	arena_take(arena, pad + size);
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
	arena_take(arena, length + 1);
	return length + 1;
}

/* Pointers up to the null pointer, as execve() counts them. */
static long count_pointers(const char __user *const __user *from, size_t limit)
{
	const char __user *string;
	size_t count;

	for (count = 0; ; count++) {
		if (get_user(string, from + count))
			return -EFAULT;
		if (!string)
			return count;
		if (count == limit)
			return -E2BIG;
		if (count % RESCHED_EVERY == RESCHED_EVERY - 1) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
}

/*
 * Copy the strings at the start of a list that lie one behind the other in user
 * memory, as those that a program was started with do, in one go.  @vector
 * holds @count pointers to user space; the first ones are replaced.  Returns
 * how many.
 *
 * Each such string reaches to the next one at most.  What lies between the two
 * is copied as well; it is the caller's own.
 */
static long copy_block(struct kspawn_arena *arena, const char **vector,
		       long count)
{
	unsigned long start, next = 0;
	char *block = arena->at;
	long i, last;

	if (!count || !vector[0])
		return 0;
	start = (unsigned long)vector[0];
	for (last = 0; last + 1 < count; last++)
		if (vector[last + 1] <= vector[last] ||
		    (unsigned long)vector[last + 1] - start > arena->left)
			break;
	/* The end of the last one is not known. */
	if (!last ||
	    copy_from_user(block, (const char __user *)start,
			   (unsigned long)vector[last] - start))
		return 0;

	for (i = 0; i < last; i++) {
		unsigned long end = (unsigned long)vector[i + 1] - start;

		if (block[end - 1])
			break;
		vector[i] = block + next;
		next = end;
	}
	arena_take(arena, next);
	return i;
}

/**
 * kspawn_arena_vector() - copy an argument or environment list
 * @arena:  where to
 * @from:   char *const *, or 0 for an empty list
 * @budget: bytes that its pointers and strings may take; reduced by them
 *
 * Return: an array of strings that ends with NULL, or an error pointer:
 * -EFAULT, -ENOMEM, -EINTR, or -E2BIG when it is over the budget or one string
 * is longer than MAX_ARG_STRLEN.
 */
const char **kspawn_arena_vector(struct kspawn_arena *arena, u64 from,
				 size_t *budget)
{
	const char __user *const __user *pointers = u64_to_user_ptr(from);
	const char **vector;
	long i, count = 0;
	size_t size;

	if (pointers)
		count = count_pointers(pointers, *budget / sizeof(*vector));
	if (count < 0)
		return ERR_PTR(count);

	size = count * sizeof(*vector);
	vector = kspawn_arena_alloc(arena, size + sizeof(*vector));
	if (!vector)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(vector, pointers, size))
		return ERR_PTR(-EFAULT);
	*budget -= size;

	/*
	 * A block takes no more memory, and exec has the last word on the
	 * limit.  The list may have become shorter since it was counted.
	 */
	for (i = copy_block(arena, vector, count);
	     i < count && vector[i]; i++) {
		const char __user *string =
			(__force const char __user *)vector[i];
		size_t limit = min_t(size_t, *budget, MAX_ARG_STRLEN);
		ssize_t taken;

		taken = kspawn_arena_string(arena, string, limit, &vector[i]);
		if (taken == -ENAMETOOLONG)
			taken = -E2BIG;
		if (taken < 0)
			return ERR_PTR(taken);
		*budget -= taken;
		if (i % RESCHED_EVERY == RESCHED_EVERY - 1) {
			if (fatal_signal_pending(current))
				return ERR_PTR(-EINTR);
			cond_resched();
		}
	}
	vector[i] = NULL;
	return vector;
}
