// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which descriptors a child gets: INHERIT, CLOSE_RANGE, bounds, many names. */
#include "lib/fixture.h"

#include <sys/resource.h>

static void spawn_inherit(struct spawn *s, int fd)
{
	spawn_action(s, KSPAWN_ACTION_INHERIT)->fd = fd;
}

TEST_F(spawn, inherits)
{
	struct report_fd found;
	DEFINE_REPORT(s, r);

	ASSERT_EQ(20, fcntl(0, F_DUPFD_CLOEXEC, 20));
	ASSERT_EQ(21, fcntl(0, F_DUPFD_CLOEXEC, 21));
	ASSERT_EQ(22, fcntl(0, F_DUPFD, 22));
	ASSERT_EQ(300, fcntl(0, F_DUPFD_CLOEXEC, 300));
	spawn_inherit(&s, 20);
	spawn_inherit(&s, 22);
	spawn_inherit(&s, 300);
	/* One that is not open is no error. */
	spawn_inherit(&s, 99);
	spawn_inherit(&s, INT_MAX);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 20 22 300");
	ASSERT_TRUE(report_fd(&r, 20, &found));
	EXPECT_FALSE(found.cloexec);
	/* Nothing has changed here. */
	EXPECT_EQ(FD_CLOEXEC, fcntl(20, F_GETFD));
	/* The only ones. */
	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_inherit(&s, 2);
	spawn_inherit(&s, 21);
	expect_report_fds(_metadata, self->device, &s, &r, "2 21");
}

TEST_F(spawn, inherit_in_order)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 9, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	spawn_open(&s, 10, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	spawn_inherit(&s, 9);
	spawn_close(&s, 0);
	spawn_inherit(&s, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "1 2 9");
	spawn_init(&s, scratch_tiny);
	spawn_inherit(&s, -1);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	s.actions[0].fd = 0;
	s.actions[0].newfd = 1;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, closes_ranges)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(10, 19, F_DUPFD));
	spawn_close_range(&s, 11, 13);
	spawn_close_range(&s, 15, 15);
	spawn_close_range(&s, 18, INT_MAX);
	spawn_close_range(&s, 100, 200);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 14 16 17");
	report_init(_metadata, &s, &r);
	spawn_close_range(&s, 0, INT_MAX);
	spawn_open(&s, 4, "/dev/null", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "4");
}

TEST_F(spawn, close_range_errors)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_close_range(&s, 5, 4);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	s.actions[0].fd = -1;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	s.actions[0].fd = 0;
	s.actions[0].newfd = -1;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	s.actions[0].newfd = 3;
	s.actions[0].oflag = 4;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
}

/* Descriptors that a closefrom closes are not copied, unless an action before it names them. */
TEST_F(spawn, named_above_a_closefrom)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(9, fcntl(0, F_DUPFD, 9));
	ASSERT_EQ(30, fcntl(0, F_DUPFD, 30));
	ASSERT_EQ(100, fcntl(0, F_DUPFD, 100));
	ASSERT_EQ(500, fcntl(0, F_DUPFD_CLOEXEC, 500));
	spawn_dup2(&s, 100, 5);
	spawn_dup2(&s, 500, 6);
	spawn_closefrom(&s, 10);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5 6 9");
	/* After it there is nothing to copy. */
	spawn_init(&s, scratch_tiny);
	spawn_closefrom(&s, 10);
	spawn_dup2(&s, 100, 5);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
}

TEST_F(spawn, two_closefroms)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(40, 79, F_DUPFD));
	spawn_closefrom(&s, 70);
	spawn_dup2(&s, 50, 90);
	spawn_closefrom(&s, 42);
	spawn_open(&s, 64, "/dev/null", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 40 41 64");
}

/* Descriptors that a path and a dirfd name are copied, too. */
TEST_F(spawn, directory_above_a_closefrom)
{
	char name[64];
	DEFINE_REPORT(s, r);
	int fd = fcntl(open("/dev", O_PATH | O_CLOEXEC), F_DUPFD, 400);

	ASSERT_EQ(400, fd);
	spawn_open(&s, 5, "null", O_RDONLY, 0);
	s.actions[0].dirfd = fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d/null", fd);
	spawn_open(&s, 6, name, O_RDONLY, 0);
	spawn_fchdir(&s, fd);
	spawn_closefrom(&s, 7);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5 6");
	EXPECT_STREQ("/dev", report_section(&r, "cwd", NULL));
}

/* More are open than are inherited: a closefrom with a huge table. */
TEST_F(spawn, closefrom_of_thousands)
{
	DEFINE_REPORT(s, r);

	if (own_allow_descriptors(20000))
		SKIP(return, "no 20000 descriptors: %m");
	ASSERT_EQ(0, own_duplicate(4, 9999, F_DUPFD));
	spawn_dup2(&s, 9999, 3);
	spawn_closefrom(&s, 5);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 3 4");
}

/* A chain and a shuffle of many dup2 actions come out as they would in a child. */
TEST_F(spawn, many_dup2_actions)
{
	enum { ACTIONS = 20000, WIDTH = 64 };
	struct kspawn_action *actions = calloc(ACTIONS, sizeof(*actions));
	int model[256], i;
	unsigned int seed = 5;
	struct report_fd found;
	DEFINE_REPORT(s, r);

	ASSERT_NE(NULL, actions);
	for (i = 0; i < 256; i++)
		model[i] = -1;
	for (i = 0; i < WIDTH; i++) {
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "file%d", i);
		ASSERT_EQ(0, scratch_file(name, "x", 1, 0644));
		fd = open(name, O_RDONLY | O_CLOEXEC);
		ASSERT_EQ(100 + i, fcntl(fd, F_DUPFD_CLOEXEC, 100 + i));
		close(fd);
		model[100 + i] = i;
	}
	for (i = 0; i < ACTIONS; i++) {
		int from, to;

		do {
			seed = seed * 1103515245 + 12345;
			from = 20 + (seed >> 16) % 200;
		} while (model[from] < 0);
		seed = seed * 1103515245 + 12345;
		to = 20 + (seed >> 16) % 200;
		actions[i].op = KSPAWN_ACTION_DUP2;
		actions[i].fd = from;
		actions[i].newfd = to;
		model[to] = model[from];
	}
	spawn_set_actions(&s, actions, ACTIONS);
	expect_report(_metadata, self->device, &s, &r);
	for (i = 20; i < 220; i++) {
		char name[16];

		if (!report_fd(&r, i, &found)) {
			/* A descriptor that was never a target is close-on-exec still. */
			EXPECT_TRUE(model[i] < 0 || (i >= 100 && model[i] == i - 100))
				TH_LOG("descriptor %d is not there", i);
			continue;
		}
		snprintf(name, sizeof(name), "/file%d", model[i]);
		EXPECT_NE(NULL, strstr(found.target, name))
			TH_LOG("descriptor %d is %s", i, found.target);
	}
	free(actions);
}

/* No start that fails keeps the number that it had set apart for a pidfd. */
TEST_F(spawn, number_of_a_pidfd_is_given_back)
{
	struct spawn s;
	int first, i;

	first = fcntl(0, F_DUPFD_CLOEXEC, 0);
	ASSERT_LE(0, first);
	close(first);
	for (i = 0; i < 8; i++) {
		spawn_init(&s, i & 1 ? "/no/such/program" : scratch_tiny);
		s.args.flags = KSPAWN_PIDFD | (i & 2 ? KSPAWN_WAIT : 0);
		if (i & 4)
			spawn_chdir(&s, "/");
		if (!(i & 1))
			spawn_dup2(&s, 99, 98);
		EXPECT_EQ(-1, spawn_start(self->device, &s));
		EXPECT_EQ(first, fcntl(0, F_DUPFD_CLOEXEC, 0))
			TH_LOG("case %d", i);
		close(first);
	}
	/* Before there is a child. */
	spawn_init(&s, scratch_tiny);
	s.args.flags = KSPAWN_PIDFD;
	spawn_setcgroup(&s, 99);
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(first, fcntl(0, F_DUPFD_CLOEXEC, 0));
	close(first);
	EXPECT_TRUE(own_no_child());
}

TEST_HARNESS_MAIN
