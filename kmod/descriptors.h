/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The child's descriptor table: what the caller would pass on, and what the
 * request names, taken at one moment.  Close-on-exec descriptors are not copied
 * otherwise, however many there are.
 */
#ifndef KSPAWN_DESCRIPTORS_H
#define KSPAWN_DESCRIPTORS_H

#include <linux/types.h>

struct files_struct;

/**
 * struct kspawn_selection - which descriptors a child gets
 * @named:      bitmap of descriptors that file actions refer to
 * @reached:    bitmap of those by which the program is reached
 * @words:      the size of each
 * @only_named: whether the others are left out even when not close-on-exec, and
 *              the program has @named only
 * @bound:      those from here on are left out too: the request closes them all
 */
struct kspawn_selection {
	const unsigned long *named;
	const unsigned long *reached;
	unsigned int words;
	bool only_named;
	unsigned int bound;
};

unsigned int kspawn_descriptors_slots(void);
struct files_struct *
kspawn_descriptors_snapshot(const struct kspawn_selection *selection);
void kspawn_descriptors_install(struct files_struct *files);
void kspawn_descriptors_free(struct files_struct *files);
void kspawn_descriptors_finish_closing(void);

#endif /* KSPAWN_DESCRIPTORS_H */
