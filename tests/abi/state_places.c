// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where the program is: its root, namespaces, terminal, the descriptors that are left to
 * it; and a start in the stopped state.
 */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "lib/builders.h"

static void expect_action_failure(struct __test_metadata *_metadata, int device, struct spawn *s,
				  int error)
{
	expect_failure(_metadata, device, s, error, KSPAWN_STEP_ACTION, 0);
}

/* Directory "jail", with the program in it; a descriptor of it, close-on-exec. */
static int make_jail(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, mkdir("jail", 0755));
	ASSERT_EQ(0, scratch_copy_child("jail/inside", 0755));
	return assert_fd(_metadata, open("jail", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

TEST_F(spawn, root_of_the_program)
{
	DEFINE_SPAWN(s, "/inside", "inside", "exit", "9");
	int jail;

	need_root(_metadata);
	jail = make_jail(_metadata);
	spawn_chroot(&s, AT_FDCWD, "jail");
	expect_exit(_metadata, self->device, &s, 9);
	/* By its descriptor, which the child has for that and no longer. */
	s.actions[0].dirfd = jail;
	s.actions[0].path = spawn_pointer(".");
	expect_exit(_metadata, self->device, &s, 9);
	s.actions[0].path = spawn_pointer("..");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	/* The working directory is the one that it was. */
	s.actions[0].path = spawn_pointer(".");
	s.args.path = spawn_pointer("jail/inside");
	expect_exit(_metadata, self->device, &s, 9);
	spawn_chdir(&s, "/");
	s.args.path = spawn_pointer("inside");
	expect_exit(_metadata, self->device, &s, 9);
	/* In the other order. */
	spawn_init(&s, "/inside", "inside", "exit", "9");
	spawn_chdir(&s, "jail");
	spawn_chroot(&s, AT_FDCWD, ".");
	spawn_chdir(&s, "..");
	s.args.path = spawn_pointer("inside");
	expect_exit(_metadata, self->device, &s, 9);
	close(jail);
}

TEST_F(spawn, roots_that_are_refused)
{
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, scratch_file("file", "x", 1, 0644));
	ASSERT_EQ(0, mkdir("closed", 0755));
	spawn_chroot(&s, AT_FDCWD, "nowhere");
	expect_action_failure(_metadata, self->device, &s, ENOENT);
	s.actions[0].path = spawn_pointer("file");
	expect_action_failure(_metadata, self->device, &s, ENOTDIR);
	s.actions[0].path = spawn_pointer("");
	expect_action_failure(_metadata, self->device, &s, ENOENT);
	s.actions[0].path = spawn_pointer(".");
	s.actions[0].dirfd = 99;
	expect_action_failure(_metadata, self->device, &s, EBADF);
	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	s.actions[0].dirfd = AT_FDCWD;
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

TEST_F(spawn, root_of_a_builder)
{
	DEFINE_SPAWN(program, "/inside", "inside", "exit", "8");
	char path[64], target[PATH_MAX], expected[PATH_MAX];
	struct spawn s;
	int builder;
	pid_t pid;

	need_root(_metadata);
	close(make_jail(_metadata));
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_chroot(&s, AT_FDCWD, "jail/inside");
	expect_refused(_metadata, builder, &s, ENOTDIR);
	plain_init(&s);
	spawn_chroot(&s, AT_FDCWD, "jail");
	expect_applied(_metadata, builder, &s);
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	target[readlink(path, target, sizeof(target) - 1)] = '\0';
	snprintf(expected, sizeof(expected), "%s/jail", self->directory);
	EXPECT_STREQ(expected, target);
	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	memset(target, 0, sizeof(target));
	EXPECT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_STREQ(self->directory, target);
	EXPECT_EQ(pid, start(builder, &program));
	EXPECT_EQ(8 << 8, own_wait(pid));
	close(builder);
}

static bool same_namespace(const struct report *r, const char *name)
{
	char path[64], target[64] = "", expected[80];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return false;
	snprintf(expected, sizeof(expected), "%s %s ", name, target);
	return strstr(report_section(r, "namespaces", NULL), expected);
}

TEST_F(spawn, new_namespaces)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	spawn_state(&s, KSPAWN_ACTION_UNSHARE,
		    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP |
		    CLONE_NEWPID | CLONE_NEWTIME, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_FALSE(same_namespace(&r, "mnt"));
	EXPECT_FALSE(same_namespace(&r, "uts"));
	EXPECT_FALSE(same_namespace(&r, "ipc"));
	EXPECT_FALSE(same_namespace(&r, "net"));
	EXPECT_FALSE(same_namespace(&r, "cgroup"));
	EXPECT_TRUE(same_namespace(&r, "user"));
	/* That of its children. */
	EXPECT_TRUE(same_namespace(&r, "pid"));
	EXPECT_FALSE(same_namespace(&r, "pid_for_children"));
}

TEST_F(spawn, new_user_namespace)
{
	DEFINE_REPORT(s, r);

	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	spawn_state(&s, KSPAWN_ACTION_UNSHARE, CLONE_NEWUSER | CLONE_NEWNS, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_FALSE(same_namespace(&r, "user"));
	EXPECT_FALSE(same_namespace(&r, "mnt"));
	EXPECT_STREQ("", report_section(&r, "uid_map", NULL));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_UNSHARE, CLONE_NEWNS, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

/* Its maker says who it is there, as newuidmap does, before there is a program. */
TEST_F(spawn, user_namespace_of_a_builder)
{
	DEFINE_REPORT(program, r);
	char path[64], map[64];
	unsigned int ids[4];
	struct spawn s;
	int builder;
	pid_t pid;

	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	/* Dropping them has made this process, and so its child, undumpable. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_UNSHARE, CLONE_NEWUSER, 0, 0);
	expect_applied(_metadata, builder, &s);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(map, sizeof(map), "0 %u 1", getuid());
	ASSERT_EQ(0, put(path, map));
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_UNSHARE, CLONE_NEWNS | CLONE_NEWUTS, 0, 0);
	expect_applied(_metadata, builder, &s);
	expect_reported(_metadata, builder, pid, &program, &r);
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(0, ids[0]);
	EXPECT_NE(0, report_status_hex(&r, "CapEff"));
	close(builder);
}

TEST_F(spawn, namespaces_that_are_refused)
{
	static const unsigned int flags[] = {
		0, CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD, CLONE_SYSVSEM,
		CLONE_NEWNS | CLONE_FS, UINT32_MAX,
	};
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_state(&s, KSPAWN_ACTION_UNSHARE, 0, 0, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		s.actions[0].value = flags[i];
		expect_action_failure(_metadata, self->device, &s, EINVAL);
	}
	spawn_init(&s, scratch_tiny);
	spawn_state_fd(&s, KSPAWN_ACTION_SETNS, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].fd = 99;
	expect_action_failure(_metadata, self->device, &s, EBADF);
	s.actions[0].fd = -1;
	expect_action_failure(_metadata, self->device, &s, EBADF);
	s.actions[0].value = CLONE_VM;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

/* A namespace by its descriptor; the program is looked for in there. */
TEST_F(spawn, namespace_by_descriptor)
{
	DEFINE_SPAWN(s, "./inside", "inside", "exit", "7");
	int there;

	need_own_mounts(_metadata);
	close(make_jail(_metadata));
	there = assert_fd(_metadata, open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "jail", "tmpfs", 0, NULL));
	spawn_chdir(&s, self->directory);
	spawn_chdir(&s, "jail");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	s.args.action_count = 0;
	spawn_state_fd(&s, KSPAWN_ACTION_SETNS, there, CLONE_NEWNS);
	spawn_chdir(&s, self->directory);
	spawn_chdir(&s, "jail");
	expect_exit(_metadata, self->device, &s, 7);
	s.actions[0].value = CLONE_NEWUTS;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	close(there);
}

/* The namespaces of a process, by its pidfd. */
TEST_F(spawn, namespaces_of_a_process)
{
	DEFINE_SPAWN(first, scratch_child, "child", "pause");
	DEFINE_REPORT(s, r);
	pid_t pid;

	need_root(_metadata);
	spawn_state(&first, KSPAWN_ACTION_UNSHARE, CLONE_NEWUTS | CLONE_NEWIPC, 0, 0);
	first.args.flags = KSPAWN_PIDFD;
	pid = assert_start(_metadata, self->device, &first);
	spawn_state_fd(&s, KSPAWN_ACTION_SETNS, first.result.pidfd, CLONE_NEWUTS | CLONE_NEWIPC);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_FALSE(same_namespace(&r, "uts"));
	EXPECT_FALSE(same_namespace(&r, "ipc"));
	EXPECT_TRUE(same_namespace(&r, "net"));
	/* Which of them is to be said. */
	s.actions[0].value = 0;
	expect_step(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION);
	close(first.result.pidfd);
	expect_killed(_metadata, pid);
}

/* A terminal that nobody has becomes that of the child's session. */
TEST_F(spawn, controlling_terminal)
{
	int master, slave, null, number, unlock = 0;
	DEFINE_REPORT(s, r);
	char path[32];

	master = assert_fd(_metadata, posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	ASSERT_EQ(0, ioctl(master, TIOCSPTLCK, &unlock));
	ASSERT_EQ(0, ioctl(master, TIOCGPTN, &number));
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	slave = assert_fd(_metadata, open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));

	spawn_state_fd(&s, KSPAWN_ACTION_CTTY, slave, 0);
	expect_action_failure(_metadata, self->device, &s, EPERM);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 6));
	EXPECT_NE(0, report_stat(&r, 7));
	EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 8));
	expect_fds(_metadata, &r, "0 1 2");

	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	null = assert_fd(_metadata, open("/dev/null", O_RDWR | O_CLOEXEC));
	spawn_state_fd(&s, KSPAWN_ACTION_CTTY, null, 0);
	expect_action_failure(_metadata, self->device, &s, ENOTTY);
	s.actions[0].fd = 99;
	expect_action_failure(_metadata, self->device, &s, EBADF);
	s.actions[0].fd = slave;
	s.actions[0].value = 2;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	close(null);
	close(slave);
	close(master);
}

/* One that a session has can be taken by root alone, who says so. */
TEST_F(spawn, controlling_terminal_of_others)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int master, slave;

	need_root(_metadata);
	master = assert_fd(_metadata, posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	ASSERT_EQ(getpid(), setsid());
	slave = assert_fd(_metadata, open(ptsname(master), O_RDWR | O_CLOEXEC));
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_state_fd(&s, KSPAWN_ACTION_CTTY, slave, 0);
	expect_action_failure(_metadata, self->device, &s, EPERM);
	/* The session that loses it is hung up. */
	signal(SIGHUP, SIG_IGN);
	s.actions[0].value = 1;
	expect_exit(_metadata, self->device, &s, 0);
	close(slave);
	close(master);
}

TEST_F(spawn, descriptors_but_for_some)
{
	static const int kept[] = { 1, 12, 13, 20, 500 };
	static const int descending[] = { 13, 12 };
	static const int twice[] = { 13, 13 };
	static const int negative[] = { -1, 13 };
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(10, 20, F_DUPFD));
	spawn_close_except(&s, 3, INT_MAX, kept, ARRAY_SIZE(kept));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 12 13 20");
	report_init(_metadata, &s, &r);
	spawn_close_except(&s, 2, 15, kept, ARRAY_SIZE(kept));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 12 13 16 17 18 19 20");
	report_init(_metadata, &s, &r);
	spawn_close_except(&s, 13, 13, kept, ARRAY_SIZE(kept));
	spawn_close_except(&s, 12, 14, kept, ARRAY_SIZE(kept));
	spawn_close_except(&s, 18, 20, kept, ARRAY_SIZE(kept));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 11 12 13 15 16 17 20");
	report_init(_metadata, &s, &r);
	spawn_close_except(&s, 10, INT_MAX, NULL, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	/* A descriptor that is kept is close-on-exec if it was. */
	report_init(_metadata, &s, &r);
	spawn_open(&s, 12, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	spawn_close_except(&s, 3, INT_MAX, kept, ARRAY_SIZE(kept));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 13 20");

	spawn_init(&s, scratch_tiny);
	spawn_close_except(&s, 3, INT_MAX, descending, 2);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].data = spawn_pointer(twice);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].data = spawn_pointer(negative);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = 3;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	spawn_init(&s, scratch_tiny);
	spawn_close_except(&s, -1, 3, kept, 1);
	expect_action_failure(_metadata, self->device, &s, EBADF);
	s.actions[0].fd = 4;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

static void expect_stopped(struct __test_metadata *_metadata, pid_t pid)
{
	int status = 0;

	EXPECT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGSTOP, WSTOPSIG(status));
}

TEST_F(spawn, start_in_the_stopped_state)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	char target[PATH_MAX], path[64];
	pid_t pid;

	s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK;
	s.args.sigmask = ~0ULL;
	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	pid = assert_start(_metadata, self->device, &s);
	expect_stopped(_metadata, pid);
	/* It is the program already. */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	memset(target, 0, sizeof(target));
	EXPECT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_STREQ(scratch_child, target);
	EXPECT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(3 << 8, own_wait(pid));
	/* A start that fails tells of no stop. */
	s.args.path = spawn_pointer("/no/such/program");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, "/no/such/program");
	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* SIGCONT works from the moment at which the call returns. */
TEST_F(spawn, continued_at_once)
{
	unsigned int rounds = scratch_scale(200);
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	for (unsigned int i = 0; i < rounds; i++) {
		pid = assert_start(_metadata, self->device, &s);
		ASSERT_EQ(0, kill(pid, SIGCONT));
		ASSERT_EQ(0, own_wait(pid));
	}
}

TEST_F(spawn, asynchronous_start_in_the_stopped_state)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct kspawn_event event = {};
	int completion = completion_open(self->device, 1, 0);
	pid_t pid;

	ASSERT_LE(0, completion);
	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	s.args.flags = KSPAWN_ASYNC;
	s.args.completion = completion;
	pid = assert_start(_metadata, self->device, &s);
	ASSERT_EQ((ssize_t)sizeof(event), read(completion, &event, sizeof(event)));
	EXPECT_EQ(0, event.error);
	EXPECT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(0, own_wait(pid));
	close(completion);
}

/* Before its first instruction a debugger can have it. */
TEST_F(spawn, debugger_of_a_stopped_program)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int status = 0;
	pid_t pid;

	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	pid = assert_start(_metadata, self->device, &s);
	expect_stopped(_metadata, pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT));
	EXPECT_EQ(0, kill(pid, SIGCONT));
	do {
		ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
		ASSERT_TRUE(WIFSTOPPED(status));
		if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)))
			break;
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	} while (true);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	EXPECT_EQ(0, own_wait(pid));
}

/* Said while it is built, and for whatever start succeeds. */
TEST_F(spawn, builder_that_starts_stopped)
{
	DEFINE_SPAWN(program, scratch_child, "child", "exit", "4");
	DEFINE_SPAWN(bad, "/no/such/program");
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	expect_applied(_metadata, builder, &s);
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	EXPECT_EQ(-1, ioctl(builder, KSPAWN_IOC_START, &bad.args));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(pid, start(builder, &program));
	expect_stopped(_metadata, pid);
	EXPECT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(4 << 8, own_wait(pid));
	close(builder);

	/* The same as it is made, which does not wait for any stop. */
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_STOP, 0, 0, 0);
	builder = ioctl(self->device, KSPAWN_IOC_BUILDER, &s.args);
	ASSERT_LE(3, builder);
	pid = s.result.pid;
	EXPECT_EQ(pid, start(builder, &program));
	expect_stopped(_metadata, pid);
	expect_killed(_metadata, pid);
	close(builder);
}

TEST_HARNESS_MAIN
