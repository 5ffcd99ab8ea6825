// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A child that failed closes what it has, and that hangs, in FLUSH of a file in
 * user space: its caller has its answer by then, and can be killed.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/fuse_server.h"

#include <sys/mount.h>
#include <sys/prctl.h>

/* A start that fails when its child has a file open that hangs as it is closed. */
static void failing_init(struct spawn *s)
{
	spawn_init(s, scratch_tiny);
	spawn_open(s, 9, "there/program", O_RDONLY, 0);
	spawn_dup2(s, 99, 98);
}

/* A caller in a process of its own; exits with its errno. */
static pid_t call(int device, struct spawn *s)
{
	pid_t caller = fork();
	int error;

	if (caller)
		return caller;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	error = spawn_start(device, s) < 0 ? errno : 0;
	_exit(s->result.step == KSPAWN_STEP_ACTION && own_no_child() ? error : 255);
}

/* Whether the caller ends while the server hangs; it is killed if not. */
static bool ends_by_itself(pid_t caller, int *status)
{
	unsigned long long end = own_clock_ms() + 10000;

	while (own_clock_ms() < end) {
		if (waitpid(caller, status, WNOHANG) == caller)
			return true;
		own_sleep_ms(10);
	}
	return false;
}

TEST_F(spawn, caller_has_its_answer)
{
	static const __u32 flags[] = { 0, KSPAWN_PIDFD, KSPAWN_WAIT };
	long before = totals_number(TOTALS_IN_FLIGHT);

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		struct fuse_server server;
		int status = -1;
		pid_t caller;
		struct spawn s;

		if (!fuse_server_begin(&server, "flush"))
			SKIP(return, FUSE_NEEDED);
		failing_init(&s);
		s.args.flags = flags[i];
		caller = call(self->device, &s);
		/* The child is at it. */
		ASSERT_TRUE(fuse_server_hangs(&server));
		EXPECT_TRUE(ends_by_itself(caller, &status));
		EXPECT_EQ(EBADF, WEXITSTATUS(status));
		ASSERT_EQ(0, fuse_server_go_on(&server));
		EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before, TOTALS_SETTLE_MS));
		fuse_server_end(&server);
		ASSERT_EQ(0, rmdir("there"));
	}
}

TEST_F(spawn, event_is_told)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct kspawn_event event;
	struct fuse_server server;
	struct spawn s;

	if (!fuse_server_begin(&server, "flush"))
		SKIP(return, FUSE_NEEDED);
	failing_init(&s);
	completion_use(&s, completion, 1);
	assert_start(_metadata, self->device, &s);
	ASSERT_TRUE(fuse_server_hangs(&server));
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(EBADF, event.error);
	ASSERT_EQ(0, fuse_server_go_on(&server));
	fuse_server_end(&server);
}

/* A close action hangs; the caller waits for that, until it is killed. */
TEST_F(spawn, caller_is_killed)
{
	long before = totals_number(TOTALS_IN_FLIGHT);
	struct fuse_server server;
	int status = -1;
	pid_t caller;
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!fuse_server_begin(&server, "flush"))
		SKIP(return, FUSE_NEEDED);
	spawn_open(&s, 9, "there/program", O_RDONLY, 0);
	spawn_close(&s, 9);
	spawn_dup2(&s, 99, 98);
	caller = call(self->device, &s);
	ASSERT_TRUE(fuse_server_hangs(&server));
	EXPECT_EQ(0, waitpid(caller, &status, WNOHANG));
	ASSERT_EQ(0, kill(caller, SIGKILL));
	EXPECT_TRUE(ends_by_itself(caller, &status));
	EXPECT_EQ(SIGKILL, status);
	ASSERT_EQ(0, fuse_server_go_on(&server));
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before, TOTALS_SETTLE_MS));
	fuse_server_end(&server);
	while (waitpid(-1, &status, __WALL) > 0)
		;
}

/* One that fails afterwards, and the caller is killed meanwhile. */
TEST_F(spawn, caller_of_a_failed_child_is_killed)
{
	long before = totals_number(TOTALS_IN_FLIGHT);
	struct fuse_server server;
	pid_t caller;
	struct spawn s;

	if (!fuse_server_begin(&server, "flush"))
		SKIP(return, FUSE_NEEDED);
	failing_init(&s);
	caller = assert_fork(_metadata);
	if (!caller) {
		for (;;)
			spawn_start(self->device, &s);
	}
	ASSERT_TRUE(fuse_server_hangs(&server));
	expect_killed(_metadata, caller);
	ASSERT_EQ(0, fuse_server_go_on(&server));
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before, TOTALS_SETTLE_MS));
	fuse_server_end(&server);
}

/*
 * The same, and the caller hangs as it ends: the child that fails then has a parent
 * still, and is none of the process that takes over the children.
 */
TEST_F(spawn, caller_hangs_as_it_dies)
{
	struct fuse_server server;
	unsigned long long end;
	pid_t caller, child;
	int status, writer;
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!fuse_server_begin(&server, "flush"))
		SKIP(return, FUSE_NEEDED);
	spawn_hold(&s);
	spawn_dup2(&s, 99, 98);
	caller = assert_fork(_metadata);
	if (!caller) {
		if (open("there/program", O_RDONLY | O_CLOEXEC) < 0)
			_exit(1);
		spawn_start(self->device, &s);
		_exit(2);
	}
	child = assert_sleeping_child(_metadata, caller);
	ASSERT_EQ(0, kill(caller, SIGKILL));
	ASSERT_TRUE(fuse_server_hangs(&server));
	EXPECT_EQ(caller, own_parent_of(child));
	/* It goes on, and fails. */
	writer = open("fifo", O_WRONLY | O_CLOEXEC);
	end = own_clock_ms() + 10000;
	while (!kill(child, 0) && own_clock_ms() < end)
		own_sleep_ms(10);
	EXPECT_EQ(-1, kill(child, 0));
	close(writer);
	ASSERT_EQ(0, fuse_server_go_on(&server));
	EXPECT_EQ(SIGKILL, own_wait(caller));
	fuse_server_end(&server);
	EXPECT_EQ(-1, waitpid(-1, &status, __WALL));
	EXPECT_EQ(ECHILD, errno);
}

TEST_HARNESS_MAIN
