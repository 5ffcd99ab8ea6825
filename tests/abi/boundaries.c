// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines that a spawn must not help anybody across: Landlock, Yama, AppArmor,
 * file capabilities, containers, descriptors that are no access.
 */
#include "lib/fixture.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* A descriptor that opens nothing is no way to ask. */
TEST_F(spawn, path_descriptor_of_the_device)
{
	int fd = assert_fd(_metadata, open(KSPAWN_DEVICE, O_PATH | O_CLOEXEC));
	DEFINE_SPAWN(s, scratch_tiny);

	expect_errno(_metadata, fd, &s, EBADF);
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, any_access_mode_of_the_device)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = open(KSPAWN_DEVICE, modes[i] | O_CLOEXEC);

		ASSERT_LE(0, fd);
		spawn_init(&s, scratch_tiny);
		expect_exit(_metadata, fd, &s, 0);
		close(fd);
	}
}

/* Only what opened it says whether the child has it. */
TEST_F(spawn, device_is_inherited_as_any_other)
{
	DEFINE_REPORT(s, r);

	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	ASSERT_EQ(0, fcntl(self->device, F_SETFD, 0));
	ASSERT_EQ(3, self->device);
	report_init(_metadata, &s, &r);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 3");
}

#define NO_LANDLOCK	"this kernel has no Landlock"
#define LANDLOCK_READ	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
			 LANDLOCK_ACCESS_FS_EXECUTE)

/* From here on this process may read and execute below @directory, and no more. */
static int confine(const char *directory)
{
	struct landlock_ruleset_attr attributes = {
		.handled_access_fs = LANDLOCK_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_MAKE_REG,
	};
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_READ };
	int ruleset, error = 0;

	ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (ruleset < 0)
		return -1;
	rule.parent_fd = open(directory, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0))
		error = errno;
	close(rule.parent_fd);
	close(ruleset);
	errno = error;
	return error ? -1 : 0;
}

TEST_F(spawn, landlock)
{
	DEFINE_SPAWN(s, scratch_tiny);

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		SKIP(return, NO_LANDLOCK);
	ASSERT_EQ(0, scratch_file("readable", "x", 1, 0666));
	ASSERT_EQ(0, confine(scratch_directory));
	spawn_open(&s, 9, "readable", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
	/* Another program, a file outside, one inside to write to or to make. */
	spawn_init(&s, "/bin/true");
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, "/bin/true");
	spawn_open(&s, 9, "readable", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "/etc/passwd", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "readable", O_WRONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "new", O_WRONLY | O_CREAT, 0600);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
}

/* The child is confined as its caller is: it cannot write its report. */
TEST_F(spawn, landlock_of_the_child)
{
	DEFINE_REPORT(s, r);

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		SKIP(return, NO_LANDLOCK);
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_EQ(0, confine("/"));
	expect_exit(_metadata, self->device, &s, 121);
}

#define CAPABILITY	CAP_NET_RAW

static int give_capability(const char *path)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAPABILITY,
	};

	return setxattr(path, "security.capability", &data, sizeof(data), 0);
}

TEST_F(spawn, file_capabilities)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("capable", 0755));
	if (give_capability("capable"))
		SKIP(return, "no capabilities of files in /tmp");
	ASSERT_EQ(0, own_drop_privileges());
	s.args.path = spawn_pointer("./capable");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(1ULL << CAPABILITY, report_status_hex(&r, "CapEff"));
	EXPECT_STREQ("1", report_section(&r, "secure", NULL));

	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	report_init(_metadata, &s, &r);
	s.args.path = spawn_pointer("./capable");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
}

/* As execve() has it: a tracer without privileges gets no privileged program. */
TEST_F(spawn, file_capabilities_under_a_tracer)
{
	int status, ready[2];
	DEFINE_REPORT(s, r);
	pid_t caller;
	char byte;

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("capable", 0755));
	if (give_capability("capable"))
		SKIP(return, "no capabilities of files in /tmp");
	ASSERT_EQ(0, own_drop_privileges());
	/* To be traced by another of the same user. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	s.args.path = spawn_pointer("./capable");
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	caller = assert_fork(_metadata);
	if (!caller) {
		close(ready[1]);
		if (read(ready[0], &byte, 1))
			_exit(97);
		_exit(own_wait(spawn_start(self->device, &s)) ? 98 : 0);
	}
	close(ready[0]);
	if (ptrace(PTRACE_SEIZE, caller, 0, PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL)) {
		kill(caller, SIGKILL);
		own_wait(caller);
		SKIP(return, "no tracing among ordinary users here");
	}
	close(ready[1]);
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		ASSERT_LT(0, pid);
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, 0,
			       status >> 16 || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
		else if (pid == caller)
			break;
	}
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
}

/* Become root of a new user namespace with its own mounts. */
static int enter_container(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (put("/proc/self/uid_map", map) || put("/proc/self/setgroups", "deny"))
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return put("/proc/self/gid_map", map);
}

/* A container with the device in it: root in there, and nobody outside. */
TEST_F(spawn, device_in_a_container)
{
	struct report r;
	struct spawn s;
	int fd;

	need_root(_metadata);
	ASSERT_EQ(0, scratch_file("for-root", "x", 1, 0600));
	ASSERT_EQ(0, scratch_file("node", "", 0, 0644));
	ASSERT_EQ(0, own_drop_privileges());
	/* Its own files in /proc are root's until then. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	if (enter_container())
		SKIP(return, "no user namespaces for ordinary users here");
	/* It cannot make one, and one that is shown to it works. */
	EXPECT_EQ(-1, mknod("made", S_IFCHR | 0666, makedev(10, 1)));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, mount(KSPAWN_DEVICE, "node", NULL, MS_BIND, NULL));
	fd = assert_fd(_metadata, open("node", O_RDWR | O_CLOEXEC));

	report_init(_metadata, &s, &r);
	expect_report(_metadata, fd, &s, &r);
	EXPECT_EQ(0, strncmp("0\t0\t0\t0", report_status(&r, "Uid"), 7));
	/* All of it in there: not outside, and not over files of outside. */
	EXPECT_NE(0, report_status_hex(&r, "CapEff"));
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "for-root", O_RDONLY, 0);
	expect_failure(_metadata, fd, &s, EACCES, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_setscheduler(&s, SCHED_FIFO, 1);
	expect_attribute_failure(_metadata, fd, &s, EPERM, KSPAWN_ATTR_SETSCHEDULER);
	/* A set-uid program of a user whom the container does not know stays what it is. */
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_exit(_metadata, fd, &s, 0);
}

struct change {
	pthread_t thread;
	int result;
};

static void *give_up_privileges(void *argument)
{
	struct change *c = argument;

	c->result = own_drop_privileges();
	return NULL;
}

struct call {
	pthread_t thread;
	int device;
	struct spawn s;
	pid_t pid;
};

static void *call(void *argument)
{
	struct call *c = argument;

	c->pid = spawn_start(c->device, &c->s);
	return NULL;
}

/*
 * All threads give up their privileges while one of them starts a program: it
 * is started with those of the moment at which the child was made, and the next
 * one with the new ones.
 */
TEST_F(spawn, privileges_given_up_meanwhile)
{
	struct call c = { .device = self->device };
	struct change change;
	unsigned int ids[4];
	struct report r;
	pid_t child;

	need_root(_metadata);
	report_init(_metadata, &c.s, &r);
	spawn_hold(&c.s);
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, call, &c));
	child = assert_sleeping_child(_metadata, getpid());
	/* It has to wait for the thread that spawns. */
	ASSERT_EQ(0, pthread_create(&change.thread, NULL, give_up_privileges, &change));
	own_sleep_ms(100);
	spawn_release();
	ASSERT_EQ(0, pthread_join(c.thread, NULL));
	ASSERT_EQ(0, pthread_join(change.thread, NULL));
	EXPECT_EQ(0, change.result);
	ASSERT_EQ(child, c.pid);
	EXPECT_EQ(0, own_wait(child));
	ASSERT_EQ(0, report_load(&r));
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(0, ids[1]);

	report_init(_metadata, &c.s, &r);
	expect_report(_metadata, self->device, &c.s, &r);
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(OWN_USER, ids[1]);
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
}

/* Gives up and takes back all privileges, as all threads of a process, and again. */
static void *toggle_privileges(void *argument)
{
	const int *stop = argument;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		if (setresuid(OWN_USER, OWN_USER, 0) || setresuid(0, 0, 0))
			break;
		usleep(200);
	}
	return NULL;
}

/* At whatever stage that meets a start: its child is the one or the other. */
TEST_F(spawn, privileges_toggled_meanwhile)
{
	unsigned int i, rounds = scratch_scale(200), root = 0, user = 0;
	struct report *reports = calloc(rounds, sizeof(*reports));
	pthread_t thread;
	int stop = 0;

	need_root(_metadata);
	ASSERT_NE(NULL, reports);
	/* Beforehand: whose files they would be is not known then. */
	for (i = 0; i < rounds; i++)
		ASSERT_EQ(0, report_prepare(&reports[i]));
	ASSERT_EQ(0, pthread_create(&thread, NULL, toggle_privileges, &stop));
	for (i = 0; i < rounds; i++) {
		unsigned long long capabilities;
		unsigned int ids[4];
		DEFINE_SPAWN(s, scratch_child, "child", "report");

		spawn_arg(&s, reports[i].path);
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		expect_report(_metadata, self->device, &s, &reports[i]);
		ASSERT_EQ(4, report_status_ids(&reports[i], "Uid", ids));
		capabilities = report_status_hex(&reports[i], "CapEff");
		/* Real, effective and file system's go together, and with the capabilities. */
		EXPECT_EQ(ids[0], ids[1]);
		EXPECT_EQ(ids[1], ids[3]);
		EXPECT_EQ(!ids[1], !!capabilities);
		root += !ids[1];
		user += ids[1] == OWN_USER;
		EXPECT_EQ(i + 1, root + user);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, geteuid());
	TH_LOG("%u as root, %u as an ordinary user", root, user);
	free(reports);
}

static int may_attach(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0))
		return errno;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

/* Yama: who may trace a child is its parent, and not whoever else is the user. */
TEST_F(spawn, yama)
{
	static const char scope[] = "/proc/sys/kernel/yama/ptrace_scope";
	pid_t child, stranger;
	struct spawn s;
	char old[8];
	int status;

	if (geteuid() || access(scope, W_OK))
		SKIP(return, "needs root and Yama");
	snprintf(old, sizeof(old), "%ld", totals_number(scope));
	ASSERT_EQ(0, put(scope, "1"));
	stranger = assert_fork(_metadata);
	if (!stranger) {
		ASSERT_EQ(0, own_drop_privileges());
		spawn_init(&s, scratch_child, "child", "pause");
		child = spawn_start(self->device, &s);
		if (child < 0 || may_attach(child))
			_exit(1);
		status = fork();
		if (!status)
			_exit(may_attach(child) == EPERM ? 0 : 1);
		status = own_wait(status);
		kill(child, SIGKILL);
		own_wait(child);
		_exit(status ? 2 : 0);
	}
	status = own_wait(stranger);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, put(scope, old));
}

TEST_HARNESS_MAIN
