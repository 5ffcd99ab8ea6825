// SPDX-License-Identifier: LGPL-2.1-or-later
/* Builders: each operation, applied to a child that there is. */
#include "lib/builders.h"

#include <grp.h>
#include <linux/openat2.h>
#include <sys/resource.h>

static unsigned long long signals_of(pid_t pid, const char *name)
{
	char text[64];

	read_field(pid, "status", name, text);
	return strtoull(text, NULL, 16);
}

/* Which of 0 to 99 the child has open, as "0 1 2". */
static const char *open_in(pid_t pid)
{
	static char text[512];
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "fd/%d", i);
		if (!link_is(pid, name, NULL))
			used += snprintf(text + used, sizeof(text) - used, "%s%d",
					 used ? " " : "", i);
	}
	return text;
}

/* Numbers are those of the child's descriptors, not of whoever asks. */
TEST_F(spawn, working_directory_by_descriptor)
{
	int builder, fd;
	struct spawn s;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
	plain_init(&s);
	spawn_fchdir(&s, fd);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_pass(&s, fd, 40, O_CLOEXEC);
	spawn_fchdir(&s, 40);
	expect_applied(_metadata, builder, &s);
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	plain_init(&s);
	spawn_fchdir(&s, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
	close(fd);
}

TEST_F(spawn, paths_that_begin_at_a_descriptor)
{
	DEFINE_SPAWN(program, "program", "child", "exit", "7");
	int builder, fd;
	struct spawn s;
	pid_t pid;

	ASSERT_EQ(0, mkdir("below", 0777));
	ASSERT_EQ(0, scratch_copy_child("below/program", 0755));
	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open("below", O_PATH | O_DIRECTORY | O_CLOEXEC));
	plain_init(&s);
	spawn_open(&s, 9, "program", O_RDONLY, 0);
	s.actions[0].dirfd = fd;
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_pass(&s, fd, 40, O_CLOEXEC);
	spawn_open(&s, 9, "program", O_RDONLY | O_CLOEXEC, 0);
	s.actions[1].dirfd = 40;
	spawn_open(&s, 10, "../below/program", O_RDONLY, 0);
	s.actions[2].dirfd = 40;
	s.actions[2].resolve = RESOLVE_BENEATH;
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EXDEV, KSPAWN_STEP_ACTION, 2);
	EXPECT_STREQ("0 1 2 9 40", open_in(pid));
	plain_init(&s);
	spawn_chdir(&s, ".");
	s.actions[0].dirfd = 40;
	expect_applied(_metadata, builder, &s);
	spawn_chdir(&program, "/");
	program.args.dirfd = 40;
	EXPECT_EQ(pid, start(builder, &program));
	EXPECT_EQ(7 << 8, own_wait(pid));
	close(builder);
	close(fd);
}

TEST_F(spawn, program_through_proc)
{
	DEFINE_SPAWN(s, "/proc/self/fd/40/tiny");
	int builder, fd;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open(scratch_directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
	spawn_pass(&s, fd, 40, O_CLOEXEC);
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(0, own_wait(pid));
	close(builder);
	close(fd);
}

TEST_F(spawn, closes)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	for (int i = 20; i < 30; i++)
		spawn_dup2(&s, 0, i);
	expect_applied(_metadata, builder, &s);
	plain_init(&s);
	spawn_close_range(&s, 21, 23);
	expect_applied(_metadata, builder, &s);
	EXPECT_STREQ("0 1 2 20 24 25 26 27 28 29", open_in(pid));
	plain_init(&s);
	spawn_close(&s, 25);
	spawn_closefrom(&s, 27);
	expect_applied(_metadata, builder, &s);
	EXPECT_STREQ("0 1 2 20 24 26", open_in(pid));
	plain_init(&s);
	spawn_close_range(&s, 9, 8);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	spawn_closefrom(&s, 0);
	expect_applied(_metadata, builder, &s);
	EXPECT_STREQ("", open_in(pid));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* One that is close-on-exec stays until the program, and with INHERIT longer. */
TEST_F(spawn, inherits)
{
	DEFINE_REPORT(report, r);
	int builder, fd;
	struct spawn s;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	plain_init(&s);
	spawn_pass(&s, fd, 20, O_CLOEXEC);
	spawn_pass(&s, fd, 21, O_CLOEXEC);
	expect_applied(_metadata, builder, &s);
	EXPECT_STREQ("0 1 2 20 21", open_in(pid));
	plain_init(&s);
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = 21;
	/* One that is not open is no error. */
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = 22;
	expect_applied(_metadata, builder, &s);
	EXPECT_EQ(pid, start(builder, &report));
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2 21");
	close(builder);
	close(fd);
}

TEST_F(spawn, dispositions)
{
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN;
	s.args.sigignore = spawn_signal_bit(SIGUSR1) | spawn_signal_bit(SIGUSR2);
	expect_applied(_metadata, builder, &s);
	EXPECT_EQ(s.args.sigignore, signals_of(pid, "SigIgn"));
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSIGDEF;
	s.args.sigdefault = spawn_signal_bit(SIGUSR2);
	expect_applied(_metadata, builder, &s);
	EXPECT_EQ(spawn_signal_bit(SIGUSR1), signals_of(pid, "SigIgn"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The mask is the program's: that of a start which fails is nobody's. */
TEST_F(spawn, mask_of_a_start_that_fails)
{
	DEFINE_SPAWN(bad, "/no/such/program");
	DEFINE_REPORT(report, r);
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK;
	s.args.sigmask = spawn_signal_bit(SIGUSR1);
	expect_applied(_metadata, builder, &s);
	/* Nor does an operation that fails set one. */
	s.args.sigmask = spawn_signal_bit(SIGTERM);
	spawn_dup2(&s, 99, 98);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	bad.args.attr_flags = KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETPGROUP;
	bad.args.sigmask = spawn_signal_bit(SIGUSR2);
	expect_call(_metadata, builder, KSPAWN_IOC_START, &bad, ENOENT, KSPAWN_STEP_EXEC, 0);
	/* Its other operations hold. */
	EXPECT_EQ(pid, getpgid(pid));
	EXPECT_EQ(pid, start(builder, &report));
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(spawn_signal_bit(SIGUSR1), report_status_hex(&r, "SigBlk"));
	close(builder);
}

TEST_F(spawn, scheduling)
{
	struct sched_param param = {};
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_setscheduler(&s, SCHED_BATCH, 0);
	expect_applied(_metadata, builder, &s);
	EXPECT_EQ(SCHED_BATCH, sched_getscheduler(pid));
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
	s.args.sched_priority = 5;
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_ATTRIBUTE,
		    KSPAWN_ATTR_SETSCHEDPARAM);
	EXPECT_EQ(SCHED_BATCH, sched_getscheduler(pid));
	if (!geteuid()) {
		plain_init(&s);
		spawn_setscheduler(&s, SCHED_FIFO, 3);
		expect_applied(_metadata, builder, &s);
		plain_init(&s);
		s.args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
		s.args.sched_priority = 5;
		expect_applied(_metadata, builder, &s);
		EXPECT_EQ(SCHED_FIFO, sched_getscheduler(pid));
		EXPECT_EQ(0, sched_getparam(pid, &param));
		EXPECT_EQ(5, param.sched_priority);
	}
	expect_alive(_metadata, builder, pid);
	close(builder);
}

static int reset_ids(struct __test_metadata *_metadata, int device)
{
	char text[64];
	struct spawn s;
	int builder;
	pid_t pid;

	if (setresgid(0, 1000, 0) || setresuid(0, 1000, 0))
		return 1;
	own_watch_sigchld();
	builder = assert_builder(_metadata, device, &pid);
	read_field(pid, "status", "Uid", text);
	EXPECT_STREQ("0\t1000\t0\t1000", text);
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_applied(_metadata, builder, &s);
	read_field(pid, "status", "Uid", text);
	EXPECT_STREQ("0\t0\t0\t0", text);
	read_field(pid, "status", "Gid", text);
	EXPECT_STREQ("0\t0\t0\t0", text);
	/* The one that made it could become the same. */
	expect_alive(_metadata, builder, pid);
	close(builder);
	return 0;
}

TEST_F(spawn, ids)
{
	pid_t caller;

	need_root(_metadata);
	caller = assert_fork(_metadata);
	if (!caller)
		_exit(reset_ids(_metadata, self->device) ?: _metadata->exit_code);
	EXPECT_EQ(0, own_wait(caller));
}

/* Its supplementary groups, root and limits are those of whoever made it. */
TEST_F(spawn, begins_as_its_maker)
{
	struct rlimit limit = { 123, 456 };
	static const gid_t groups[] = { 7, 8 };
	char text[64];
	int builder;
	pid_t pid;

	need_root(_metadata);
	ASSERT_EQ(0, setgroups(2, groups));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	builder = assert_builder(_metadata, self->device, &pid);
	read_field(pid, "status", "Groups", text);
	EXPECT_EQ(0, strncmp(text, "7 8", 3))
		TH_LOG("%s", text);
	read_field(pid, "status", "Umask", text);
	EXPECT_STREQ("0022", text);
	ASSERT_EQ(0, prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
	EXPECT_EQ(123, limit.rlim_cur);
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
}

/* A program that is bad past the point of no return: the child dies of it. */
TEST_F(spawn, dies_in_exec)
{
	struct idle before;
	struct spawn s;
	int builder;
	pid_t pid;

	idle_take(&before);
	ASSERT_EQ(0, scratch_doomed("doomed"));
	for (unsigned int i = 0; i < 20; i++) {
		builder = assert_builder(_metadata, self->device, &pid);
		spawn_init(&s, "./doomed");
		EXPECT_EQ(pid, start(builder, &s));
		EXPECT_EQ(POLLHUP, events_of(builder));
		EXPECT_EQ(SIGSEGV, own_wait(pid));
		close(builder);
	}
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
