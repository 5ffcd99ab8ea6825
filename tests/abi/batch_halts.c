// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Batches whose children, or whose caller, do not go on: held, stopped, frozen, traced,
 * killed.
 */
#include "lib/batches.h"
#include "lib/cgroups.h"
#include "lib/freezing.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/*
 * Start a batch in another process, whose second start waits in a file action.  Returns
 * that process, which exits with the call's errno, and the children.
 */
static pid_t start_held(struct __test_metadata *_metadata, int device, __u32 flags,
			pid_t children[3])
{
	pid_t caller;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	caller = assert_fork(_metadata);
	if (!caller) {
		struct batch b;
		int i, ret;

		leaving_files(&b, flags);
		spawn_hold(&b.starts[1]);
		ret = batch_start(device, &b);
		for (i = 0; i < 3; i++)
			if (b.starts[i].result.pid > 0)
				own_wait(b.starts[i].result.pid);
		_exit(ret < 0 ? errno : 100 + ret);
	}
	/* In the order of their creation. */
	for (int tries = 0; tries < 2000; tries++) {
		char path[64];
		FILE *file;
		int count = 0;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", caller, caller);
		file = fopen(path, "re");
		while (file && count < 3 && fscanf(file, "%d", &children[count]) == 1)
			count++;
		if (file)
			fclose(file);
		if (count == 3)
			break;
		own_sleep_ms(10);
		ASSERT_GT(1999, tries);
	}
	/* All that is to be waited for has come to it. */
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(own_wait_state(children[i], i == 1 ? 'S' : 'D'));
	return caller;
}

/* No program runs before the last has been executed. */
TEST_F(spawn, programs_begin_together)
{
	static const __u32 flags[] = { 0, KSPAWN_BATCH_FLAGS_ALL };

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t children[3];
		pid_t caller = start_held(_metadata, self->device, flags[i], children);

		own_sleep_ms(100);
		expect_none_ran(_metadata);
		spawn_release();
		EXPECT_EQ(103, own_wait_exit(caller));
		for (int j = 0; j < 3; j++) {
			char name[16];

			EXPECT_TRUE(has_run(j));
			snprintf(name, sizeof(name), "ran%d", j);
			unlink(name);
		}
	}
}

static void expect_gone(struct __test_metadata *_metadata, const pid_t children[3])
{
	for (int i = 0; i < 3; i++) {
		bool gone = false;

		for (int j = 0; j < 2000 && !gone; j++) {
			gone = kill(children[i], 0) && errno == ESRCH;
			if (!gone)
				own_sleep_ms(10);
		}
		EXPECT_TRUE(gone)
			TH_LOG("child %d", i);
	}
}

/* A child that is killed, wherever it waits, is no program: none is. */
TEST_F(spawn, a_child_is_killed)
{
	for (int victim = 0; victim < 3; victim++) {
		pid_t children[3];
		pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE,
					  children);

		ASSERT_EQ(0, kill(children[victim], SIGKILL));
		EXPECT_EQ(EINTR, own_wait_exit(caller));
		expect_gone(_metadata, children);
		expect_none_ran(_metadata);
	}
}

/* Else it ends as any process does; the others run. */
TEST_F(spawn, a_child_is_killed_alone)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_PIPES, children);

	ASSERT_EQ(0, kill(children[1], SIGKILL));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(has_run(0));
	EXPECT_FALSE(has_run(1));
	EXPECT_TRUE(has_run(2));
}

TEST_F(spawn, the_caller_is_killed)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	expect_killed(_metadata, caller);
	expect_gone(_metadata, children);
	expect_none_ran(_metadata);
}

/* Without ALL_OR_NONE they go on, as what fork() has made. */
TEST_F(spawn, the_caller_of_single_starts_is_killed)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, 0, children);

	expect_killed(_metadata, caller);
	EXPECT_EQ(0, own_wait(children[0]));
	EXPECT_EQ(0, own_wait(children[2]));
	EXPECT_TRUE(has_run(0));
	EXPECT_FALSE(has_run(1));
	spawn_release();
	EXPECT_EQ(0, own_wait(children[1]));
	EXPECT_TRUE(has_run(1));
}

/* A child that stops holds all up; SIGCONT lets them go. */
TEST_F(spawn, a_child_stops)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_FLAGS_ALL, children);

	ASSERT_EQ(0, kill(children[1], SIGSTOP));
	EXPECT_TRUE(own_wait_state(children[1], 'T'));
	/* One that waits stops as it begins its program. */
	ASSERT_EQ(0, kill(children[0], SIGSTOP));
	ASSERT_EQ(0, kill(children[1], SIGCONT));
	spawn_release();
	EXPECT_TRUE(own_wait_state(children[0], 'T'));
	EXPECT_FALSE(has_run(0));
	ASSERT_EQ(0, kill(children[0], SIGCONT));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(has_run(0));
}

/* A debugger that is told of the exec holds all up. */
TEST_F(spawn, a_debugger_holds_a_child_up)
{
	pid_t children[3];
	int status;
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	need_root(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, children[1], 0, PTRACE_O_TRACEEXEC));
	spawn_release();
	ASSERT_EQ(children[1], waitpid(children[1], &status, __WALL));
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXEC << 8, status >> 8);
	own_sleep_ms(50);
	expect_none_ran(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, children[1], 0, 0));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(has_run(0) && has_run(1) && has_run(2));
}

/* One that traces a child which is given up is told of its end. */
TEST_F(spawn, a_debugger_of_one_that_is_given_up)
{
	pid_t children[3];
	int status;
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	need_root(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, children[0], 0, 0));
	ASSERT_EQ(0, kill(children[1], SIGKILL));
	EXPECT_EQ(EINTR, own_wait_exit(caller));
	ASSERT_EQ(children[0], waitpid(children[0], &status, __WALL));
	EXPECT_EQ(SIGKILL, status);
	expect_gone(_metadata, children);
	expect_none_ran(_metadata);
}

/* The next stop of a child that is traced; the test ends if there is none. */
static int assert_stop(struct __test_metadata *_metadata, pid_t pid)
{
	int status = 0;

	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	return status >> 8;
}

/*
 * As gdb has it: when the caller stops because it has a child, the debugger waits for the
 * child's first stop before it lets the caller go on.
 */
TEST_F(spawn, a_debugger_follows_the_children)
{
	unsigned long child;
	pid_t caller;
	int count, status;

	need_root(_metadata);
	caller = assert_fork(_metadata);
	if (!caller) {
		struct batch b;

		leaving_files(&b, KSPAWN_BATCH_ALL_OR_NONE);
		batch_flags(&b, KSPAWN_WAIT);
		raise(SIGSTOP);
		_exit(batch_start(self->device, &b));
	}
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, caller, 0, 0));
	while (assert_stop(_metadata, caller) != SIGSTOP)
		;
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, caller, 0,
			    PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL));
	kill(caller, SIGCONT);
	for (count = 0; count < 3;) {
		ASSERT_EQ(0, ptrace(PTRACE_CONT, caller, 0, 0));
		if (assert_stop(_metadata, caller) >> 8 != PTRACE_EVENT_VFORK)
			continue;
		ASSERT_EQ(0, ptrace(PTRACE_GETEVENTMSG, caller, 0, &child));
		EXPECT_EQ(SIGSTOP, assert_stop(_metadata, child));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, (pid_t)child, 0, 0));
		count++;
	}
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, caller, 0, 0));
	ASSERT_EQ(caller, waitpid(caller, &status, 0));
	EXPECT_EQ(3 << 8, status);
}

/* Killed where exec does not look for signals any more: it is no program. */
TEST_F(spawn, a_child_is_killed_in_its_exec)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);
	int status;

	need_root(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, children[1], 0, PTRACE_O_TRACEEXEC));
	spawn_release();
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXEC << 8, assert_stop(_metadata, children[1]));
	ASSERT_EQ(0, kill(children[1], SIGKILL));
	EXPECT_EQ(EINTR, own_wait_exit(caller));
	EXPECT_EQ(children[1], waitpid(children[1], &status, __WALL));
	expect_gone(_metadata, children);
	expect_none_ran(_metadata);
}

/* A cgroup counts its frozen members: one that is given up while it waits is none. */
TEST_F(spawn, given_up_in_a_frozen_cgroup)
{
	struct batch b;
	char path[64];
	pid_t member;
	int fd;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	fd = assert_fd(_metadata, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	for (int flags = 0; flags < 2; flags++) {
		/* Called off: all children are not there yet. */
		batch_init(&b, 3, KSPAWN_BATCH_ALL_OR_NONE);
		spawn_setcgroup(&b.starts[0], fd);
		spawn_setcgroup(&b.starts[2], flags ? -1 : self->device);
		expect_batch_failed(_metadata, self->device, &b, 2, flags ? EINVAL : EBADF,
				    KSPAWN_STEP_ATTRIBUTE, KSPAWN_ATTR_SETCGROUP);
		/* Given up: one has failed, one stops where a new child does. */
		batch_init(&b, 3, KSPAWN_BATCH_ALL_OR_NONE);
		spawn_setcgroup(&b.starts[0], fd);
		spawn_dup2(&b.starts[1], 99, 98);
		expect_batch_failed(_metadata, self->device, &b, 1, EBADF, KSPAWN_STEP_ACTION, 0);
	}
	member = assert_fork(_metadata);
	if (!member)
		for (;;)
			pause();
	ASSERT_EQ(0, move_into(path, member));
	EXPECT_TRUE(wait_until_frozen(path));
	expect_killed(_metadata, member);
	close(fd);
	remove_cgroup(_metadata, path);
}

/* All of them, and their caller, are frozen wherever they are, and go on. */
TEST_F(spawn, all_are_frozen)
{
	pid_t children[3], caller, releaser;
	char path[64];
	int i;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	caller = start_held(_metadata, self->device, KSPAWN_BATCH_FLAGS_ALL, children);
	ASSERT_EQ(0, move_into(path, caller));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, move_into(path, children[i]));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	EXPECT_TRUE(wait_until_frozen(path));
	releaser = assert_fork(_metadata);
	if (!releaser) {
		spawn_release();
		_exit(0);
	}
	own_sleep_ms(100);
	expect_none_ran(_metadata);
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
	EXPECT_EQ(0, own_wait(releaser));
	EXPECT_EQ(103, own_wait_exit(caller));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(has_run(i));
	remove_cgroup(_metadata, path);
}

/*
 * A caller that is stopped between two children makes the call again, with others: what it
 * has then is what it would have had.
 */
static void make_batches_in(struct __test_metadata *_metadata, int device, int rounds)
{
	struct before before;

	before_call(&before);
	for (int i = 0; i < rounds; i++) {
		int ends[BATCH_STARTS];
		struct batch b;

		batch_init(&b, BATCH_STARTS, i % 2 ? KSPAWN_BATCH_ALL_OR_NONE : 0);
		batch_flags(&b, KSPAWN_PIDFD | KSPAWN_WAIT);
		for (int j = 0; j < BATCH_STARTS; j++) {
			spawn_pipe(&b.starts[j], 1, O_WRONLY, 0, &ends[j]);
			/* Once, or it would be there. */
			if (!j) {
				unlink("once");
				spawn_open(&b.starts[j], 9, "once",
					   O_CREAT | O_EXCL | O_WRONLY, 0600);
			}
		}
		/* A stop ends the wait, too. */
		if (batch_start(device, &b) != BATCH_STARTS) {
			EXPECT_EQ(EINTR, errno)
				TH_LOG("%s, start %u, step %u", strerrorname_np(errno), b.failed,
				       b.failed < BATCH_STARTS ? b.starts[b.failed].result.step : 0);
		}
		for (int j = 0; j < BATCH_STARTS; j++) {
			EXPECT_LT(0, b.starts[j].result.pid);
			if (b.starts[j].result.error == EINTR)
				own_wait(b.starts[j].result.pid);
			close(b.starts[j].result.pidfd);
			close(ends[j]);
		}
	}
	EXPECT_EQ(before.descriptors, own_descriptor_count());
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, the_caller_is_stopped_all_the_time)
{
	long restarted = totals_number("/sys/class/misc/kspawn/stats/restarted");
	unsigned int rounds = scratch_scale(100);
	struct idle before;
	int status = 0;
	pid_t caller;

	idle_take(&before);
	caller = assert_fork(_metadata);
	if (!caller) {
		make_batches_in(_metadata, self->device, rounds);
		_exit(__test_passed(_metadata) ? 0 : 1);
	}
	while (!waitpid(caller, &status, WNOHANG)) {
		kill(caller, SIGSTOP);
		usleep(rand() % 3000);
		kill(caller, SIGCONT);
		usleep(rand() % 3000);
	}
	EXPECT_EQ(0, status);
	expect_idle(_metadata, &before);
	TH_LOG("restarted: %ld",
	       totals_number("/sys/class/misc/kspawn/stats/restarted") - restarted);
}

/* The same, killed: nothing of its children is left either. */
TEST_F(spawn, callers_are_killed_all_the_time)
{
	unsigned int i, rounds = scratch_scale(200);
	struct idle before;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	idle_take(&before);
	for (i = 0; i < rounds; i++) {
		pid_t caller = assert_fork(_metadata);

		if (!caller)
			make_batches_in(_metadata, self->device, 1000000);
		usleep(rand() % 5000);
		expect_killed(_metadata, caller);
	}
	while (wait(NULL) > 0)
		;
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
