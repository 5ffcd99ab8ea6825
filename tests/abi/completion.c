// SPDX-License-Identifier: LGPL-2.1-or-later
/* The completion descriptor: how it is made, read, polled and filled. */
#include "lib/fixture.h"
#include "lib/held.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A start that fails soon, in its child; false if even that cannot be. */
static bool start_failing(int device, int completion, __u64 cookie)
{
	struct spawn s;

	completion_tiny(&s, completion, cookie, true);
	return spawn_start(device, &s) > 0;
}

static int make(int device, __u32 size, __u32 flags, __u32 capacity, __u32 reserved)
{
	struct {
		struct kspawn_completion known;
		char later[KSPAWN_SIZE_MAX];
	} options = {
		.known = {
			.size = size,
			.flags = flags,
			.capacity = capacity,
			.reserved = reserved,
		},
	};
	int fd = ioctl(device, KSPAWN_IOC_COMPLETION, &options);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

TEST_F(spawn, options)
{
	static const __u32 size = sizeof(struct kspawn_completion);
	struct {
		struct kspawn_completion known;
		__u64 later;
	} unknown = { { .size = size + 8, .capacity = 1 }, .later = 1 };

	EXPECT_EQ(0, make(self->device, size, 0, 1, 0));
	EXPECT_EQ(0, make(self->device, size, O_NONBLOCK, KSPAWN_EVENTS_MAX, 0));
	EXPECT_EQ(0, make(self->device, size + 8, 0, 1, 0));
	EXPECT_EQ(0, make(self->device, KSPAWN_SIZE_MAX, 0, 1, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, 0, 0, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, 0, KSPAWN_EVENTS_MAX + 1, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, 0, ~0U, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, O_CLOEXEC, 1, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, 1, 1, 0));
	EXPECT_EQ(-EINVAL, make(self->device, size, 0, 1, 1));
	EXPECT_EQ(-EINVAL, make(self->device, size - 1, 0, 1, 0));
	EXPECT_EQ(-EINVAL, make(self->device, 0, 0, 1, 0));
	EXPECT_EQ(-E2BIG, make(self->device, KSPAWN_SIZE_MAX + 1, 0, 1, 0));
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_COMPLETION, &unknown));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_COMPLETION, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(spawn, is_a_descriptor)
{
	int completion = completion_open(self->device, 1, O_NONBLOCK), other;
	struct kspawn_event event;
	DEFINE_REPORT(s, r);

	ASSERT_EQ(4, completion);
	EXPECT_EQ(FD_CLOEXEC, fcntl(completion, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(completion, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	EXPECT_EQ(-1, write(completion, &event, sizeof(event)));
	EXPECT_EQ(EBADF, errno);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	/* A copy is the same thing; the device may be closed, or another one used. */
	other = assert_fd(_metadata, open(KSPAWN_DEVICE, O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(50, fcntl(completion, F_DUPFD_CLOEXEC, 50));
	close(self->device);
	ASSERT_TRUE(start_failing(other, completion, 1));
	close(completion);
	close(other);
	ASSERT_TRUE(completion_next(50, &event));
	EXPECT_EQ(1, event.cookie);
}

TEST_F(spawn, no_descriptor_left)
{
	struct rlimit limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 4;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-1, completion_open(self->device, 1, 0));
	EXPECT_EQ(EMFILE, errno);
}

/* Whole events only, as many as are there and fit. */
TEST_F(spawn, reads_whole_events)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 4, O_NONBLOCK));
	struct kspawn_event events[4];
	char *bytes = (char *)events;

	EXPECT_EQ(-1, read(completion, events, sizeof(events)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, read(completion, events, sizeof(events[0]) - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, read(completion, events, 0));
	EXPECT_EQ(EINVAL, errno);
	for (unsigned int i = 1; i <= 3; i++) {
		ASSERT_TRUE(start_failing(self->device, completion, i));
		/* One after the other, so that the order is known. */
		while (!own_no_child())
			own_sleep_ms(1);
		own_sleep_ms(100);
	}
	EXPECT_EQ(-1, read(completion, events, sizeof(events[0]) - 1));
	EXPECT_EQ(EINVAL, errno);
	memset(events, 0xa5, sizeof(events));
	EXPECT_EQ(sizeof(events[0]), read(completion, events, sizeof(events[0]) * 3 / 2));
	EXPECT_EQ(1, events[0].cookie);
	for (unsigned int i = sizeof(events[0]); i < sizeof(events[0]) * 2; i++)
		EXPECT_EQ((char)0xa5, bytes[i]);
	EXPECT_EQ(2 * sizeof(events[0]), read(completion, events, sizeof(events)));
	EXPECT_EQ(2, events[0].cookie);
	EXPECT_EQ(3, events[1].cookie);
	EXPECT_EQ(-1, read(completion, events, sizeof(events)));
	EXPECT_EQ(EAGAIN, errno);
}

/* An event that cannot be given away is not lost. */
TEST_F(spawn, memory_that_cannot_be_written)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 4, O_NONBLOCK));
	long page = sysconf(_SC_PAGESIZE);
	struct kspawn_event event, *last;
	char *pages;

	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + page, page, PROT_NONE));
	ASSERT_TRUE(start_failing(self->device, completion, 1));
	ASSERT_TRUE(completion_ready(completion, 60000));
	EXPECT_EQ(-1, read(completion, pages + page, sizeof(event)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(completion, pages + page - 8, sizeof(event)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(completion_ready(completion, 0));
	ASSERT_TRUE(start_failing(self->device, completion, 2));
	own_sleep_ms(200);
	/* Room for one, and a half. */
	last = (struct kspawn_event *)(pages + page) - 1;
	EXPECT_EQ(sizeof(event), read(completion, last, 2 * sizeof(event)));
	EXPECT_EQ(1, last->cookie);
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(2, event.cookie);
	EXPECT_FALSE(completion_ready(completion, 0));
}

/* A place is taken from the call on until the event is read. */
TEST_F(spawn, capacity)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 2, 0));
	struct kspawn_event event;
	struct spawn s;
	pid_t pid = assert_held(_metadata, self->device, completion, 1);

	ASSERT_TRUE(start_failing(self->device, completion, 2));
	ASSERT_TRUE(completion_ready(completion, 60000));
	/* One is under way, one unread. */
	completion_tiny(&s, completion, 3, false);
	expect_step(_metadata, self->device, &s, EAGAIN, KSPAWN_STEP_COPY);
	EXPECT_EQ(KSPAWN_ARG_COMPLETION, s.result.index);
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(2, event.cookie);
	ASSERT_TRUE(start_failing(self->device, completion, 4));
	EXPECT_FALSE(start_failing(self->device, completion, 5));
	EXPECT_EQ(EAGAIN, errno);
	spawn_release();
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_TRUE(completion_next(completion, &event));
	ASSERT_TRUE(completion_next(completion, &event));
	ASSERT_TRUE(start_failing(self->device, completion, 6));
	ASSERT_TRUE(start_failing(self->device, completion, 7));
	ASSERT_TRUE(completion_next(completion, &event));
	ASSERT_TRUE(completion_next(completion, &event));
}

struct reader {
	int completion;
	int events;
	int wrong;
	int state;
	pthread_t thread;
	unsigned char *seen;
};

#define SHARED_EVENTS	200U
#define READERS		4

static void *read_until_told(void *argument)
{
	struct reader *reader = argument;
	struct kspawn_event events[3];
	ssize_t size, i;

	while ((size = read(reader->completion, events, sizeof(events))) > 0) {
		for (i = 0; i < size / (ssize_t)sizeof(events[0]); i++) {
			if (events[i].cookie > SHARED_EVENTS || events[i].error != EBADF)
				reader->wrong++;
			else if (events[i].cookie < SHARED_EVENTS)
				__atomic_fetch_add(&reader->seen[events[i].cookie], 1,
						   __ATOMIC_RELAXED);
			else
				return NULL;
			reader->events++;
		}
	}
	return NULL;
}

/* Several threads read; each event is read once. */
TEST_F(spawn, several_readers)
{
	int completion = assert_fd(_metadata, completion_open(self->device,
							      SHARED_EVENTS + READERS, 0));
	unsigned char seen[SHARED_EVENTS] = {};
	struct reader readers[READERS] = {};
	unsigned int i, events = 0;

	for (i = 0; i < READERS; i++) {
		readers[i].completion = completion;
		readers[i].seen = seen;
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_until_told,
					    &readers[i]));
	}
	for (i = 0; i < SHARED_EVENTS; i++)
		ASSERT_TRUE(start_failing(self->device, completion, i))
			TH_LOG("%m");
	while (!own_no_child())
		own_sleep_ms(1);
	own_sleep_ms(100);
	/* One after the other, since one reader could take two of these. */
	for (i = 0; i < READERS; i++) {
		ASSERT_TRUE(start_failing(self->device, completion, SHARED_EVENTS));
		own_sleep_ms(100);
	}
	for (i = 0; i < READERS; i++) {
		ASSERT_EQ(0, pthread_join(readers[i].thread, NULL));
		EXPECT_EQ(0, readers[i].wrong);
		events += readers[i].events;
	}
	EXPECT_EQ(SHARED_EVENTS, events);
	for (i = 0; i < SHARED_EVENTS; i++)
		EXPECT_EQ(1, seen[i]);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* A reader that waits is woken by an event, and by a signal. */
TEST_F(spawn, blocking_reader)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	int completion = completion_open(self->device, 1, 0), status;
	struct kspawn_event event;
	pid_t reader;

	ASSERT_LE(0, completion);
	reader = assert_fork(_metadata);
	if (!reader) {
		sigaction(SIGUSR1, &action, NULL);
		if (read(completion, &event, sizeof(event)) != -1 || errno != EINTR)
			_exit(1);
		_exit(read(completion, &event, sizeof(event)) != sizeof(event) ||
		      event.cookie != 77);
	}
	ASSERT_TRUE(own_wait_state(reader, 'S'));
	own_sleep_ms(50);
	ASSERT_EQ(0, kill(reader, SIGUSR1));
	own_sleep_ms(50);
	ASSERT_TRUE(own_wait_state(reader, 'S'));
	ASSERT_TRUE(start_failing(self->device, completion, 77));
	status = own_wait(reader);
	EXPECT_EQ(0, status);
}

TEST_F(spawn, epoll)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 4, O_NONBLOCK));
	struct epoll_event wanted = { .events = EPOLLIN }, got;
	int level = epoll_create1(EPOLL_CLOEXEC), edge = epoll_create1(EPOLL_CLOEXEC);
	struct kspawn_event event;

	ASSERT_EQ(0, epoll_ctl(level, EPOLL_CTL_ADD, completion, &wanted));
	wanted.events = EPOLLIN | EPOLLET;
	ASSERT_EQ(0, epoll_ctl(edge, EPOLL_CTL_ADD, completion, &wanted));
	EXPECT_EQ(0, epoll_wait(level, &got, 1, 50));
	ASSERT_TRUE(start_failing(self->device, completion, 1));
	EXPECT_EQ(1, epoll_wait(level, &got, 1, 60000));
	EXPECT_EQ(EPOLLIN, got.events);
	EXPECT_EQ(1, epoll_wait(edge, &got, 1, 60000));
	EXPECT_EQ(1, epoll_wait(level, &got, 1, 0));
	EXPECT_EQ(0, epoll_wait(edge, &got, 1, 0));
	/* Each new event is an edge. */
	ASSERT_TRUE(start_failing(self->device, completion, 2));
	EXPECT_EQ(1, epoll_wait(edge, &got, 1, 60000));
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(1, epoll_wait(level, &got, 1, 0));
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(0, epoll_wait(level, &got, 1, 0));
}

/* One that is read in another process tells the pids of the caller. */
TEST_F(spawn, read_by_another_process)
{
	int completion = completion_open(self->device, 1, 0), status;
	pid_t reader, pid;
	struct spawn s;

	ASSERT_LE(0, completion);
	completion_tiny(&s, completion, 3, false);
	pid = assert_start(_metadata, self->device, &s);
	reader = assert_fork(_metadata);
	if (!reader) {
		struct kspawn_event event;

		_exit(!completion_next(completion, &event) || event.pid != pid ||
		      event.cookie != 3);
	}
	status = own_wait(reader);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_FALSE(completion_ready(completion, 0));
}

TEST_HARNESS_MAIN
