// SPDX-License-Identifier: LGPL-2.1-or-later
/* Namespaces and roots: a spawn sees what its caller sees. */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <sched.h>
#include <sys/mount.h>

static int become_namespace_root(void)
{
	char map[64];
	uid_t uid = geteuid();
	int fd;

	if (unshare(CLONE_NEWUSER))
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		return -1;
	return close(fd);
}

/* unshare(CLONE_NEWPID): the next child is the first process in there. */
TEST_F(spawn, first_process_of_a_pid_namespace)
{
	char expected[64];
	DEFINE_REPORT(s, r);
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		SKIP(return, NEEDS_ROOT);
	pid = expect_start(_metadata, self->device, &s);
	ASSERT_LT(1, pid);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	snprintf(expected, sizeof(expected), "%d\t1\n", pid);
	EXPECT_EQ(0, strncmp(report_status(&r, "NSpid"), expected, strlen(expected)))
		TH_LOG("NSpid: %.20s", report_status(&r, "NSpid"));
	EXPECT_EQ(0, strncmp(report_section(&r, "ids", NULL), "pid 1 tid 1 ppid 0 ", 19));

	/* Its first process has ended, so has the namespace. */
	spawn_init(&s, scratch_tiny);
	expect_failure(_metadata, self->device, &s, ENOMEM, KSPAWN_STEP_CLONE, 0);
}

TEST_F(spawn, later_processes_of_a_pid_namespace)
{
	pid_t first, pid;
	struct report r;
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	if (unshare(CLONE_NEWPID))
		SKIP(return, NEEDS_ROOT);
	first = assert_start(_metadata, self->device, &s);
	report_init(_metadata, &s, &r);
	pid = expect_start(_metadata, self->device, &s);
	ASSERT_LT(first, pid);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(0, strncmp(report_section(&r, "ids", NULL), "pid 2 tid 2 ppid 0 ", 19));
	/* A failing one leaves nothing there, either. */
	spawn_init(&s, scratch_tiny);
	spawn_dup2(&s, 99, 98);
	expect_errno(_metadata, self->device, &s, EBADF);
	ASSERT_EQ(0, kill(first, SIGKILL));
	own_wait(first);
}

/* From inside, all pids are those of the inside. */
TEST_F(spawn, from_within_a_pid_namespace)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		SKIP(return, NEEDS_ROOT);
	pid = assert_fork(_metadata);
	if (!pid) {
		pid_t inner, joined;
		DEFINE_SPAWN(s, scratch_tiny);

		own_watch_sigchld();
		EXPECT_EQ(1, getpid());
		s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		inner = spawn_start(self->device, &s);
		EXPECT_EQ(2, inner);
		EXPECT_EQ(2, s.result.pid);
		/* The zombie still is its group. */
		s.args.pgroup = inner;
		joined = spawn_start(self->device, &s);
		EXPECT_EQ(3, joined);
		EXPECT_EQ(0, own_wait(inner));
		EXPECT_EQ(0, own_wait(joined));
		spawn_init(&s, scratch_tiny);
		s.args.flags = KSPAWN_PIDFD;
		inner = spawn_start(self->device, &s);
		EXPECT_EQ(4, inner);
		EXPECT_EQ(0, own_wait(inner));
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, -1);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(pid));
}

/* An event tells the pid by which its caller knows the child, whoever reads it. */
TEST_F(spawn, event_of_a_pid_namespace)
{
	int completion = completion_open(self->device, 1, 0), status;
	struct kspawn_event event = {};
	pid_t pid;

	ASSERT_LE(0, completion);
	if (unshare(CLONE_NEWPID))
		SKIP(return, NEEDS_ROOT);
	pid = assert_fork(_metadata);
	if (!pid) {
		DEFINE_SPAWN(s, scratch_tiny);

		completion_use(&s, completion, 1);
		_exit(spawn_start(self->device, &s) == 2 && !own_wait(2) ? 0 : 1);
	}
	status = own_wait(pid);
	EXPECT_EQ(0, status);
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(2, event.pid);
}

TEST_F(spawn, user_namespace)
{
	unsigned int ids[4];
	struct report r;
	struct spawn s;

	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	/* Not dumpable after that, and /proc/self/uid_map were root's. */
	report_init(_metadata, &s, &r);
	if (unshare(CLONE_NEWUSER))
		SKIP(return, "no user namespaces for this user: %m");
	/* Without a mapping all ids are the overflow id. */
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(65534, ids[0]);
	/* seteuid(getuid()) fails then, as it does in every posix_spawn(). */
	ASSERT_EQ(-1, seteuid(getuid()));
	EXPECT_EQ(EINVAL, errno);
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_RESETIDS);
}

TEST_F(spawn, root_of_a_user_namespace)
{
	unsigned int ids[4];
	DEFINE_REPORT(s, r);

	if (become_namespace_root())
		SKIP(return, "no user namespaces for this user: %m");
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(0, ids[0]);
	EXPECT_EQ(0, ids[1]);
	EXPECT_NE(0, report_status_hex(&r, "CapEff"));
	/* No use outside: real-time scheduling asks the first namespace. */
	spawn_init(&s, scratch_tiny);
	spawn_setscheduler(&s, SCHED_FIFO, 1);
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETSCHEDULER);
}

TEST_F(spawn, user_and_pid_namespace)
{
	DEFINE_REPORT(s, r);
	pid_t pid;

	if (become_namespace_root() || unshare(CLONE_NEWPID))
		SKIP(return, "no user namespaces for this user: %m");
	pid = expect_start(_metadata, self->device, &s);
	ASSERT_LT(1, pid);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(0, strncmp(report_section(&r, "ids", NULL), "pid 1 tid 1 ppid 0 ", 19));
}

TEST_F(spawn, mount_namespace)
{
	DEFINE_SPAWN(s, "mount/child", "child", "exit", "3");

	need_own_mounts(_metadata);
	ASSERT_EQ(0, mkdir("mount", 0755));
	ASSERT_EQ(0, mount("none", "mount", "tmpfs", 0, NULL));
	ASSERT_EQ(0, scratch_copy_child("mount/child", 0755));
	expect_exit(_metadata, self->device, &s, 3);
}

/* The text of /proc/PID/ns/@name of @task, or "". */
static void read_namespace(const char *task, const char *name, char text[64])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", task, name);
	n = readlink(path, text, 63);
	text[n < 0 ? 0 : n] = '\0';
}

/* Those of the calling thread, which need not be those of its process. */
TEST_F(spawn, every_other_namespace)
{
	static const char *const names[] = { "net", "ipc", "uts", "cgroup", "mnt" };

	need_root(_metadata);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		static const int flags[] = {
			CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWNS,
		};
		char old[64], own[64], child[64], number[16];
		struct spawn s;
		pid_t pid;

		read_namespace("self", names[i], old);
		ASSERT_EQ(0, unshare(flags[i]))
			TH_LOG("%s: %m", names[i]);
		read_namespace("self", names[i], own);
		EXPECT_STRNE(old, own);
		spawn_init(&s, scratch_child, "child", "pause");
		pid = assert_start(_metadata, self->device, &s);
		snprintf(number, sizeof(number), "%d", pid);
		read_namespace(number, names[i], child);
		EXPECT_STREQ(own, child);
		expect_killed(_metadata, pid);
	}
}

TEST_F(spawn, changed_root)
{
	DEFINE_SPAWN(s, "/child", "child", "exit", "12");

	need_root(_metadata);
	ASSERT_EQ(0, mkdir("root", 0755));
	ASSERT_EQ(0, scratch_copy_child("root/child", 0755));
	ASSERT_EQ(0, chroot("root"));
	/* The working directory is still outside, as chroot() has it. */
	expect_exit(_metadata, self->device, &s, 12);
	spawn_chdir(&s, "/");
	expect_exit(_metadata, self->device, &s, 12);
	spawn_init(&s, "/bin/sh");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, "child", "child", "exit", "13");
	s.args.search = spawn_pointer("/bin:/");
	expect_exit(_metadata, self->device, &s, 13);
}

TEST_HARNESS_MAIN
