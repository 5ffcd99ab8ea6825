// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whatever a start has used is free again when it is over: a file system can be
 * unmounted, what was sent through a pipe ends, processes and files are freed.
 */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <termios.h>

#define CALLER		"KSPAWN_REFERENCES_CALLER"
#define NEEDS_MOUNT	"needs root and a tmpfs"
/* Where the places of completion descriptors are. */
#define EVENTS		"kmalloc-cg-64"
#define SETTLE_MS	10000

/* With this variable the program is a caller whose program lies in the file system. */
static void __attribute__((constructor)) be_a_caller(void)
{
	DEFINE_SPAWN(s, "/bin/true", "true");
	int device;

	if (!getenv(CALLER))
		return;
	device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	spawn_open(&s, 9, "/proc/self/exe", O_RDONLY, 0);
	_exit(own_wait(spawn_start(device, &s)) ? 1 : 0);
}

/* "there" is a file system with a file, two programs and a link to one of them. */
static bool mount_there(void)
{
	return !geteuid() && !mkdir("there", 0755) && !mount("none", "there", "tmpfs", 0, NULL) &&
	       !scratch_file("there/file", "x", 1, 0644) && !mkdir("there/deep", 0755) &&
	       !scratch_copy_child("there/deep/prog", 0755) && !symlink("deep/prog", "there/link");
}

/* The last close of a child may take a moment. */
static bool unmounted(void)
{
	unsigned long long end = own_clock_ms() + SETTLE_MS;

	while (umount2("there", 0)) {
		if (errno != EBUSY || own_clock_ms() > end)
			return false;
		own_sleep_ms(50);
	}
	return true;
}

static void exit_init(struct spawn *s, const char *path)
{
	spawn_init(s, path, "prog", "exit", "5");
}

/* By a path that is cached, by one that is not, and by names that are no programs. */
TEST_F(spawn, of_a_look_up)
{
	static const char * const paths[] = {
		"there/deep/prog", "there/deep/../deep/prog", "there/link",
	};
	static const char * const no_programs[] = {
		"there/deep", "there/file", "there/missing", "there/file/prog",
	};
	struct spawn s;

	if (!mount_there())
		SKIP(return, NEEDS_MOUNT);
	for (unsigned int i = 0; i < ARRAY_SIZE(paths); i++) {
		exit_init(&s, paths[i]);
		expect_exit(_metadata, self->device, &s, 5);
	}
	exit_init(&s, "prog");
	s.args.search = spawn_pointer("/nowhere:there:there/deep");
	expect_exit(_metadata, self->device, &s, 5);
	for (unsigned int i = 0; i < ARRAY_SIZE(no_programs); i++) {
		spawn_init(&s, no_programs[i]);
		EXPECT_EQ(-1, spawn_start(self->device, &s));
		EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
	}
	EXPECT_TRUE(unmounted())
		TH_LOG("%m");
}

TEST_F(spawn, of_actions)
{
	int directory, file;
	DEFINE_SPAWN(s, scratch_tiny);

	if (!mount_there())
		SKIP(return, NEEDS_MOUNT);
	directory = assert_fd(_metadata, open("there", O_PATH | O_DIRECTORY | O_CLOEXEC));
	file = assert_fd(_metadata, open("there/file", O_RDONLY | O_CLOEXEC));
	spawn_dup2(&s, file, 20);
	spawn_dup2(&s, 20, 20);
	spawn_open(&s, 21, "there/file", O_RDONLY, 0);
	spawn_open(&s, 21, "there/file", O_RDONLY, 0);
	spawn_open(&s, 22, "file", O_RDONLY, 0);
	s.actions[s.args.action_count - 1].dirfd = directory;
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = file;
	spawn_chdir(&s, "there/deep");
	spawn_chdir(&s, "deep");
	s.actions[s.args.action_count - 1].dirfd = directory;
	spawn_fchdir(&s, directory);
	expect_exit(_metadata, self->device, &s, 0);
	/* The same, and one that fails. */
	spawn_dup2(&s, 99, 98);
	expect_errno(_metadata, self->device, &s, EBADF);
	close(directory);
	close(file);
	EXPECT_TRUE(unmounted())
		TH_LOG("%m");
}

/* Files and directories for the child, of starts that fail before there is a child. */
TEST_F(spawn, of_failures_before_there_is_a_child)
{
	struct rlimit limit = { .rlim_cur = 12, .rlim_max = 64 };
	struct pollfd reader = { .events = POLLIN };
	DEFINE_SPAWN(s, scratch_tiny);
	int ends[2], i;
	char byte;

	if (!mount_there())
		SKIP(return, NEEDS_MOUNT);
	ASSERT_EQ(9, dup2(open("there/file", O_RDONLY), 9));
	close(4);
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(10, dup2(ends[1], 10));
	close(ends[1]);
	spawn_setcgroup(&s, 99);
	expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
	/* No number is left for a pidfd. */
	for (i = 0; i < 12; i++)
		fcntl(0, F_DUPFD_CLOEXEC, 0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	spawn_init(&s, scratch_tiny);
	s.args.flags = KSPAWN_PIDFD;
	expect_step(_metadata, self->device, &s, EMFILE, KSPAWN_STEP_PIDFD);

	close(10);
	close(9);
	reader.fd = ends[0];
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&reader, 1, SETTLE_MS)));
	EXPECT_EQ(0, read(ends[0], &byte, 1));
	EXPECT_TRUE(unmounted())
		TH_LOG("%m");
}

/* The program of a caller, which its child keeps for a path that names it. */
TEST_F(spawn, of_the_callers_program)
{
	pid_t pid;

	if (!mount_there())
		SKIP(return, NEEDS_MOUNT);
	ASSERT_EQ(0, system("cp /proc/$PPID/exe there/caller"));
	pid = assert_fork(_metadata);
	if (!pid) {
		static char * const argv[] = { "caller", NULL }, * const envp[] = { CALLER "=1", NULL };

		execve("there/caller", argv, envp);
		_exit(127);
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(unmounted())
		TH_LOG("%m");
}

/* Mappings of the caller go with the caller, whatever its children do. */
TEST_F(spawn, of_the_callers_memory)
{
	struct spawn s;
	pid_t pid;

	if (!mount_there())
		SKIP(return, NEEDS_MOUNT);
	pid = assert_fork(_metadata);
	if (!pid) {
		int fd = open("there/file", O_RDWR | O_CLOEXEC), wrong = 0;

		if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
			_exit(1);
		spawn_init(&s, scratch_tiny);
		wrong += own_wait(spawn_start(self->device, &s)) != 0;
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		wrong += own_wait(spawn_start(self->device, &s)) != 0;
		spawn_dup2(&s, 99, 98);
		wrong += spawn_start(self->device, &s) != -1;
		spawn_init(&s, "/no/such/program");
		wrong += spawn_start(self->device, &s) != -1;
		_exit(wrong ? 2 : 0);
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(unmounted())
		TH_LOG("%m");
}

enum kind {
	PLAIN, LONG, MEMORY, PIDFD_FAILS, ASYNC_FAILS, UNREAD, CLOSED, TERMINAL, MADE, MADE_FAILS,
	KINDS
};

static const char * const kind_names[KINDS] = {
	"plain", "long", "memory", "pidfd", "async", "unread", "closed", "terminal", "made",
	"made fails",
};

static void start_one(int device, enum kind kind, char *const *strings, int slave)
{
	int completion = -1, ends[2] = { -1, -1 };
	struct kspawn_event event;
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	switch (kind) {
	case LONG:
		s.args.argv = spawn_pointer(strings);
		break;
	case MEMORY:
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		break;
	case PIDFD_FAILS:
		s.args.flags = KSPAWN_PIDFD;
		spawn_dup2(&s, 99, 98);
		break;
	case CLOSED:
		/* It ends when nobody can be told any more. */
		completion = completion_open(device, 8, 0);
		completion_hold(&s, completion, 1);
		break;
	case ASYNC_FAILS:
	case UNREAD:
		completion = completion_open(device, 8, 0);
		completion_use(&s, completion, 1);
		spawn_dup2(&s, 99, 98);
		break;
	case TERMINAL:
		s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		spawn_tcsetpgrp(&s, slave);
		break;
	case MADE_FAILS:
		spawn_memfd(&s, 8, "x", 1, 0);
		spawn_dup2(&s, 99, 98);
		/* fallthrough */
	case MADE:
		spawn_pipe(&s, 9, O_RDONLY, 0, &ends[0]);
		spawn_socketpair(&s, 10, SOCK_STREAM, 0, &ends[1]);
		spawn_memfd(&s, 11, "x", 1, 0);
		break;
	default:
		break;
	}
	pid = spawn_start(device, &s);
	if (kind == ASYNC_FAILS)
		completion_next(completion, &event);
	else if (kind == UNREAD)
		completion_ready(completion, SETTLE_MS);
	if (completion >= 0)
		close(completion);
	for (unsigned int i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (kind == CLOSED)
		spawn_release();
	/* One that fails, and is not waited for by the call, is nobody's child. */
	if (pid > 0 && kind != ASYNC_FAILS && kind != UNREAD)
		own_wait(pid);
}

/* A thousand starts of a kind, of which not one in fifty leaves anything. */
TEST_F(spawn, of_a_thousand)
{
	unsigned int rounds = scratch_scale(1000), i;
	char *strings[9] = {};
	struct totals before, after;
	long events_before, events_most;
	enum kind kind;
	int master, slave;

	for (i = 0; i < 8; i++) {
		strings[i] = spawn_string(4000, 'x');
		ASSERT_NE(NULL, strings[i]);
	}
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, master);
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	ASSERT_EQ(getpid(), setsid());
	slave = assert_fd(_metadata, open(ptsname(master), O_RDWR | O_CLOEXEC));
	for (kind = 0; kind < KINDS; kind++) {
		start_one(self->device, kind, strings, slave);
		totals_take(&before);
		events_before = totals_objects(EVENTS);
		for (i = 0; i < rounds; i++)
			start_one(self->device, kind, strings, slave);
		totals_take(&after);
		events_most = events_before + OBJECTS_LOST(rounds);
		EXPECT_GE(events_most, totals_objects_within(EVENTS, events_most));
		TH_LOG("%s", kind_names[kind]);
		expect_totals(_metadata, &before, &after, rounds);
	}
}

TEST_HARNESS_MAIN
