// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "descriptors.h"
#include "kernel_symbols.h"

/* The slots that struct files_struct itself has room for. */
#define LOW	NR_OPEN_DEFAULT

/**
 * kspawn_descriptors_finish_closing() - do what closing has left to be done
 *
 * The last reference to a file is given back on the way to user mode.  For a
 * child that comes only after exec, when a file that was open for writing would
 * still be; its caller may wait for long.
 */
void kspawn_descriptors_finish_closing(void)
{
	if (task_work_pending(current))
		kspawn_kernel.task_work_run();
}

/**
 * kspawn_descriptors_slots() - the size of the current table
 *
 * Return: no descriptor that is open now has this number or a larger one.
 */
unsigned int kspawn_descriptors_slots(void)
{
	unsigned int slots;

	rcu_read_lock();
	slots = files_fdtable(current->files)->max_fds;
	rcu_read_unlock();
	return slots;
}

/* The descriptors of one word that are open and not close-on-exec. */
static unsigned long inherited(const struct fdtable *fdt, unsigned int word)
{
	return fdt->open_fds[word] & ~fdt->close_on_exec[word];
}

/* The descriptors of one word of @fdt that the child gets. */
static unsigned long select_word(const struct kspawn_selection *selection,
				 const struct fdtable *fdt, unsigned int word)
{
	unsigned int first = word * BITS_PER_LONG;
	unsigned long selected = 0;

	if (!selection->only_named && selection->bound > first) {
		selected = inherited(fdt, word);
		if (selection->bound - first < BITS_PER_LONG)
			selected &= BIT_MASK(selection->bound) - 1;
	}
	if (word < selection->words)
		selected |= fdt->open_fds[word] & (selection->named[word] |
						   selection->reached[word]);
	return selected;
}

/* The words that can have something for the child. */
static unsigned int count_words(const struct kspawn_selection *selection,
				const struct fdtable *fdt)
{
	unsigned int words = 0;

	if (!selection->only_named)
		words = DIV_ROUND_UP_ULL(selection->bound, BITS_PER_LONG);
	words = max(words, selection->words);
	return min_t(unsigned int, words, fdt->max_fds / BITS_PER_LONG);
}

/*
 * The first word from @word on that may have something for the child, or @end.
 * Nearly all of a large table is close-on-exec: four words at a time take half
 * of the instructions that find_next_andnot_bit() does.
 */
static unsigned int next_word(const struct kspawn_selection *selection,
			      const struct fdtable *fdt, unsigned int word,
			      unsigned int end)
{
	while (word < end && word < selection->words &&
	       !select_word(selection, fdt, word))
		word++;
	if (word < selection->words || selection->only_named)
		return word;
	while (word + 4 <= end &&
	       !(inherited(fdt, word) | inherited(fdt, word + 1) |
		 inherited(fdt, word + 2) | inherited(fdt, word + 3)))
		word += 4;
	while (word < end && !inherited(fdt, word))
		word++;
	return word;
}

/* Put what is selected of one word of @from into @to, which has nothing there. */
static void take_word(struct fdtable *to, const struct fdtable *from,
		      const struct kspawn_selection *selection,
		      unsigned int word)
{
	unsigned long selected = select_word(selection, from, word);
	unsigned long hidden = from->close_on_exec[word];
	unsigned int first = word * BITS_PER_LONG;
	unsigned long left, taken = selected;

	/* Half of the instructions that for_each_set_bit() takes. */
	for (left = selected; left; left &= left - 1) {
		unsigned int bit = __ffs(left);
		struct file *file =
			rcu_dereference_protected(from->fd[first + bit],
				lockdep_is_held(&current->files->file_lock));

		/* A slot without a file has not been installed yet. */
		if (file)
			rcu_assign_pointer(to->fd[first + bit], get_file(file));
		else
			taken &= ~BIT(bit);
	}
	to->open_fds[word] = taken;
	if (selection->only_named && taken)
		hidden |= ~selection->named[word];
	to->close_on_exec[word] = hidden & taken;
	if (!~taken)
		__set_bit(word, to->full_fds_bits);
}

/* An empty table for a few descriptors, as dup_fd() in fs/file.c makes it. */
static struct files_struct *make_table(void)
{
	struct files_struct *files;
	struct fdtable *fdt;

	files = kmem_cache_zalloc(*kspawn_kernel.files_cachep, GFP_KERNEL);
	if (!files)
		return NULL;
	atomic_set(&files->count, 1);
	spin_lock_init(&files->file_lock);
	init_waitqueue_head(&files->resize_wait);
	fdt = &files->fdtab;
	fdt->max_fds = LOW;
	fdt->close_on_exec = files->close_on_exec_init;
	fdt->open_fds = files->open_fds_init;
	fdt->full_fds_bits = files->full_fds_bits_init;
	fdt->fd = files->fd_array;
	rcu_assign_pointer(files->fdt, fdt);
	return files;
}

/* Replace an empty table by one of @slots, as alloc_fdtable() makes it. */
static int grow_table(struct files_struct *files, unsigned int slots)
{
	struct fdtable *old = rcu_dereference_raw(files->fdt);
	unsigned int limit = READ_ONCE(*kspawn_kernel.sysctl_nr_open);
	struct fdtable *fdt;
	unsigned int size;
	size_t words;

	size = roundup_pow_of_two(slots);
	if (size > limit)
		size = round_down(limit, BITS_PER_LONG);
	if (size < slots || size > INT_MAX / sizeof(*fdt->fd))
		return -EMFILE;
	words = size / BITS_PER_LONG;

	fdt = kmalloc(sizeof(*fdt), GFP_KERNEL_ACCOUNT);
	if (!fdt)
		return -ENOMEM;
	fdt->max_fds = size;
	fdt->fd = kvcalloc(size, sizeof(*fdt->fd), GFP_KERNEL_ACCOUNT);
	if (!fdt->fd)
		goto no_slots;
	fdt->open_fds = kvcalloc(2 * words + BITS_TO_LONGS(words),
				 sizeof(*fdt->open_fds), GFP_KERNEL_ACCOUNT);
	if (!fdt->open_fds)
		goto no_bitmaps;
	fdt->close_on_exec = fdt->open_fds + words;
	fdt->full_fds_bits = fdt->close_on_exec + words;

	rcu_assign_pointer(files->fdt, fdt);
	if (old != &files->fdtab) {
		kvfree(old->fd);
		kvfree(old->open_fds);
		kfree(old);
	}
	return 0;

no_bitmaps:
	kvfree(fdt->fd);
no_slots:
	kfree(fdt);
	return -ENOMEM;
}

/* How many slots the selected descriptors above the low ones take; or 0. */
static unsigned int count_slots(const struct fdtable *fdt,
				const struct kspawn_selection *selection,
				unsigned int words)
{
	unsigned int word, slots = 0;

	for (word = next_word(selection, fdt, 1, words); word < words;
	     word = next_word(selection, fdt, word + 1, words)) {
		unsigned long selected = select_word(selection, fdt, word);

		if (selected)
			slots = word * BITS_PER_LONG + __fls(selected) + 1;
	}
	return slots;
}

/*
 * Take all that is selected of @from, if @to has enough slots.  Returns how many
 * it takes.
 */
static unsigned int take_selected(struct fdtable *to, struct files_struct *from,
				  const struct kspawn_selection *selection)
{
	unsigned int word, words, slots;
	struct fdtable *fdt;

	lockdep_assert_held(&from->file_lock);

	fdt = files_fdtable(from);
	words = count_words(selection, fdt);
	if (!words)
		return 0;
	slots = count_slots(fdt, selection, words);
	if (slots > to->max_fds)
		return slots;
	take_word(to, fdt, selection, 0);
	if (!slots)
		return 0;
	words = DIV_ROUND_UP(slots, BITS_PER_LONG);
	for (word = next_word(selection, fdt, 1, words); word < words;
	     word = next_word(selection, fdt, word + 1, words))
		take_word(to, fdt, selection, word);
	return slots;
}

/**
 * kspawn_descriptors_snapshot() - take the caller's descriptors for a child
 * @selection: which
 *
 * All are taken under one hold of the table's lock: a thread that opens,
 * closes or marks descriptors does so before or after, for all of them.
 *
 * Return: a table that nobody uses yet, or an error pointer: -ENOMEM, -EINTR
 * when the caller was killed, or -EMFILE when fs.nr_open has been lowered below a
 * descriptor that is open.
 */
struct files_struct *
kspawn_descriptors_snapshot(const struct kspawn_selection *selection)
{
	struct files_struct *from = current->files;
	struct files_struct *to;
	unsigned int slots;
	int err;

	BUILD_BUG_ON(LOW != BITS_PER_LONG);

	to = make_table();
	if (!to)
		return ERR_PTR(-ENOMEM);

	for (;;) {
		struct fdtable *fdt = rcu_dereference_raw(to->fdt);

		spin_lock(&from->file_lock);
		slots = take_selected(fdt, from, selection);
		spin_unlock(&from->file_lock);
		if (slots <= fdt->max_fds)
			return to;
		err = grow_table(to, slots);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err) {
			kspawn_descriptors_free(to);
			return ERR_PTR(err);
		}
	}
}

/**
 * kspawn_descriptors_install() - give a child its descriptors
 * @files: what kspawn_descriptors_snapshot() returned
 *
 * Called in the child, which shares the caller's table until then.  The caller
 * waits meanwhile, even when it is killed, so this is never the last reference
 * to that table.
 */
void kspawn_descriptors_install(struct files_struct *files)
{
	struct files_struct *shared;

	task_lock(current);
	shared = current->files;
	current->files = files;
	task_unlock(current);
	kspawn_kernel.put_files_struct(shared);
}

/**
 * kspawn_descriptors_free() - drop what was not installed
 * @files: what kspawn_descriptors_snapshot() returned
 *
 * Nobody has ever used it.  put_files_struct() would close the files in the
 * caller's name, and end what belongs to it: see mqueue_flush_file().
 */
void kspawn_descriptors_free(struct files_struct *files)
{
	struct fdtable *fdt = rcu_dereference_raw(files->fdt);
	unsigned int word, words = fdt->max_fds / BITS_PER_LONG;
	unsigned int bit;

	for (word = 0; word < words; word++) {
		struct file __rcu **slots = &fdt->fd[word * BITS_PER_LONG];

		for_each_set_bit(bit, &fdt->open_fds[word], BITS_PER_LONG)
			fput(rcu_dereference_raw(slots[bit]));
		/* There is nothing left to close. */
		fdt->open_fds[word] = 0;
		cond_resched();
	}
	kspawn_kernel.put_files_struct(files);
}
