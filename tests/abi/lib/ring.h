/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As much of io_uring as the tests need, by its system calls alone. */
#ifndef KSPAWN_ABI_RING_H
#define KSPAWN_ABI_RING_H

#include <linux/io_uring.h>
#include <stdbool.h>

struct ring {
	int fd;
	unsigned int *tail;
	unsigned int *mask;
	unsigned int *array;
	unsigned int *done_head;
	unsigned int *done_tail;
	unsigned int *done_mask;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
	unsigned int queued;
};

/* With these IORING_SETUP_*; -1 with errno. */
int ring_open(struct ring *ring, unsigned int flags);

/* The next entry, all zero but for these; there are 8 in all between submits. */
struct io_uring_sqe *ring_entry(struct ring *ring, unsigned int op, int fd, unsigned long data);

/* Submit all that was queued; -1 with errno. */
int ring_submit(struct ring *ring);

/* Wait for one completion; its result and @data. */
int ring_wait(struct ring *ring, unsigned long *data);

/* Whether there is one, by a look at the memory alone. */
bool ring_has_done(const struct ring *ring);

#endif /* KSPAWN_ABI_RING_H */
