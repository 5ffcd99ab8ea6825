// SPDX-License-Identifier: LGPL-2.1-or-later
/* SETCGROUP, and the limits of the cgroup that a child is in. */
#include "lib/fixture.h"

#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>

/* cgroup v2: the system's if it is mounted, or a mount of our own. */
static bool find_cgroups(struct __test_metadata *_metadata, char *root, size_t size)
{
	static const char * const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (unsigned int i = 0; i < ARRAY_SIZE(usual); i++) {
		if (!statfs(usual[i], &fs) && fs.f_type == CGROUP2_SUPER_MAGIC) {
			snprintf(root, size, "%s", usual[i]);
			return true;
		}
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	ASSERT_EQ(0, mkdir("cgroups", 0755));
	if (mount("none", "cgroups", "cgroup2", 0, NULL))
		return false;
	snprintf(root, size, "cgroups");
	return true;
}

/* A group of our own below @root; its descriptor, or -1. */
static int make_cgroup(const char *root, char *path, size_t size)
{
	snprintf(path, size, "%s/kspawn-test-%d", root, getpid());
	if (mkdir(path, 0755))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#define NO_CGROUPS	"no cgroup v2 that may be changed: run this as root in a guest"

TEST_F(spawn, child_is_born_in_it)
{
	char root[64], path[128], expected[64];
	DEFINE_REPORT(s, r);
	int fd;

	if (geteuid() || !find_cgroups(_metadata, root, sizeof(root)))
		SKIP(return, NO_CGROUPS);
	fd = make_cgroup(root, path, sizeof(path));
	ASSERT_LE(0, fd);
	snprintf(expected, sizeof(expected), "0::/kspawn-test-%d\n", getpid());
	spawn_setcgroup(&s, fd);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_NE(NULL, strstr(report_section(&r, "cgroup", NULL), expected))
		TH_LOG("%s", report_section(&r, "cgroup", NULL));
	expect_fds(_metadata, &r, "0 1 2");
	/* Without the attribute it is where its parent is. */
	s.args.attr_flags = 0;
	s.args.cgroup = 0;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(NULL, strstr(report_section(&r, "cgroup", NULL), expected));
	EXPECT_EQ(0, rmdir(path));
}

TEST_F(spawn, path_descriptor_of_a_cgroup)
{
	char root[64], path[128];
	DEFINE_SPAWN(s, scratch_tiny);
	int fd, copy;

	if (geteuid() || !find_cgroups(_metadata, root, sizeof(root)))
		SKIP(return, NO_CGROUPS);
	fd = make_cgroup(root, path, sizeof(path));
	ASSERT_LE(0, fd);
	copy = assert_fd(_metadata, open(path, O_PATH | O_CLOEXEC));
	spawn_setcgroup(&s, copy);
	/* clone3() takes one of both kinds or of one; so do we. */
	EXPECT_LE(0, own_wait(expect_start(_metadata, self->device, &s)));
	EXPECT_EQ(0, rmdir(path));
}

TEST_F(spawn, no_cgroup_at_all)
{
	static const int bad[] = { -1, 99, INT_MAX, INT_MIN };
	struct spawn s;
	int fd;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_setcgroup(&s, bad[i]);
		expect_attribute_failure(_metadata, self->device, &s,
					 bad[i] < 0 ? EINVAL : EBADF, KSPAWN_ATTR_SETCGROUP);
	}
	fd = assert_fd(_metadata, open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	s.args.cgroup = fd;
	expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
	/* 0 is a descriptor like any other. */
	s.args.cgroup = 0;
	expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
}

/* The errno is the kernel's, which has changed: clone3() is asked. */
TEST_F(spawn, removed_cgroup)
{
	struct clone_args clone = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
	};
	char root[64], path[128];
	DEFINE_SPAWN(s, scratch_tiny);
	int fd;

	if (geteuid() || !find_cgroups(_metadata, root, sizeof(root)))
		SKIP(return, NO_CGROUPS);
	fd = make_cgroup(root, path, sizeof(path));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rmdir(path));
	clone.cgroup = fd;
	ASSERT_EQ(-1, syscall(SYS_clone3, &clone, sizeof(clone)));
	ASSERT_TRUE(errno == ENOENT || errno == ENODEV)
		TH_LOG("%m");
	spawn_setcgroup(&s, fd);
	expect_attribute_failure(_metadata, self->device, &s, errno, KSPAWN_ATTR_SETCGROUP);
}

TEST_F(spawn, cgroup_of_somebody_else)
{
	char root[64], path[128];
	struct spawn s;
	pid_t pid;
	int fd;

	if (geteuid() || !find_cgroups(_metadata, root, sizeof(root)))
		SKIP(return, NO_CGROUPS);
	fd = make_cgroup(root, path, sizeof(path));
	ASSERT_LE(0, fd);
	pid = assert_fork(_metadata);
	if (!pid) {
		if (own_drop_privileges())
			_exit(1);
		own_watch_sigchld();
		spawn_init(&s, scratch_tiny);
		spawn_setcgroup(&s, fd);
		expect_attribute_failure(_metadata, self->device, &s, EACCES,
					 KSPAWN_ATTR_SETCGROUP);
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(0, rmdir(path));
}

/* The pids controller's limit: EAGAIN as from fork(), and nothing is charged. */
TEST_F(spawn, limit_of_the_cgroup)
{
	char root[64], path[128], current[160];
	pid_t first, second;
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int fd;

	if (geteuid() || !find_cgroups(_metadata, root, sizeof(root)))
		SKIP(return, NO_CGROUPS);
	if (put_in(root, "cgroup.subtree_control", "+pids"))
		SKIP(return, "no pids controller: %m");
	fd = make_cgroup(root, path, sizeof(path));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put_in(path, "pids.max", "1"));
	spawn_setcgroup(&s, fd);
	first = assert_start(_metadata, self->device, &s);
	second = spawn_start(self->device, &s);
	EXPECT_EQ(-1, second);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(KSPAWN_STEP_CLONE, s.result.step);
	ASSERT_EQ(0, kill(first, SIGKILL));
	own_wait(first);
	/* The place is free again. */
	spawn_init(&s, scratch_tiny);
	spawn_setcgroup(&s, fd);
	expect_exit(_metadata, self->device, &s, 0);
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	s.args.action_count = 0;
	s.args.actions = 0;
	s.args.action_size = 0;
	/* The child that failed counts until its end, which nobody waits for. */
	snprintf(current, sizeof(current), "%s/pids.current", path);
	ASSERT_TRUE(totals_settle(current, 0, TOTALS_SETTLE_MS));
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, put_in(path, "pids.max", "0"));
	expect_failure(_metadata, self->device, &s, EAGAIN, KSPAWN_STEP_CLONE, 0);
	EXPECT_EQ(0, rmdir(path));
}

TEST_HARNESS_MAIN
