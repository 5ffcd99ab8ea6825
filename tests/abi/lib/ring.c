// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"

#define ENTRIES	8

static void *map(int fd, size_t size, off_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	return at == MAP_FAILED ? NULL : at;
}

int ring_open(struct ring *ring, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags };
	char *submit, *done;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring->fd < 0)
		return -1;
	submit = map(ring->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		     IORING_OFF_SQ_RING);
	done = map(ring->fd, p.cq_off.cqes + p.cq_entries * sizeof(*ring->done),
		   IORING_OFF_CQ_RING);
	ring->entries = map(ring->fd, p.sq_entries * sizeof(*ring->entries), IORING_OFF_SQES);
	if (!submit || !done || !ring->entries) {
		close(ring->fd);
		return -1;
	}
	ring->tail = (unsigned int *)(submit + p.sq_off.tail);
	ring->mask = (unsigned int *)(submit + p.sq_off.ring_mask);
	ring->array = (unsigned int *)(submit + p.sq_off.array);
	ring->done_head = (unsigned int *)(done + p.cq_off.head);
	ring->done_tail = (unsigned int *)(done + p.cq_off.tail);
	ring->done_mask = (unsigned int *)(done + p.cq_off.ring_mask);
	ring->done = (struct io_uring_cqe *)(done + p.cq_off.cqes);
	return 0;
}

struct io_uring_sqe *ring_entry(struct ring *ring, unsigned int op, int fd, unsigned long data)
{
	unsigned int at = (*ring->tail + ring->queued) & *ring->mask;
	struct io_uring_sqe *entry = &ring->entries[at];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = op;
	entry->fd = fd;
	entry->user_data = data;
	ring->array[at] = at;
	ring->queued++;
	return entry;
}

int ring_submit(struct ring *ring)
{
	unsigned int count = ring->queued;

	__atomic_store_n(ring->tail, *ring->tail + count, __ATOMIC_RELEASE);
	ring->queued = 0;
	return syscall(SYS_io_uring_enter, ring->fd, count, 0, 0, NULL, 0) == (long)count ? 0 : -1;
}

bool ring_has_done(const struct ring *ring)
{
	return __atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE) != *ring->done_head;
}

int ring_wait(struct ring *ring, unsigned long *data)
{
	struct io_uring_cqe *done;
	int result;

	while (!ring_has_done(ring))
		if (syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) <
			    0 &&
		    errno != EINTR)
			return -errno;
	done = &ring->done[*ring->done_head & *ring->done_mask];
	*data = done->user_data;
	result = done->res;
	__atomic_store_n(ring->done_head, *ring->done_head + 1, __ATOMIC_RELEASE);
	return result;
}
