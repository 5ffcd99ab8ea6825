/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The child's descriptor table: what the caller would pass on, and what the
 * file actions name, taken at one moment.  Close-on-exec descriptors are not
 * copied otherwise, however many there are, unless most of the table is for the
 * child; then they are dropped again before there is one.
 */
#ifndef KSPAWN_DESCRIPTORS_H
#define KSPAWN_DESCRIPTORS_H

#include <linux/fdtable.h>
#include <linux/types.h>

struct file;

/**
 * struct kspawn_descriptor - one open descriptor beyond the first few
 * @file:    holds a reference
 * @fd:      its number
 * @cloexec: whether exec closes it
 */
struct kspawn_descriptor {
	struct file *file;
	unsigned int fd;
	bool cloexec;
};

/* The slots of every new table; the kernel copies these for us. */
#define KSPAWN_LOW	NR_OPEN_DEFAULT

/**
 * struct kspawn_descriptors - descriptors for a child
 * @files: a table with the descriptors below KSPAWN_LOW, or with all, or NULL
 * @high:  the others, ascending
 * @count: how many of them
 * @space: how many @high has room for
 */
struct kspawn_descriptors {
	struct files_struct *files;
	struct kspawn_descriptor *high;
	size_t count;
	size_t space;
};

void kspawn_descriptors_init(struct kspawn_descriptors *descriptors);
void kspawn_descriptors_free(struct kspawn_descriptors *descriptors);
int kspawn_descriptors_snapshot(struct kspawn_descriptors *descriptors,
				const unsigned int *named, u32 named_count,
				bool only_named);
int kspawn_descriptors_install(struct kspawn_descriptors *descriptors);

#endif /* KSPAWN_DESCRIPTORS_H */
