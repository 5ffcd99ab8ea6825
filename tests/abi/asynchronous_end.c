// SPDX-License-Identifier: LGPL-2.1-or-later
/* The descriptor is closed, or the caller ends or executes, with starts under way. */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/held.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#define STARTS		5

static void start_held(struct __test_metadata *_metadata, int device, int completion,
		       pid_t pids[STARTS])
{
	for (int i = 0; i < STARTS; i++)
		pids[i] = assert_held(_metadata, device, completion, i);
}

/* Let all of them go, and see that nothing of the module is left in use. */
static void release_all(struct __test_metadata *_metadata, const pid_t pids[STARTS],
			const struct idle *idle)
{
	int i, fifo;

	for (i = 0; i < STARTS; i++)
		ASSERT_TRUE(own_wait_state(pids[i], 'S'));
	fifo = open("fifo", O_WRONLY | O_CLOEXEC);
	for (i = 0; i < STARTS; i++)
		EXPECT_EQ(0, own_wait(pids[i]));
	close(fifo);
	expect_idle(_metadata, idle);
}

TEST_F(spawn, descriptor_is_closed)
{
	pid_t pids[STARTS];
	struct idle idle;
	int completion;

	idle_take(&idle);
	completion = completion_open(self->device, STARTS, 0);
	ASSERT_LE(0, completion);
	start_held(_metadata, self->device, completion, pids);
	close(completion);
	EXPECT_LE(idle.references + STARTS, totals_number(TOTALS_REFERENCES));
	release_all(_metadata, pids, &idle);
}

/* With events that nobody has read, and failures that come later. */
TEST_F(spawn, descriptor_is_closed_unread)
{
	unsigned int i, rounds = scratch_scale(50);
	struct idle idle;
	struct spawn s;

	idle_take(&idle);
	for (i = 0; i < rounds; i++) {
		int completion = completion_open(self->device, 8, 0), n;

		ASSERT_LE(0, completion);
		for (n = 0; n < 8; n++) {
			completion_tiny(&s, completion, n, n % 2);
			ASSERT_LT(0, spawn_start(self->device, &s));
		}
		if (i % 2)
			own_sleep_ms(i);
		close(completion);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
	expect_idle(_metadata, &idle);
}

enum end { KILLED, EXITS, EXECUTES };

/* A caller in a process of its own, which leaves its children to us. */
static void expect_children_live_on(struct __test_metadata *_metadata, int device, enum end end)
{
	int ready[2], i, status;
	struct idle idle;
	pid_t caller, pids[STARTS] = {};

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	idle_take(&idle);
	caller = assert_fork(_metadata);
	if (!caller) {
		int completion = completion_open(device, STARTS, 0);
		struct spawn s;

		if (completion < 0)
			_exit(1);
		for (i = 0; i < STARTS; i++) {
			completion_hold(&s, completion, i);
			pids[i] = spawn_start(device, &s);
		}
		if (write(ready[1], pids, sizeof(pids)) != sizeof(pids))
			_exit(2);
		if (end == KILLED)
			for (;;)
				pause();
		if (end == EXECUTES)
			execl(scratch_tiny, "tiny", NULL);
		_exit(end == EXITS ? 0 : 3);
	}
	ASSERT_EQ(sizeof(pids), read(ready[0], pids, sizeof(pids)));
	if (end == KILLED)
		ASSERT_EQ(0, kill(caller, SIGKILL));
	status = own_wait(caller);
	EXPECT_EQ(end == KILLED ? SIGKILL : 0, status);
	for (i = 0; i < STARTS; i++)
		ASSERT_LT(0, pids[i]);
	release_all(_metadata, pids, &idle);
}

TEST_F(spawn, caller_is_killed)
{
	expect_children_live_on(_metadata, self->device, KILLED);
}

TEST_F(spawn, caller_exits)
{
	expect_children_live_on(_metadata, self->device, EXITS);
}

TEST_F(spawn, caller_executes)
{
	expect_children_live_on(_metadata, self->device, EXECUTES);
}

/* At any moment, with starts that succeed and starts that fail. */
TEST_F(spawn, callers_killed_at_any_moment)
{
	unsigned int i, rounds = scratch_scale(60);
	struct idle idle;

	idle_take(&idle);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < rounds; i++) {
		pid_t caller = assert_fork(_metadata);

		if (!caller) {
			int completion = completion_open(self->device, 64, O_NONBLOCK);
			struct kspawn_event event;
			struct spawn s;
			int n;

			for (n = 0;; n++) {
				completion_tiny(&s, completion, n, n % 3);
				spawn_start(self->device, &s);
				while (waitpid(-1, NULL, WNOHANG) > 0)
					;
				if (n % 16 == 0)
					while (read(completion, &event, sizeof(event)) > 0)
						;
			}
		}
		own_sleep_ms(5 + i * 7 % 40);
		expect_killed(_metadata, caller);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
	expect_idle(_metadata, &idle);
}

TEST_HARNESS_MAIN
