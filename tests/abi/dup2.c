// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_ACTION_DUP2, with Austin Group issue 411 for equal descriptors. */
#include "lib/fixture.h"

#include <sys/resource.h>

static bool is_file(const struct report *r, int fd, const char *path)
{
	struct report_fd seen;
	struct stat st;

	return !stat(path, &st) && report_fd(r, fd, &seen) && seen.dev == st.st_dev &&
	       seen.ino == st.st_ino && !seen.cloexec;
}

TEST_F(spawn, copies)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY));

	spawn_dup2(&s, fd, 9);
	spawn_dup2(&s, fd, 0);
	spawn_dup2(&s, fd, 64);
	spawn_dup2(&s, fd, 1000);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(is_file(&r, 0, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, fd, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 9, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 64, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 1000, "/dev/zero"));
	EXPECT_EQ(7, report_fd_count(&r));
}

/* The source's flag is the source's: the copy is inherited, it is not. */
TEST_F(spawn, copies_a_close_on_exec_descriptor)
{
	DEFINE_REPORT(s, r);
	int low, high;

	low = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	high = fcntl(low, F_DUPFD_CLOEXEC, 300);
	ASSERT_EQ(300, high);
	spawn_dup2(&s, low, 20);
	spawn_dup2(&s, high, 21);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 20 21");
	EXPECT_TRUE(is_file(&r, 20, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 21, "/dev/zero"));
}

TEST_F(spawn, onto_a_close_on_exec_descriptor)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));

	spawn_dup2(&s, 0, fd);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(4, report_fd_count(&r));
	EXPECT_FALSE(is_file(&r, fd, "/dev/zero"));
}

TEST_F(spawn, onto_itself_clears_close_on_exec)
{
	DEFINE_REPORT(s, r);
	int low, high;

	low = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	high = fcntl(low, F_DUPFD_CLOEXEC, 200);
	ASSERT_EQ(200, high);
	spawn_dup2(&s, low, low);
	spawn_dup2(&s, high, high);
	spawn_dup2(&s, 1, 1);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(5, report_fd_count(&r));
	EXPECT_TRUE(is_file(&r, low, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, high, "/dev/zero"));
	/* The caller's flags are its own. */
	EXPECT_EQ(FD_CLOEXEC, fcntl(low, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(high, F_GETFD));
}

TEST_F(spawn, source_not_open)
{
	static const int bad[] = { 50, 63, 64, 1000, 100000, -1, INT_MIN, INT_MAX };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_dup2(&s, bad[i], 9);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
		spawn_init(&s, scratch_tiny);
		spawn_dup2(&s, 0, 1);
		spawn_dup2(&s, bad[i], bad[i]);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	}
}

TEST_F(spawn, source_closed_by_an_earlier_action)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_close(&s, 0);
	spawn_dup2(&s, 0, 9);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	spawn_init(&s, scratch_tiny);
	spawn_close(&s, 0);
	spawn_dup2(&s, 0, 0);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	/* Before the program, which is not there either. */
	spawn_init(&s, "/no/such/program");
	spawn_close(&s, 0);
	spawn_dup2(&s, 0, 9);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
}

TEST_F(spawn, target_out_of_range)
{
	static const int bad[] = { -1, INT_MIN, INT_MAX, 64, 1 << 20 };
	struct spawn s;

	ASSERT_EQ(0, own_allow_descriptors(64));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_dup2(&s, 0, bad[i]);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	}
	spawn_init(&s, scratch_tiny);
	spawn_dup2(&s, 0, 63);
	expect_exit(_metadata, self->device, &s, 0);
}

/* Open above a limit that was lowered: a source, and its own target. */
TEST_F(spawn, source_above_a_lowered_limit)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));

	ASSERT_EQ(40, fcntl(fd, F_DUPFD_CLOEXEC, 40));
	ASSERT_EQ(70, fcntl(fd, F_DUPFD_CLOEXEC, 70));
	ASSERT_EQ(0, own_allow_descriptors(32));
	spawn_dup2(&s, 40, 10);
	spawn_dup2(&s, 70, 11);
	spawn_dup2(&s, 70, 70);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 11 70");
	EXPECT_TRUE(is_file(&r, 10, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 11, "/dev/zero"));
	EXPECT_TRUE(is_file(&r, 70, "/dev/zero"));
}

TEST_F(spawn, swaps_two)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(5, dup2(open("/dev/zero", O_RDONLY | O_CLOEXEC), 5));
	ASSERT_EQ(6, dup2(open("/dev/full", O_RDONLY | O_CLOEXEC), 6));
	spawn_dup2(&s, 5, 30);
	spawn_dup2(&s, 6, 5);
	spawn_dup2(&s, 30, 6);
	spawn_close(&s, 30);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5 6");
	EXPECT_TRUE(is_file(&r, 5, "/dev/full"));
	EXPECT_TRUE(is_file(&r, 6, "/dev/zero"));
}

/* One open file description: the offset is shared with the caller. */
TEST_F(spawn, shares_the_offset)
{
	char rest[16] = "";
	DEFINE_SPAWN(s, scratch_child, "child", "cat");
	int fd;

	ASSERT_EQ(0, scratch_file("data", "0123456789", 10, 0644));
	fd = assert_fd(_metadata, open("data", O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(4, lseek(fd, 4, SEEK_SET));
	spawn_dup2(&s, fd, 0);
	spawn_open(&s, 1, "out", O_WRONLY | O_CREAT, 0644);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(10, lseek(fd, 0, SEEK_CUR));
	fd = open("out", O_RDONLY);
	EXPECT_EQ(6, read(fd, rest, sizeof(rest) - 1));
	EXPECT_STREQ("456789", rest);
}

TEST_F(spawn, path_descriptors)
{
	struct report_fd seen;
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open(self->directory, O_PATH | O_CLOEXEC));

	spawn_dup2(&s, fd, 9);
	spawn_dup2(&s, fd, fd);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(5, report_fd_count(&r));
	ASSERT_TRUE(report_fd(&r, 9, &seen));
	EXPECT_TRUE(seen.flags & O_PATH);
	ASSERT_TRUE(report_fd(&r, fd, &seen));
	EXPECT_TRUE(seen.flags & O_PATH);
}

/* A chain that only works when the actions are run in their order. */
TEST_F(spawn, runs_in_order)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 10, "/dev/zero", O_RDONLY, 0);
	spawn_dup2(&s, 10, 11);
	spawn_close(&s, 10);
	spawn_open(&s, 10, "/dev/full", O_RDONLY, 0);
	spawn_dup2(&s, 11, 12);
	spawn_dup2(&s, 10, 11);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 11 12");
	EXPECT_TRUE(is_file(&r, 10, "/dev/full"));
	EXPECT_TRUE(is_file(&r, 11, "/dev/full"));
	EXPECT_TRUE(is_file(&r, 12, "/dev/zero"));
}

/* Sockets and pipes stay what they are. */
TEST_F(spawn, pipe_end_carries_data)
{
	char text[16] = "";
	DEFINE_SPAWN(s, scratch_child, "child", "cat");
	int ends[2];

	ASSERT_EQ(0, scratch_file("data", "through", 7, 0644));
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	spawn_open(&s, 0, "data", O_RDONLY, 0);
	spawn_dup2(&s, ends[1], 1);
	expect_exit(_metadata, self->device, &s, 0);
	close(ends[1]);
	EXPECT_EQ(7, read(ends[0], text, sizeof(text) - 1));
	EXPECT_STREQ("through", text);
	EXPECT_EQ(0, read(ends[0], text, sizeof(text)));
}

TEST_HARNESS_MAIN
