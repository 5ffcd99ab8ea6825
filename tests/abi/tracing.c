// SPDX-License-Identifier: LGPL-2.1-or-later
/* A debugger's view: ptrace sees a spawn as it sees vfork() and execve(). */
#include "lib/fixture.h"

#include <sys/ptrace.h>
#include <sys/uio.h>

#define OPTIONS (PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | \
		 PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE | PTRACE_O_EXITKILL)

/* A tracer's notes on one caller and its child. */
struct seen {
	pid_t caller;
	pid_t child;		/* as PTRACE_GETEVENTMSG has it */
	int forks;
	int vforks;
	int vfork_dones;
	int execs;
	pid_t exec_pid;
	int child_stops;	/* PTRACE_EVENT_STOP of the child */
	int child_status;
	int caller_status;
	int strange;		/* a stop that fits nowhere */
};

static void see_stop(struct seen *seen, pid_t pid, int status)
{
	unsigned long message = 0;
	int deliver = 0;

	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	switch (status >> 16) {
	case PTRACE_EVENT_VFORK:
		seen->vforks++;
		seen->child = message;
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_CLONE:
		seen->forks++;
		break;
	case PTRACE_EVENT_VFORK_DONE:
		seen->vfork_dones++;
		break;
	case PTRACE_EVENT_EXEC:
		seen->execs++;
		seen->exec_pid = pid;
		break;
	case PTRACE_EVENT_STOP:
		if (pid != seen->caller)
			seen->child_stops++;
		break;
	case 0:
		deliver = WSTOPSIG(status);
		break;
	default:
		seen->strange++;
	}
	ptrace(PTRACE_CONT, pid, 0, deliver);
}

/* Serve the caller and whatever it starts until all of them have ended. */
static void trace(struct seen *seen)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			see_stop(seen, pid, status);
		else if (pid == seen->caller)
			seen->caller_status = status;
		else
			seen->child_status = status;
	}
}

/*
 * A caller that is traced from before its spawn on.  It exits with the errno
 * of its spawn, or with 0 if its child did.
 */
static void trace_spawn(struct __test_metadata *_metadata, int device, struct spawn *s,
			struct seen *seen, long options)
{
	int ready[2];
	pid_t pid;
	char c;

	memset(seen, 0, sizeof(*seen));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	seen->caller = assert_fork(_metadata);
	if (!seen->caller) {

		close(ready[1]);
		if (read(ready[0], &c, 1) < 0)
			_exit(97);
		pid = spawn_start(device, s);
		if (pid < 0) {
			int error = errno;

			_exit(own_no_child() ? error : 98);
		}
		_exit(own_wait_exit(pid));
	}
	close(ready[0]);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, seen->caller, 0, options));
	close(ready[1]);
	trace(seen);
	EXPECT_EQ(0, seen->strange);
	EXPECT_TRUE(WIFEXITED(seen->caller_status));
}

TEST_F(spawn, seen_as_vfork_and_exec)
{
	DEFINE_REPORT(s, r);
	struct seen seen;

	spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
	trace_spawn(_metadata, self->device, &s, &seen, OPTIONS);
	EXPECT_EQ(0, seen.caller_status);
	EXPECT_EQ(1, seen.vforks);
	EXPECT_EQ(0, seen.forks);
	EXPECT_EQ(1, seen.vfork_dones);
	EXPECT_EQ(1, seen.execs);
	EXPECT_LT(0, seen.child);
	EXPECT_EQ(seen.child, seen.exec_pid);
	EXPECT_LE(1, seen.child_stops);
	EXPECT_EQ(0, seen.child_status);
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2 9");
	EXPECT_EQ(seen.caller, report_stat(&r, 4));
	EXPECT_EQ(0, report_status_hex(&r, "SigBlk"));
	EXPECT_EQ(SIGCHLD, report_stat(&r, 38));
}

/* Where only the caller is traced, the child is on its own. */
TEST_F(spawn, only_the_caller_is_traced)
{
	struct seen seen;
	DEFINE_REPORT(s, r);

	trace_spawn(_metadata, self->device, &s, &seen,
		    PTRACE_O_TRACEVFORKDONE | PTRACE_O_EXITKILL);
	EXPECT_EQ(0, seen.caller_status);
	EXPECT_EQ(0, seen.vforks);
	EXPECT_EQ(0, seen.execs);
	EXPECT_EQ(1, seen.vfork_dones);
	EXPECT_EQ(0, seen.child_stops);
	EXPECT_EQ(0, report_load(&r));
}

/* The tracer sees the child that failed, the caller does not. */
TEST_F(spawn, failures_of_a_traced_caller)
{
	struct seen seen;
	DEFINE_SPAWN(s, "/no/such/program");

	spawn_chdir(&s, "/");
	trace_spawn(_metadata, self->device, &s, &seen, OPTIONS);
	EXPECT_EQ(ENOENT, WEXITSTATUS(seen.caller_status));
	EXPECT_EQ(1, seen.vforks);
	EXPECT_EQ(0, seen.execs);
	EXPECT_EQ(127 << 8, seen.child_status);

	spawn_init(&s, scratch_tiny);
	spawn_dup2(&s, 99, 98);
	trace_spawn(_metadata, self->device, &s, &seen, OPTIONS);
	EXPECT_EQ(EBADF, WEXITSTATUS(seen.caller_status));
	EXPECT_EQ(127, WEXITSTATUS(seen.child_status));
}

/* Release what spawn_hold() holds, later, in no child of ours: its end wakes no tracer. */
static void release_later(struct __test_metadata *_metadata)
{
	pid_t releaser = assert_fork(_metadata);

	if (!releaser) {
		if (fork())
			_exit(0);
		own_sleep_ms(500);
		spawn_release();
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(releaser));
}

/* The trap that waits for the child does not interrupt what it blocks in. */
TEST_F(spawn, blocking_open_of_a_traced_child)
{
	struct seen seen;
	DEFINE_REPORT(s, r);

	spawn_hold(&s);
	release_later(_metadata);
	trace_spawn(_metadata, self->device, &s, &seen, OPTIONS);
	EXPECT_EQ(0, seen.caller_status);
	EXPECT_EQ(1, seen.execs);
	EXPECT_EQ(0, report_load(&r));
}

/* The child of @caller, asleep in an action, traced from here on. */
static pid_t seize_sleeping_child(struct __test_metadata *_metadata, pid_t caller)
{
	pid_t child = assert_sleeping_child(_metadata, caller);

	if (ptrace(PTRACE_SEIZE, child, 0, 0)) {
		kill(caller, SIGKILL);
		kill(child, SIGKILL);
		own_wait(caller);
		SKIP(exit(KSFT_SKIP), "no right to trace a grandchild: %m");
	}
	return child;
}

/* Attached to while it opens a file: it stops there, is let go, and goes on. */
TEST_F(spawn, attached_before_its_program)
{
	pid_t caller, child;
	DEFINE_REPORT(s, r);
	int status;

	spawn_hold(&s);
	caller = assert_fork(_metadata);
	if (!caller) {
		child = spawn_start(self->device, &s);
		_exit(child < 0 ? 1 : own_wait(child) != 0);
	}
	child = seize_sleeping_child(_metadata, caller);
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, child, 0, 0));
	EXPECT_EQ(child, waitpid(child, &status, __WALL));
	EXPECT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(PTRACE_EVENT_STOP, status >> 16);
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, child, 0, 0));
	EXPECT_TRUE(own_wait_state(child, 'S'));
	spawn_release();
	EXPECT_EQ(0, own_wait(caller));
	EXPECT_EQ(0, report_load(&r));
}

/*
 * A tracer that sleeps in waitpid() is woken by a child that fails, though nothing
 * else ends or stops meanwhile: it is the child's parent still, to ptrace.
 */
TEST_F(spawn, failure_wakes_the_tracer)
{
	pid_t caller, child;
	DEFINE_SPAWN(s, scratch_tiny);
	int status;

	spawn_hold(&s);
	spawn_dup2(&s, 99, 98);
	caller = assert_fork(_metadata);
	if (!caller) {
		spawn_start(self->device, &s);
		for (;;)
			pause();
	}
	child = seize_sleeping_child(_metadata, caller);
	release_later(_metadata);
	EXPECT_EQ(child, waitpid(child, &status, __WALL));
	EXPECT_EQ(127 << 8, status);
	EXPECT_EQ(0, kill(caller, SIGKILL));
	own_wait(caller);
}

/* The tracer dies with both in its hands: neither hangs. */
TEST_F(spawn, tracer_is_killed)
{
	unsigned int i, rounds = scratch_scale(20);

	for (i = 0; i < rounds; i++) {
		pid_t tracer = assert_fork(_metadata);

		if (!tracer) {
			struct seen seen;
			DEFINE_SPAWN(s, scratch_tiny);

			for (;;)
				trace_spawn(_metadata, self->device, &s, &seen, OPTIONS);
		}
		own_sleep_ms(10 + 7 * i % 50);
		ASSERT_EQ(0, kill(tracer, SIGKILL));
		EXPECT_EQ(SIGKILL, own_wait(tracer));
	}
}

/* A new program starts with empty registers, as after any execve(). */
TEST_F(spawn, registers_at_the_program_s_start)
{
	unsigned long registers[32] = {};
	struct iovec vector = { .iov_base = registers, .iov_len = sizeof(registers) };
	int status, options = PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	DEFINE_SPAWN(s, scratch_tiny);
	int ready[2], looked = 0, executed = 0;
	pid_t caller, pid;
	char c;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	caller = assert_fork(_metadata);
	if (!caller) {
		close(ready[1]);
		if (read(ready[0], &c, 1) < 0)
			_exit(97);
		pid = spawn_start(self->device, &s);
		_exit(pid < 0 ? 1 : own_wait(pid) != 0);
	}
	close(ready[0]);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, caller, 0, options));
	close(ready[1]);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status))
			continue;
		if (status >> 16 == PTRACE_EVENT_EXEC) {
			executed = 1;
			EXPECT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
		}
		/* The stop after exec's: the first instruction is next. */
		if (pid != caller && status >> 16 == PTRACE_EVENT_STOP && executed && !looked) {
			unsigned int i, used = 0;

			EXPECT_EQ(0, ptrace(PTRACE_GETREGSET, pid, 1, &vector));
			/* r15 to rdi, the order of struct user_regs_struct. */
			for (i = 0; i < 15; i++)
				used |= registers[i] != 0;
			EXPECT_EQ(0, used);
			EXPECT_NE(0, registers[16]);
			looked = 1;
		}
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	EXPECT_EQ(1, looked);
}

TEST_HARNESS_MAIN
