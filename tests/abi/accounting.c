// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory is charged to the cgroup of the process that it is for. */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#define ROOT		"/sys/fs/cgroup"
#define NEEDS_CGROUP	"needs root and a memory controller of cgroup v2"
#define PIPES		"2000"
/* The least that a pipe takes: its buffers. */
#define PIPES_BYTES	(2000 * 640L)

/* A group of our own with a memory controller; false if there is none. */
static bool make_cgroup(char path[64])
{
	struct statfs fs;

	if (geteuid() || statfs(ROOT, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    put(ROOT "/cgroup.subtree_control", "+memory"))
		return false;
	snprintf(path, 64, ROOT "/kspawn-accounting-%d", getpid());
	return !mkdir(path, 0755);
}

static long bytes_of(const char *cgroup)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", cgroup);
	return totals_number(path);
}

enum way { FORK, SPAWN, SPAWN_WITH_THREAD, SPAWN_WITH_ACTIONS, SPAWN_INTO };

/* A caller in the group, or with SPAWN_INTO outside it, that starts "child pipes". */
static void start_pipes(int device, const char *cgroup, enum way way, int ready)
{
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct spawn s;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (way != SPAWN_INTO && put_in(cgroup, "cgroup.procs", "0"))
		_exit(2);
	if (way == SPAWN_WITH_THREAD && own_start_idle_thread())
		_exit(3);
	spawn_init(&s, scratch_child);
	spawn_arg(&s, "child");
	spawn_arg(&s, "pipes");
	spawn_arg(&s, PIPES);
	spawn_dup2(&s, ready, 1);
	if (way == SPAWN_WITH_ACTIONS) {
		spawn_chdir(&s, "/");
		spawn_open(&s, 9, "dev/null", O_RDONLY, 0);
	}
	if (way == SPAWN_INTO) {
		s.args.attr_flags = KSPAWN_ATTR_SETCGROUP;
		s.args.cgroup = fd;
	}
	if (way == FORK) {
		pid = fork();
		if (!pid) {
			dup2(ready, 1);
			execl(scratch_child, "child", "pipes", PIPES, NULL);
			_exit(127);
		}
	} else {
		pid = spawn_start(device, &s);
	}
	if (pid < 0)
		_exit(4);
	for (;;)
		pause();
}

static void expect_pipes_charged(struct __test_metadata *_metadata, int device, enum way way)
{
	struct rlimit files = { 8192, 8192 };
	char cgroup[64], byte;
	pid_t caller, child;
	int ready[2];
	long before;

	if (!make_cgroup(cgroup))
		SKIP(return, NEEDS_CGROUP);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	before = bytes_of(cgroup);
	caller = fork();
	ASSERT_LE(0, caller);
	if (!caller)
		start_pipes(device, cgroup, way, ready[1]);
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_LE(PIPES_BYTES, bytes_of(cgroup) - before)
		TH_LOG("%ld bytes", bytes_of(cgroup) - before);
	child = own_wait_child_of(caller);
	kill(child, SIGKILL);
	kill(caller, SIGKILL);
	EXPECT_EQ(SIGKILL, own_wait(caller));
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	while (rmdir(cgroup) && errno == EBUSY)
		own_sleep_ms(10);
}

/* The measure itself: a fork()ed child is charged. */
TEST_F(spawn, pipes_of_a_forked_program)
{
	expect_pipes_charged(_metadata, self->device, FORK);
}

TEST_F(spawn, pipes_of_a_program)
{
	expect_pipes_charged(_metadata, self->device, SPAWN);
}

TEST_F(spawn, pipes_of_a_program_of_a_caller_with_threads)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_WITH_THREAD);
}

TEST_F(spawn, pipes_of_a_program_after_actions)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_WITH_ACTIONS);
}

TEST_F(spawn, pipes_of_a_program_in_another_cgroup)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_INTO);
}

#define BIG_ACTIONS	60000
#define BIG_REQUESTS	8

/* Requests that are under way are the caller's memory. */
TEST_F(spawn, requests)
{
	int completion = completion_open(self->device, BIG_REQUESTS, 0), i;
	struct kspawn_action *actions = calloc(BIG_ACTIONS, sizeof(*actions));
	pid_t pids[BIG_REQUESTS], caller;
	char cgroup[64];
	int status;

	ASSERT_LE(0, completion);
	if (!make_cgroup(cgroup))
		SKIP(return, NEEDS_CGROUP);
	mkfifo("fifo", 0600);
	for (i = 0; i < BIG_ACTIONS; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 100;
	}
	actions[0].op = KSPAWN_ACTION_OPEN;
	actions[0].dirfd = AT_FDCWD;
	actions[0].path = spawn_pointer("fifo");
	caller = fork();
	ASSERT_LE(0, caller);
	if (!caller) {
		long before, after;
		int fifo;

		if (put_in(cgroup, "cgroup.procs", "0"))
			_exit(2);
		before = bytes_of(cgroup);
		for (i = 0; i < BIG_REQUESTS; i++) {
			struct spawn s;

			spawn_init(&s, scratch_tiny);
			s.args.actions = spawn_pointer(actions);
			s.args.action_count = BIG_ACTIONS;
			s.args.action_size = sizeof(*actions);
			completion_use(&s, completion, i);
			pids[i] = spawn_start(self->device, &s);
			if (pids[i] < 0)
				_exit(3);
		}
		after = bytes_of(cgroup);
		for (i = 0; i < BIG_REQUESTS; i++)
			if (!own_wait_state(pids[i], 'S'))
				_exit(4);
		fifo = open("fifo", O_WRONLY | O_CLOEXEC);
		for (i = 0; i < BIG_REQUESTS; i++)
			if (own_wait(pids[i]))
				_exit(5);
		close(fifo);
		/* An action takes 32 bytes there at least. */
		_exit(after - before < 32L * BIG_ACTIONS * BIG_REQUESTS ? 1 : 0);
	}
	status = own_wait(caller);
	EXPECT_EQ(0, status);
	while (rmdir(cgroup) && errno == EBUSY)
		own_sleep_ms(10);
	free(actions);
}

TEST_HARNESS_MAIN
