// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests of io_uring while the caller is in a start, whose child hangs: it
 * closes the device, or has other news for the caller.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/module.h"
#include "lib/ring.h"

#include <poll.h>
#include <sys/prctl.h>

#define NO_RING		"no io_uring: %m"

/* Ways in which the close may come to run; and the flags of the start. */
FIXTURE_VARIANT(spawn)
{
	unsigned int setup;
	unsigned char entry;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(spawn, plainly) { .setup = 0 };
FIXTURE_VARIANT_ADD(spawn, cooperatively) { .setup = IORING_SETUP_COOP_TASKRUN };
FIXTURE_VARIANT_ADD(spawn, in_a_worker) {
	.setup = IORING_SETUP_COOP_TASKRUN,
	.entry = IOSQE_ASYNC,
};
FIXTURE_VARIANT_ADD(spawn, by_a_polling_thread) { .setup = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(spawn, in_a_wait) {
	.setup = IORING_SETUP_COOP_TASKRUN,
	.flags = KSPAWN_WAIT,
};

/* A caller with one thread; it tells its pid's end by its status. */
static pid_t call(struct __test_metadata *_metadata, unsigned int setup, unsigned char flags,
		  __u32 spawn_flags, int trigger)
{
	pid_t caller = assert_fork(_metadata);
	struct io_uring_sqe *entry;
	struct ring ring;
	unsigned long data;
	DEFINE_SPAWN(s, scratch_tiny);
	int device;
	pid_t pid;

	if (caller)
		return caller;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 || ring_open(&ring, setup))
		_exit(KSFT_SKIP);
	entry = ring_entry(&ring, IORING_OP_POLL_ADD, trigger, 1);
	entry->poll32_events = POLLIN;
	entry->flags = IOSQE_IO_LINK;
	entry = ring_entry(&ring, IORING_OP_CLOSE, device, 2);
	entry->flags = flags;
	if (setup & IORING_SETUP_SQPOLL) {
		__atomic_store_n(ring.tail, *ring.tail + ring.queued, __ATOMIC_RELEASE);
		if (syscall(SYS_io_uring_enter, ring.fd, 2, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0) < 0)
			_exit(10);
	} else if (ring_submit(&ring)) {
		_exit(11);
	}
	spawn_hold(&s);
	s.args.flags = spawn_flags;
	pid = spawn_start(device, &s);
	if (pid < 0)
		_exit(12);
	if (!(spawn_flags & KSPAWN_WAIT) && own_wait(pid))
		_exit(13);
	if (ring_wait(&ring, &data) <= 0 || data != 1)
		_exit(15);
	if (ring_wait(&ring, &data) || data != 2)
		_exit(16);
	/* It was closed, if not at once. */
	_exit(fcntl(device, F_GETFD) == -1 && errno == EBADF ? 0 : 17);
}

TEST_F(spawn, closes_the_device)
{
	int ends[2], idle, status;
	pid_t caller, child;
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	idle = totals_number(TOTALS_REFERENCES) - 1;
	close(self->device);
	ASSERT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	caller = call(_metadata, variant->setup, variant->entry, variant->flags, ends[0]);
	child = own_wait_child_of(caller);
	if (!child) {
		status = own_wait(caller);
		ASSERT_EQ(KSFT_SKIP, WEXITSTATUS(status));
		SKIP(return, NO_RING);
	}
	ASSERT_TRUE(own_wait_state(child, 'S'));
	ASSERT_EQ(1, write(ends[1], "x", 1));
	own_sleep_ms(300);
	/* The call is under way: its code must not go. */
	EXPECT_LE(idle + 1, totals_number(TOTALS_REFERENCES));
	EXPECT_EQ(-1, module_remove("kspawn"));
	spawn_release();
	status = own_wait(caller);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	expect_exit(_metadata, self->device, &s, 0);
}

/* The completion descriptor is polled by io_uring as any other. */
TEST_F(spawn, polls_a_completion)
{
	struct io_uring_sqe *entry;
	struct kspawn_event event;
	unsigned long data;
	struct ring ring;
	struct spawn s;
	int completion, i;

	if (variant->setup & IORING_SETUP_SQPOLL)
		SKIP(return, "the same as the others");
	if (ring_open(&ring, variant->setup))
		SKIP(return, NO_RING);
	completion = completion_open(self->device, 2, O_NONBLOCK);
	ASSERT_LE(0, completion);
	for (i = 0; i < 3; i++) {
		entry = ring_entry(&ring, IORING_OP_POLL_ADD, completion, 40 + i);
		entry->poll32_events = POLLIN;
		ASSERT_EQ(0, ring_submit(&ring));
		EXPECT_FALSE(ring_has_done(&ring));
		completion_tiny(&s, completion, i, true);
		ASSERT_LT(0, spawn_start(self->device, &s));
		EXPECT_EQ(POLLIN, ring_wait(&ring, &data));
		EXPECT_EQ(40 + i, data);
		/* And is read by it, too. */
		memset(&event, 0xa5, sizeof(event));
		entry = ring_entry(&ring, IORING_OP_READ, completion, 50 + i);
		entry->addr = spawn_pointer(&event);
		entry->len = sizeof(event);
		ASSERT_EQ(0, ring_submit(&ring));
		EXPECT_EQ(sizeof(event), ring_wait(&ring, &data));
		EXPECT_EQ(50 + i, data);
		EXPECT_EQ(i, event.cookie);
		EXPECT_EQ(EBADF, event.error);
	}
}

TEST_HARNESS_MAIN
