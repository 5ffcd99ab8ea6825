// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "descriptors.h"
#include "kernel_symbols.h"

/* Room beyond what was counted: other threads go on opening files. */
#define SPARE_SLOTS	16

/*
 * From this share of the slots on it costs less to copy all of them, as fork()
 * does, and to drop what is not for the child, than to take one by one.
 */
#define DENSE_SHARE	3

/**
 * kspawn_descriptors_init() - start with none
 * @descriptors: the set
 */
void kspawn_descriptors_init(struct kspawn_descriptors *descriptors)
{
	memset(descriptors, 0, sizeof(*descriptors));
}

/* The words of a descriptor bitmap. */
static unsigned int first_of_word(unsigned int word)
{
	return word * BITS_PER_LONG;
}

/**
 * struct selection - which descriptors the child gets
 * @named:      descriptors that file actions use, ascending
 * @left:       how many of them have not been passed yet
 * @only_named: whether the others are left out even when not close-on-exec
 */
struct selection {
	const unsigned int *named;
	u32 left;
	bool only_named;
};

/* What is open and not close-on-exec in one word. */
static unsigned long inherited(const struct fdtable *fdt, unsigned int word)
{
	return fdt->open_fds[word] & ~fdt->close_on_exec[word];
}

/* What the child gets of one word of @fdt; words are asked for in order. */
static unsigned long select_word(struct selection *selection,
				 const struct fdtable *fdt, unsigned int word)
{
	unsigned long open = fdt->open_fds[word];
	unsigned long selected = 0;

	if (!selection->only_named)
		selected = inherited(fdt, word);
	while (selection->left &&
	       *selection->named < first_of_word(word + 1)) {
		selected |= open & BIT_MASK(*selection->named);
		selection->named++;
		selection->left--;
	}
	return selected;
}

/*
 * The first word from @word on that may have something for the child, or the
 * number of words.  Nearly all of a large table is close-on-exec: four words at
 * a time take half of the instructions that find_next_andnot_bit() does.
 */
static unsigned int next_word(const struct selection *selection,
			      const struct fdtable *fdt, unsigned int word)
{
	unsigned int end = fdt->max_fds / BITS_PER_LONG;

	if (selection->left)
		end = min_t(unsigned int, end, BIT_WORD(*selection->named));
	if (selection->only_named)
		return end;
	while (word + 4 <= end &&
	       !(inherited(fdt, word) | inherited(fdt, word + 1) |
		 inherited(fdt, word + 2) | inherited(fdt, word + 3)))
		word += 4;
	while (word < end && !inherited(fdt, word))
		word++;
	return word;
}

/* What follows works on a table that nobody else can see yet. */

static void set_slot(struct fdtable *fdt, unsigned int fd, struct file *file,
		     bool cloexec)
{
	unsigned int word = BIT_WORD(fd);

	rcu_assign_pointer(fdt->fd[fd], file);
	__set_bit(fd, fdt->open_fds);
	if (!~fdt->open_fds[word])
		__set_bit(word, fdt->full_fds_bits);
	if (cloexec)
		__set_bit(fd, fdt->close_on_exec);
	else
		__clear_bit(fd, fdt->close_on_exec);
}

static void clear_slot(struct fdtable *fdt, unsigned int fd)
{
	RCU_INIT_POINTER(fdt->fd[fd], NULL);
	__clear_bit(fd, fdt->open_fds);
	__clear_bit(BIT_WORD(fd), fdt->full_fds_bits);
	__clear_bit(fd, fdt->close_on_exec);
}

/* Leave in a table what @selection says; drop the rest. */
static void keep_selected(struct fdtable *fdt, struct selection selection)
{
	unsigned int word, words = fdt->max_fds / BITS_PER_LONG;
	unsigned int bit;

	for (word = 0; word < words; word++) {
		unsigned long open = fdt->open_fds[word];
		unsigned long drop = open & ~select_word(&selection, fdt, word);

		for_each_set_bit(bit, &drop, BITS_PER_LONG) {
			unsigned int fd = first_of_word(word) + bit;
			struct file *file = rcu_dereference_raw(fdt->fd[fd]);

			clear_slot(fdt, fd);
			fput(file);
		}
		cond_resched();
	}
}

/*
 * Nobody has ever used it.  put_files_struct() would close the files in the
 * caller's name, and end what belongs to it: see mqueue_flush_file().
 */
static void drop_table(struct files_struct *files)
{
	const struct selection none = { .only_named = true };

	keep_selected(rcu_dereference_raw(files->fdt), none);
	kspawn_kernel.put_files_struct(files);
}

static void drop_high(struct kspawn_descriptors *descriptors)
{
	while (descriptors->count)
		fput(descriptors->high[--descriptors->count].file);
}

/**
 * kspawn_descriptors_free() - drop what was not installed
 * @descriptors: the set
 */
void kspawn_descriptors_free(struct kspawn_descriptors *descriptors)
{
	drop_high(descriptors);
	kvfree(descriptors->high);
	if (descriptors->files)
		drop_table(descriptors->files);
}

/* Make the first word of @to what @selected says of @from, or of itself. */
static void sync_low(struct fdtable *to, const struct fdtable *from,
		     unsigned long selected)
{
	unsigned long either = to->open_fds[0] | selected;
	unsigned int fd;

	BUILD_BUG_ON(KSPAWN_LOW != BITS_PER_LONG);

	for_each_set_bit(fd, &either, KSPAWN_LOW) {
		struct file *old = rcu_dereference_raw(to->fd[fd]);
		struct file *new = NULL;

		if (selected & BIT_MASK(fd))
			new = rcu_dereference_raw(from->fd[fd]);
		if (!new) {
			/* Not for the child, or not installed yet. */
			clear_slot(to, fd);
		} else {
			if (new != old)
				get_file(new);
			set_slot(to, fd, new,
				 test_bit(fd, from->close_on_exec));
		}
		if (old && old != new)
			fput(old);
	}
}

/*
 * Collect the selected descriptors above the low ones as far as there is room.
 * Returns how many there are, or a few more: those that are being opened.
 */
static size_t collect_high(struct kspawn_descriptors *descriptors,
			   struct selection *selection,
			   const struct fdtable *fdt)
{
	unsigned int word, words = fdt->max_fds / BITS_PER_LONG;
	unsigned int bit;
	size_t found = 0;

	for (word = next_word(selection, fdt, 1); word < words;
	     word = next_word(selection, fdt, word + 1)) {
		unsigned long selected = select_word(selection, fdt, word);

		if (found >= descriptors->space) {
			found += hweight_long(selected);
			continue;
		}
		for_each_set_bit(bit, &selected, BITS_PER_LONG) {
			unsigned int fd = first_of_word(word) + bit;
			struct file *file = rcu_dereference_raw(fdt->fd[fd]);

			if (!file || found++ >= descriptors->space)
				continue;
			descriptors->high[descriptors->count++] =
				(struct kspawn_descriptor) {
					.file = get_file(file),
					.fd = fd,
					.cloexec = test_bit(fd,
							fdt->close_on_exec),
				};
		}
	}
	return found;
}

/* Take a table of which most is for the child; all of it at one moment. */
static int copy_dense(struct kspawn_descriptors *descriptors,
		      struct files_struct *from,
		      const struct selection *selection)
{
	struct files_struct *to = kspawn_kernel.dup_fd(from, NULL);

	if (IS_ERR(to))
		return PTR_ERR(to);
	drop_table(descriptors->files);
	descriptors->files = to;
	keep_selected(rcu_dereference_raw(to->fdt), *selection);
	/* As below. */
	if (task_work_pending(current))
		kspawn_kernel.task_work_run();
	return 0;
}

static int make_space(struct kspawn_descriptors *descriptors, size_t count)
{
	kvfree(descriptors->high);
	descriptors->space = 0;
	descriptors->high = kvmalloc_array(count, sizeof(*descriptors->high),
					   GFP_KERNEL_ACCOUNT);
	if (!descriptors->high)
		return -ENOMEM;
	descriptors->space = count;
	return 0;
}

/**
 * kspawn_descriptors_snapshot() - take the caller's descriptors for a child
 * @descriptors: an empty set
 * @named:       descriptors that file actions use, ascending, each once
 * @named_count: how many
 * @only_named:  take no others
 *
 * All are taken under one hold of the table's lock: a thread that opens,
 * closes or marks descriptors does so before or after, for all of them.
 *
 * Return: 0, or -ENOMEM, or -EINTR when the caller was killed.
 */
int kspawn_descriptors_snapshot(struct kspawn_descriptors *descriptors,
				const unsigned int *named, u32 named_count,
				bool only_named)
{
	const struct selection all = {
		.named = named, .left = named_count, .only_named = only_named,
	};
	/* Leaves out every descriptor that it need not copy: see dup_fd(). */
	struct fd_range hole = { .from = 0, .to = ~0U };
	struct files_struct *from = current->files;
	struct selection selection;
	struct fdtable *fdt, *low;
	struct files_struct *to;
	size_t found;
	bool dense;
	int err;

	to = kspawn_kernel.dup_fd(from, &hole);
	if (IS_ERR(to))
		return PTR_ERR(to);
	descriptors->files = to;
	low = rcu_dereference_raw(to->fdt);

	for (;;) {
		selection = all;
		spin_lock(&from->file_lock);
		fdt = files_fdtable(from);
		sync_low(low, fdt, select_word(&selection, fdt, 0));
		found = collect_high(descriptors, &selection, fdt);
		dense = found >= fdt->max_fds / DENSE_SHARE;
		spin_unlock(&from->file_lock);
		/*
		 * Another thread may have closed what we let go; it is not to
		 * stay open until the caller is back in user mode.
		 */
		if (task_work_pending(current))
			kspawn_kernel.task_work_run();
		if (found <= descriptors->space)
			return 0;

		drop_high(descriptors);
		if (fatal_signal_pending(current))
			return -EINTR;
		/* What is not for the child may be above fs.nr_open by now. */
		err = dense ? copy_dense(descriptors, from, &all) : -EMFILE;
		if (err != -EMFILE)
			return err;
		err = make_space(descriptors, found + SPARE_SLOTS);
		if (err)
			return err;
	}
}

/*
 * Grow the current table, which nobody else uses, so that @fd fits, and put
 * @file there.  Only replace_fd() can grow a table, and it refuses what is
 * above the limit for new descriptors; those that were open when the limit was
 * lowered are inherited all the same.
 */
static int install_highest(unsigned int fd, struct file *file, bool cloexec)
{
	struct rlimit *limit = &current->signal->rlim[RLIMIT_NOFILE];
	bool raised = false;
	unsigned long old;
	int err;

	task_lock(current->group_leader);
	old = limit->rlim_cur;
	if (fd >= old) {
		limit->rlim_cur = fd + 1;
		raised = true;
	}
	task_unlock(current->group_leader);

	err = kspawn_kernel.replace_fd(fd, file, cloexec ? O_CLOEXEC : 0);

	if (raised) {
		task_lock(current->group_leader);
		if (limit->rlim_cur == fd + 1)
			limit->rlim_cur = old;
		task_unlock(current->group_leader);
	}
	return min(err, 0);
}

/**
 * kspawn_descriptors_install() - give a child its descriptors
 * @descriptors: what kspawn_descriptors_snapshot() took
 *
 * Called in the child, which shares the caller's table until then.
 *
 * Return: 0, or -ENOMEM, or -EMFILE when fs.nr_open has been lowered below a
 * descriptor that is open.
 */
int kspawn_descriptors_install(struct kspawn_descriptors *descriptors)
{
	struct kspawn_descriptor *high;
	struct files_struct *files;
	struct fdtable *fdt;
	int err;

	task_lock(current);
	files = current->files;
	current->files = descriptors->files;
	task_unlock(current);
	descriptors->files = NULL;
	kspawn_kernel.put_files_struct(files);

	if (!descriptors->count)
		return 0;

	high = &descriptors->high[--descriptors->count];
	err = install_highest(high->fd, high->file, high->cloexec);
	fput(high->file);
	if (err)
		return err;

	files = current->files;
	spin_lock(&files->file_lock);
	fdt = files_fdtable(files);
	while (descriptors->count) {
		high = &descriptors->high[--descriptors->count];
		set_slot(fdt, high->fd, high->file, high->cloexec);
	}
	spin_unlock(&files->file_lock);
	return 0;
}
