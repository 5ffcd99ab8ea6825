// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_ACTION_CLOSE and CLOSEFROM. */
#include "lib/fixture.h"

#include <sys/resource.h>

TEST_F(spawn, close_takes_it_from_the_child_only)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/null", O_RDONLY));

	spawn_close(&s, fd);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	EXPECT_LE(0, fcntl(fd, F_GETFD));
}

TEST_F(spawn, close_standard_streams)
{
	DEFINE_REPORT(s, r);

	spawn_close(&s, 0);
	spawn_close(&s, 2);
	expect_report_fds(_metadata, self->device, &s, &r, "1");
}

TEST_F(spawn, close_one_that_is_not_open)
{
	DEFINE_REPORT(s, r);

	spawn_close(&s, 50);
	spawn_close(&s, 50);
	spawn_close(&s, 63);
	spawn_close(&s, 64);
	spawn_close(&s, 1023);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
}

TEST_F(spawn, close_one_that_is_close_on_exec)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/null", O_RDONLY | O_CLOEXEC));

	spawn_close(&s, fd);
	spawn_close(&s, self->device);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
}

TEST_F(spawn, close_high_descriptors)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(64, dup2(0, 64));
	ASSERT_EQ(65, dup2(0, 65));
	ASSERT_EQ(500, dup2(0, 500));
	spawn_close(&s, 64);
	spawn_close(&s, 500);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 65");
}

TEST_F(spawn, close_out_of_range)
{
	static const int bad[] = { -1, INT_MIN, INT_MAX, 64, 1 << 20 };
	struct spawn s;

	ASSERT_EQ(0, own_allow_descriptors(64));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, 63);
		spawn_close(&s, bad[i]);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	}
}

/* Above a limit that was lowered, but open: close() works, so does this. */
TEST_F(spawn, close_above_a_lowered_limit)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(40, dup2(0, 40));
	ASSERT_EQ(41, dup2(0, 41));
	ASSERT_EQ(0, own_allow_descriptors(32));
	spawn_close(&s, 40);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 41");
}

/* The last writer's close gives the reader its end of file. */
TEST_F(spawn, close_of_a_pipe_is_seen_at_its_other_end)
{
	int ends[2];
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ends));
	spawn_close(&s, ends[1]);
	pid = assert_start(_metadata, self->device, &s);
	close(ends[1]);
	EXPECT_EQ(0, read(ends[0], &c, 1));
	ASSERT_EQ(0, kill(pid, SIGTERM));
	EXPECT_EQ(SIGTERM, own_wait(pid));
}

/*
 * A file that was open for writing is closed for good before the next action:
 * executing it at the end is no ETXTBSY.
 */
TEST_F(spawn, close_takes_effect_at_once)
{
	DEFINE_SPAWN(s, "./program", "program", "exit", "7");
	int fd;

	ASSERT_EQ(0, scratch_copy_child("program", 0755));
	fd = assert_fd(_metadata, open("program", O_WRONLY));
	close(fd);
	spawn_open(&s, 9, "program", O_WRONLY, 0);
	spawn_close(&s, 9);
	expect_exit(_metadata, self->device, &s, 7);

	/* And while it is open, it is one. */
	s.args.action_count = 0;
	spawn_open(&s, 9, "program", O_WRONLY, 0);
	expect_failure(_metadata, self->device, &s, ETXTBSY, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, closefrom_leaves_what_is_below)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(5, dup2(0, 5));
	ASSERT_EQ(6, dup2(0, 6));
	ASSERT_EQ(63, dup2(0, 63));
	ASSERT_EQ(64, dup2(0, 64));
	ASSERT_EQ(999, dup2(0, 999));
	spawn_closefrom(&s, 6);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5");
}

TEST_F(spawn, closefrom_zero_leaves_nothing)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(100, dup2(0, 100));
	spawn_closefrom(&s, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "");
}

TEST_F(spawn, closefrom_above_everything)
{
	static const int from[] = { 3, 64, 4096, 1 << 30, INT_MAX };
	struct report r;
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(from); i++) {
		report_init(_metadata, &s, &r);
		spawn_closefrom(&s, from[i]);
		expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	}
}

TEST_F(spawn, closefrom_negative)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_closefrom(&s, -1);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_closefrom(&s, INT_MIN);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
}

/* Close-on-exec descriptors that were named are gone after it, too. */
TEST_F(spawn, closefrom_and_named_descriptors)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/null", O_RDONLY | O_CLOEXEC));

	spawn_dup2(&s, fd, 20);
	spawn_closefrom(&s, 10);
	spawn_dup2(&s, fd, 21);
	spawn_open(&s, 30, "/dev/zero", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 21 30");

	spawn_init(&s, scratch_tiny);
	spawn_closefrom(&s, 3);
	spawn_dup2(&s, fd, 20);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
}

/* The table shrinks in the child only. */
TEST_F(spawn, closefrom_leaves_the_caller_alone)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int count;

	ASSERT_EQ(700, dup2(0, 700));
	count = own_descriptor_count();
	spawn_closefrom(&s, 0);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(count, own_descriptor_count());
	EXPECT_LE(0, fcntl(700, F_GETFD));
}

TEST_HARNESS_MAIN
