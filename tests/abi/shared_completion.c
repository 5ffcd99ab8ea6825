// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A completion descriptor that others have as well: sent over a socket, read by several
 * processes, closed by one thread while others start and read, lost on the way.  Each
 * event is read once, or goes with the last descriptor, and nothing is left.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/passing.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define READERS		3
#define STARTS		120

static void wait_for_all(void)
{
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
}

/* Gets a descriptor by @socket; writes the cookies that it reads to @to. */
static pid_t fork_reader(int socket, int to)
{
	pid_t pid = fork();
	struct kspawn_event event;
	int completion;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	completion = passing_receive(socket);
	while (completion_next(completion, &event)) {
		if (event.cookie == STARTS)
			_exit(0);
		if ((event.error == EBADF) != event.cookie % 2 ||
		    write(to, &event.cookie, sizeof(event.cookie)) != sizeof(event.cookie))
			_exit(1);
	}
	_exit(2);
}

/* The one that starts has closed its own before any event is read. */
TEST_F(spawn, sent_to_several_readers)
{
	int completion = completion_open(self->device, STARTS + READERS, 0), ends[2], told[2], i;
	bool seen[STARTS] = {};
	pid_t readers[READERS];
	struct idle before;
	struct spawn s;
	__u64 cookie;

	ASSERT_LE(0, completion);
	ASSERT_EQ(0, passing_open(ends));
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	idle_take(&before);
	for (i = 0; i < STARTS; i++) {
		completion_tiny(&s, completion, i, i % 2);
		ASSERT_LT(0, spawn_start(self->device, &s))
			TH_LOG("%m");
	}
	wait_for_all();
	/* All have been told. */
	ASSERT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before.in_flight, TOTALS_SETTLE_MS));
	/* One for each reader, which then takes no more: it is to be read by them all. */
	for (i = 0; i < READERS; i++) {
		completion_tiny(&s, completion, STARTS, false);
		ASSERT_LT(0, spawn_start(self->device, &s));
		ASSERT_EQ(0, passing_send(ends[0], completion));
	}
	close(completion);
	before.descriptors--;
	before.references--;
	for (i = 0; i < READERS; i++)
		readers[i] = fork_reader(ends[1], told[1]);
	for (i = 0; i < STARTS; i++) {
		ASSERT_EQ(sizeof(cookie), TEMP_FAILURE_RETRY(read(told[0], &cookie, sizeof(cookie))));
		ASSERT_GT(STARTS, cookie);
		EXPECT_FALSE(seen[cookie]);
		seen[cookie] = true;
	}
	for (i = 0; i < READERS; i++)
		EXPECT_EQ(0, own_wait(readers[i]));
	wait_for_all();
	expect_idle(_metadata, &before);
	close(self->device);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, before.references - 1, TOTALS_SETTLE_MS));
}

/* The reader is killed with the only descriptor, which it has, or which still waits for it. */
TEST_F(spawn, receiver_is_killed)
{
	unsigned int i, rounds = scratch_scale(40);
	struct idle before;
	struct spawn s;

	idle_take(&before);
	for (i = 0; i < rounds; i++) {
		int completion = completion_open(self->device, 8, 0), ends[2], told[2], n;
		pid_t reader;

		ASSERT_LE(0, completion);
		ASSERT_EQ(0, passing_open(ends));
		ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
		reader = fork_reader(ends[1], told[1]);
		close(ends[1]);
		for (n = 0; n < 8; n++) {
			completion_tiny(&s, completion, n, n % 2);
			ASSERT_LT(0, spawn_start(self->device, &s));
			if (n == 3)
				ASSERT_EQ(0, passing_send(ends[0], completion));
		}
		close(completion);
		close(ends[0]);
		own_sleep_ms(i % 10);
		kill(reader, SIGKILL);
		wait_for_all();
		close(told[0]);
		close(told[1]);
	}
	expect_idle(_metadata, &before);
}

/* Nobody receives it; and then nobody can, since the socket is in itself. */
TEST_F(spawn, lost_on_the_way)
{
	unsigned int i, rounds = scratch_scale(40);
	struct idle before;
	struct spawn s;

	idle_take(&before);
	for (i = 0; i < rounds; i++) {
		int completion = completion_open(self->device, 4, 0), ends[2], n;

		ASSERT_LE(0, completion);
		ASSERT_EQ(0, passing_open(ends));
		for (n = 0; n < 4; n++) {
			completion_tiny(&s, completion, n, n % 2);
			ASSERT_LT(0, spawn_start(self->device, &s));
		}
		ASSERT_EQ(0, passing_send(ends[0], completion));
		if (i % 2)
			ASSERT_EQ(0, passing_send(ends[0], ends[1]));
		close(completion);
		close(ends[0]);
		close(ends[1]);
		wait_for_all();
	}
	/* The kernel looks for such sockets as others are closed. */
	ASSERT_EQ(0, passing_collect());
	expect_idle(_metadata, &before);
}

struct user {
	pthread_t thread;
	int device;
	int completion;		/* a number, of whatever is there */
	int stop;
	int started;
	int read;
	int strange;
};

static void *start_on_it(void *argument)
{
	struct user *user = argument;
	struct spawn s;
	__u64 cookie;

	for (cookie = 0; !__atomic_load_n(&user->stop, __ATOMIC_RELAXED); cookie++) {
		completion_tiny(&s, user->completion, cookie, cookie % 2);
		if (spawn_start(user->device, &s) > 0)
			user->started++;
		else if ((errno != EBADF && errno != EAGAIN) ||
			 s.result.step != KSPAWN_STEP_COPY ||
			 s.result.index != KSPAWN_ARG_COMPLETION)
			user->strange++;
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
	return NULL;
}

static void *read_it(void *argument)
{
	struct user *user = argument;
	struct kspawn_event events[2];

	while (!__atomic_load_n(&user->stop, __ATOMIC_RELAXED)) {
		ssize_t size;

		completion_ready(user->completion, 5);
		size = read(user->completion, events, sizeof(events));
		if (size > 0)
			user->read += size / sizeof(*events);
		else if (errno != EBADF && errno != EAGAIN)
			user->strange++;
	}
	return NULL;
}

/* Closed and made again under those who use it, with starts under way and unread. */
TEST_F(spawn, closed_early_by_another_thread)
{
	unsigned int i, rounds = scratch_scale(200);
	struct user users[4] = {};
	struct idle before;
	int completion;

	idle_take(&before);
	completion = completion_open(self->device, 8, O_NONBLOCK);
	ASSERT_LE(0, completion);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		users[i].device = self->device;
		users[i].completion = completion;
		ASSERT_EQ(0, pthread_create(&users[i].thread, NULL, i % 2 ? read_it : start_on_it,
					    &users[i]));
	}
	for (i = 0; i < rounds; i++) {
		own_sleep_ms(1 + i % 7);
		close(completion);
		if (i % 3 == 0)
			own_sleep_ms(1);
		ASSERT_EQ(completion, completion_open(self->device, 1 + i % 8, O_NONBLOCK));
	}
	for (i = 0; i < ARRAY_SIZE(users); i++)
		__atomic_store_n(&users[i].stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		ASSERT_EQ(0, pthread_join(users[i].thread, NULL));
		EXPECT_EQ(0, users[i].strange);
	}
	EXPECT_LT(0, users[0].started + users[2].started);
	EXPECT_LT(0, users[1].read + users[3].read);
	EXPECT_GE(users[0].started + users[2].started, users[1].read + users[3].read);
	close(completion);
	wait_for_all();
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
