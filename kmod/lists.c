// SPDX-License-Identifier: GPL-2.0-only
#include <linux/binfmts.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "arena.h"
#include "kernel_symbols.h"
#include "lists.h"
#include "memory.h"
#include "request.h"

/* Pointers of a list that are read at a time. */
#define BATCH	32

/* One entry of argv or envp.  Exec counts it against the limit of all strings. */
#define POINTER	sizeof(u64)

/* Make the next @size bytes of the arena, already written, part of the stream. */
static void append(struct kspawn_lists *lists, struct kspawn_arena *arena,
		   size_t size)
{
	lists->last->size += size;
	kspawn_arena_take(arena, size);
}

/* A new piece of the stream, with room for what follows. */
static ssize_t begin_piece(struct kspawn_lists *lists,
			   struct kspawn_arena *arena, char **at)
{
	struct kspawn_piece *piece;
	size_t room;

	piece = kspawn_arena_alloc(arena, sizeof(*piece));
	if (!piece)
		return -ENOMEM;
	room = kspawn_arena_room(arena, at);
	if (!room)
		return -ENOMEM;
	*piece = (struct kspawn_piece) { .bytes = *at };
	if (lists->last)
		lists->last->next = piece;
	else
		lists->first = piece;
	lists->last = piece;
	return room;
}

/* Room for more of the stream: behind what is there, or in a new piece. */
static __always_inline ssize_t make_room(struct kspawn_lists *lists,
					 struct kspawn_arena *arena, char **at)
{
	const struct kspawn_piece *last = lists->last;

	if (unlikely(!last || !arena->left ||
		     last->bytes + last->size != arena->at))
		return begin_piece(lists, arena, at);
	*at = arena->at;
	return arena->left;
}

/*
 * Copy one string of at most @limit bytes with its NUL.  Returns its bytes.  A
 * string that changes meanwhile is copied as some bytes that end with one NUL.
 */
static ssize_t copy_string(struct kspawn_lists *lists,
			   struct kspawn_arena *arena,
			   const char __user *from, size_t limit)
{
	size_t copied = 0;

	while (copied < limit) {
		ssize_t room, length;
		char *at;

		room = make_room(lists, arena, &at);
		if (room < 0)
			return room;
		room = min_t(size_t, room, limit - copied);
		length = strncpy_from_user(at, from + copied, room);
		if (length < 0)
			return length;
		if (length < room) {
			append(lists, arena, length + 1);
			return copied + length + 1;
		}
		append(lists, arena, room);
		copied += room;
	}
	return -E2BIG;
}

/* Returns 1, the number of strings it is, or a negative errno. */
static int append_empty_string(struct kspawn_lists *lists,
			       struct kspawn_arena *arena)
{
	ssize_t room;
	char *at;

	room = make_room(lists, arena, &at);
	if (room < 0)
		return room;
	*at = '\0';
	append(lists, arena, 1);
	lists->size++;
	return 1;
}

/*
 * Copy one list.  Returns how many strings it has.  A pointer is read once; the
 * list ends at the first null pointer that is met.
 */
static long copy_list(struct kspawn_lists *lists, struct kspawn_arena *arena,
		      u64 from, size_t *budget)
{
	const char __user *const __user *pointers = u64_to_user_ptr(from);
	const char __user *batch[BATCH];
	size_t left = *budget;
	long count = 0;
	int i, have;

	if (!pointers)
		return 0;
	for (;; pointers += have) {
		/* No page is touched that execve() would not touch. */
		have = min_t(size_t, BATCH, DIV_ROUND_UP(PAGE_SIZE -
				offset_in_page(pointers), POINTER));
		if (copy_from_user(batch, pointers, have * POINTER)) {
			/* The list may end before what cannot be read. */
			if (get_user(batch[0], pointers))
				return -EFAULT;
			have = 1;
		}
		for (i = 0; i < have; i++, count++) {
			ssize_t size;
			size_t limit;

			if (!batch[i]) {
				lists->size += *budget - left - count * POINTER;
				*budget = left;
				return count;
			}
			if (left <= POINTER)
				return -E2BIG;
			left -= POINTER;
			limit = min_t(size_t, left, MAX_ARG_STRLEN);
			size = copy_string(lists, arena, batch[i], limit);
			if (size < 0)
				return size;
			left -= size;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

/**
 * kspawn_lists_copy() - copy one list: the arguments, then the environment
 * @lists:  the lists
 * @arena:  where to
 * @from:   char *const *, or 0 for an empty list
 * @budget: bytes that pointers and strings may take; reduced by them
 * @count:  argc or envc of @lists: which one; set
 *
 * An empty list of arguments becomes one empty string, as with execve().
 *
 * Return: 0, or -EFAULT, -ENOMEM, -EINTR, or -E2BIG when the list is over the
 * budget or one string is longer than MAX_ARG_STRLEN.
 */
int kspawn_lists_copy(struct kspawn_lists *lists, struct kspawn_arena *arena,
		      u64 from, size_t *budget, int *count)
{
	long copied = copy_list(lists, arena, from, budget);

	if (!copied && count == &lists->argc)
		copied = append_empty_string(lists, arena);
	if (copied < 0)
		return copied;
	*count = copied;
	return 0;
}

static int write_lists(const struct kspawn_lists *lists,
		       unsigned long __user *pointer)
{
	const struct kspawn_piece *piece = lists->first;
	char __user *string;
	bool begins = true;
	int left = lists->argc;

	string = (char __user *)(pointer + lists->argc + lists->envc + 2);
	for (; piece; piece = piece->next) {
		size_t i;

		if (copy_to_user(string, piece->bytes, piece->size))
			return -ENOMEM;
		for (i = 0; i < piece->size; i++) {
			if (begins) {
				if (!left-- && put_user(0UL, pointer++))
					return -ENOMEM;
				if (put_user((unsigned long)(string + i),
					     pointer++))
					return -ENOMEM;
			}
			begins = !piece->bytes[i];
		}
		string += piece->size;
		cond_resched();
	}
	if (!lists->envc && put_user(0UL, pointer++))
		return -ENOMEM;
	return put_user(0UL, pointer) ? -ENOMEM : 0;
}

/**
 * kspawn_lists_to_user() - write the lists as execve() takes them
 * @request: the request of the child, which is current
 * @lists:   the lists
 * @argv:    set to the address of the argument list
 * @envp:    set to the address of the environment list
 * @size:    set to the bytes that both take, from @argv on
 *
 * Return: 0, or -ENOMEM or -EINTR.  After success memory is left to be unmapped,
 * or to go with an exec.
 */
int kspawn_lists_to_user(struct kspawn_request *request,
			 const struct kspawn_lists *lists, unsigned long *argv,
			 unsigned long *envp, size_t *size)
{
	unsigned long at;
	int err;

	*size = lists->size + (lists->argc + lists->envc + 2) * POINTER;
	at = kspawn_memory_map(request, *size);
	if (IS_ERR_VALUE(at))
		return at;
	err = write_lists(lists, (unsigned long __user *)at);
	if (err)
		vm_munmap(at, *size);
	*argv = at;
	*envp = at + (lists->argc + 1) * POINTER;
	return err;
}

/**
 * kspawn_lists_begin() - have the lists placed by the exec that follows
 * @request: the request of the child, which is current
 *
 * The exec is given one empty argument, and no environment.
 */
void kspawn_lists_begin(struct kspawn_request *request)
{
	WARN_ON_ONCE(current->worker_private);
	request->lists.placed = false;
	request->lists.refused = false;
	/* Kernel threads and workers only have a use for it; this is neither. */
	current->worker_private = request;
}

/**
 * kspawn_lists_end() - that exec is over
 * @request: the request of the child, which is current
 * @err:     what the exec returned
 *
 * A format that somebody has put before ours can have loaded the program
 * without asking it.  That program is not to run: its arguments are missing.
 */
void kspawn_lists_end(struct kspawn_request *request, int err)
{
	current->worker_private = NULL;
	if (!err && !request->lists.placed)
		force_sig(SIGKILL);
}

#ifdef PF_USER_WORKER
#define PF_HAS_PRIVATE	(PF_KTHREAD | PF_USER_WORKER | PF_IO_WORKER)
#else
#define PF_HAS_PRIVATE	(PF_KTHREAD | PF_IO_WORKER)
#endif

/* The request that is being executed, or NULL: this exec is somebody else's. */
static struct kspawn_request *request_of_exec(void)
{
	if (likely(!current->worker_private) ||
	    (current->flags & PF_HAS_PRIVATE))
		return NULL;
	return current->worker_private;
}

static int place(struct linux_binprm *bprm, struct kspawn_lists *lists)
{
	size_t pointers = (lists->argc + lists->envc - 1) * POINTER;
	const struct kspawn_piece *piece;
	unsigned long at;

	might_sleep();
	/* As bprm_stack_limits() and copy_strings() have it. */
	if (bprm->argmin >= bprm->exec ||
	    pointers + lists->size > bprm->exec - bprm->argmin)
		return -E2BIG;
	at = bprm->exec - lists->size;
	bprm->p = at;
	for (piece = lists->first; piece; piece = piece->next) {
		int size = piece->size;

		if (kspawn_kernel.access_remote_vm(bprm->mm, at,
						   (void *)piece->bytes, size,
						   FOLL_WRITE) !=
		    size)
			return fatal_signal_pending(current) ? -EINTR : -E2BIG;
		at += size;
		cond_resched();
	}
	bprm->argmin += pointers;
	bprm->argc = lists->argc;
	bprm->envc = lists->envc;
	lists->placed = true;
	return 0;
}

/*
 * Asked for every program that is executed on this machine, and again for the
 * interpreter of a script, whose arguments are added to ours.
 */
static int load_binary(struct linux_binprm *bprm)
{
	struct kspawn_request *request = request_of_exec();
	struct kspawn_lists *lists;
	int err;

	if (likely(!request))
		return -ENOEXEC;
	lists = &request->lists;
	if (lists->placed)
		return -ENOEXEC;
	/* More than the empty argument is there already. */
	if (bprm->argc != 1 || bprm->envc || bprm->p != bprm->exec - 1) {
		lists->refused = true;
		return -EAGAIN;
	}
	err = place(bprm, lists);
	return err ?: -ENOEXEC;
}

static struct linux_binfmt format = {
	.module		= THIS_MODULE,
	.load_binary	= load_binary,
};

/**
 * kspawn_lists_init() - be asked about every exec
 */
void kspawn_lists_init(void)
{
	insert_binfmt(&format);
}

/**
 * kspawn_lists_exit() - be asked no more; no exec of ours is under way
 */
void kspawn_lists_exit(void)
{
	unregister_binfmt(&format);
}
