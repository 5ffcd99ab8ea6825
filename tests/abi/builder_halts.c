// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Builders whose child, or whose operator, does not go on: stopped, frozen, traced,
 * killed.
 */
#include "lib/builders.h"
#include "lib/cgroups.h"
#include "lib/freezing.h"
#include "lib/fuse_server.h"
#include "lib/passing.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/* Another process, which makes one call on a builder; it exits with the errno. */
static pid_t operate_elsewhere(struct __test_metadata *_metadata, int builder,
			       unsigned long command, struct spawn *s)
{
	pid_t operator = assert_fork(_metadata);

	if (!operator) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(call(builder, command, s) < 0 ? errno : 0);
	}
	return operator;
}

static void stop_child(struct __test_metadata *_metadata, pid_t pid)
{
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_TRUE(own_wait_state(pid, 'T'));
}

/* As operate_elsewhere(), on a child that is stopped first: the call waits. */
static pid_t operate_stopped(struct __test_metadata *_metadata, int builder, pid_t pid,
			     unsigned long command, struct spawn *s)
{
	pid_t operator;

	stop_child(_metadata, pid);
	operator = operate_elsewhere(_metadata, builder, command, s);
	EXPECT_TRUE(own_wait_state(operator, 'S'));
	own_sleep_ms(100);
	return operator;
}

TEST_F(spawn, closed_while_it_is_stopped)
{
	struct idle before;
	int builder;
	pid_t pid;

	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	stop_child(_metadata, pid);
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_EQ(0, own_sigchld_count());
	expect_idle(_metadata, &before);
}

TEST_F(spawn, closed_while_it_is_frozen)
{
	struct idle before;
	char path[64];
	int builder;
	pid_t pid;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, move_into(path, pid));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	EXPECT_TRUE(wait_until_frozen(path));
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
	remove_cgroup(_metadata, path);
}

/* cgroup v1 keeps even what is killed, until it thaws. */
TEST_F(spawn, closed_while_it_is_frozen_by_the_old_freezer)
{
	struct idle before;
	int builder;
	pid_t pid;

	need_own_mounts(_metadata);
	if (!make_freezer())
		SKIP(return, "no freezer of cgroup v1 that is free: %m");
	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	EXPECT_TRUE(freeze(pid));
	own_sleep_ms(100);
	close(builder);
	EXPECT_TRUE(thaw());
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
	EXPECT_TRUE(remove_freezer())
		TH_LOG("%m");
}

TEST_F(spawn, closed_while_it_is_traced)
{
	struct idle before;
	int builder, status;
	pid_t pid;

	need_root(_metadata);
	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	EXPECT_TRUE(WIFSTOPPED(status));
	close(builder);
	/* Its debugger is told of the end. */
	EXPECT_EQ(SIGKILL, own_wait(pid));
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
}

/* An operation waits for a child that is stopped by its debugger, and is made. */
TEST_F(spawn, operation_while_it_is_traced)
{
	int builder, status;
	pid_t pid, operator;
	struct spawn s;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	operator = operate_elsewhere(_metadata, builder, KSPAWN_IOC_APPLY, &s);
	EXPECT_TRUE(own_wait_state(operator, 'S'));
	own_sleep_ms(100);
	EXPECT_FALSE(link_is(pid, "cwd", "/proc"));
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A debugger that ends lets the child go on. */
TEST_F(spawn, debugger_has_ended)
{
	int builder, status;
	pid_t pid, debugger;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	debugger = assert_fork(_metadata);
	if (!debugger) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) ||
		    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
		    waitpid(pid, &status, __WALL) != pid)
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(debugger));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* A start waits for a child that is stopped, and is made when it goes on. */
TEST_F(spawn, started_while_it_is_stopped)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	pid_t pid, operator;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	operator = operate_stopped(_metadata, builder, pid, KSPAWN_IOC_START, &s);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_EQ(3 << 8, own_wait(pid));
	close(builder);
}

/* Whoever waits for a start is killed before the child has begun: it is not started. */
TEST_F(spawn, operator_of_a_start_is_killed_before_it)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	pid_t pid, operator;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	operator = operate_stopped(_metadata, builder, pid, KSPAWN_IOC_START, &s);
	expect_killed(_metadata, operator);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	own_sleep_ms(100);
	EXPECT_EQ(POLLOUT, events_of(builder));
	EXPECT_TRUE(own_no_child());
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* Or while the child is at an operation of that start. */
TEST_F(spawn, operator_of_a_start_is_killed_in_it)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	pid_t pid, operator;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	spawn_hold(&s);
	operator = operate_elsewhere(_metadata, builder, KSPAWN_IOC_START, &s);
	while (events_of(builder))
		own_sleep_ms(5);
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	expect_killed(_metadata, operator);
	for (int i = 0; i < 1000 && !events_of(builder); i++)
		own_sleep_ms(10);
	EXPECT_EQ(POLLOUT, events_of(builder));
	EXPECT_TRUE(own_no_child());
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* Or while an operation of it goes on, in a file system that heeds no interruption. */
TEST_F(spawn, operator_of_a_start_is_killed_and_its_operation_goes_on)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	struct fuse_server server;
	pid_t pid, operator;
	int builder;

	if (!fuse_server_begin(&server, "lookup"))
		SKIP(return, FUSE_NEEDED);
	builder = assert_builder(_metadata, self->device, &pid);
	spawn_open(&s, 9, "there/program", O_RDONLY, 0);
	operator = operate_elsewhere(_metadata, builder, KSPAWN_IOC_START, &s);
	ASSERT_TRUE(fuse_server_hangs(&server));
	expect_killed(_metadata, operator);
	EXPECT_EQ(0, events_of(builder));
	ASSERT_EQ(0, fuse_server_go_on(&server));
	for (int i = 0; i < 1000 && !events_of(builder); i++)
		own_sleep_ms(10);
	EXPECT_EQ(POLLOUT, events_of(builder));
	expect_alive(_metadata, builder, pid);
	fuse_server_end(&server);
	close(builder);
}

/* Its maker is killed while it starts it: the child goes with the last descriptor. */
TEST_F(spawn, maker_is_killed_in_its_start)
{
	pid_t pid, maker;
	struct idle before;
	int ends[2], builder;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, passing_open(ends));
	maker = assert_fork(_metadata);
	if (!maker) {
		DEFINE_SPAWN(s, scratch_tiny);

		builder = assert_builder(_metadata, self->device, &pid);
		passing_send(ends[1], builder);
		spawn_hold(&s);
		_exit(start(builder, &s) < 0);
	}
	builder = passing_receive(ends[0]);
	ASSERT_LE(3, builder);
	while (events_of(builder))
		own_sleep_ms(5);
	expect_killed(_metadata, maker);
	for (int i = 0; i < 1000 && !events_of(builder); i++)
		own_sleep_ms(10);
	EXPECT_EQ(POLLOUT, events_of(builder));
	close(builder);
	close(ends[0]);
	close(ends[1]);
	expect_idle(_metadata, &before);
}

/* A stop and its end are seen by nobody who waits for an operation. */
TEST_F(spawn, operator_is_stopped)
{
	pid_t pid, operator;
	struct spawn s;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_chdir(&s, "/proc");
	operator = operate_stopped(_metadata, builder, pid, KSPAWN_IOC_APPLY, &s);
	ASSERT_EQ(0, kill(operator, SIGSTOP));
	EXPECT_TRUE(own_wait_state(operator, 'T'));
	/* It is taken back: the child goes on, and does nothing. */
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	EXPECT_FALSE(link_is(pid, "cwd", "/proc"));
	/* And made again. */
	ASSERT_EQ(0, kill(operator, SIGCONT));
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

static volatile sig_atomic_t handled;

static void note_signal(int signal)
{
	(void)signal;
	handled++;
}

/* A handler with SA_RESTART: the call is made again. */
TEST_F(spawn, handler_that_restarts)
{
	struct sigaction action = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
	pid_t pid, operator;
	struct spawn s;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	stop_child(_metadata, pid);
	operator = assert_fork(_metadata);
	if (!operator) {
		sigaction(SIGUSR1, &action, NULL);
		plain_init(&s);
		spawn_chdir(&s, "/proc");
		if (apply(builder, &s))
			_exit(errno);
		_exit(handled == 1 ? 0 : 99);
	}
	EXPECT_TRUE(own_wait_state(operator, 'S'));
	own_sleep_ms(100);
	ASSERT_EQ(0, kill(operator, SIGUSR1));
	own_sleep_ms(100);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The child of a start is frozen, its operator is not: it waits, as for any child. */
TEST_F(spawn, started_while_it_is_frozen)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "3");
	pid_t pid, operator;
	char path[64];
	int builder;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, move_into(path, pid));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	EXPECT_TRUE(wait_until_frozen(path));
	operator = operate_elsewhere(_metadata, builder, KSPAWN_IOC_START, &s);
	EXPECT_TRUE(own_wait_state(operator, 'S'));
	own_sleep_ms(200);
	EXPECT_EQ(0, waitpid(operator, NULL, WNOHANG));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_EQ(3 << 8, own_wait(pid));
	close(builder);
	remove_cgroup(_metadata, path);
}

/* Both are frozen, by whichever is first, and the call goes on afterwards. */
static void expect_both_frozen(struct __test_metadata *_metadata, int device, bool in_operation)
{
	pid_t pid, operator;
	struct spawn s;
	char path[64];
	int builder;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	builder = assert_builder(_metadata, device, &pid);
	ASSERT_EQ(0, move_into(path, pid));
	plain_init(&s);
	if (in_operation) {
		spawn_hold(&s);
	} else {
		stop_child(_metadata, pid);
		spawn_chdir(&s, "/proc");
	}
	operator = operate_elsewhere(_metadata, builder, KSPAWN_IOC_APPLY, &s);
	while (events_of(builder))
		own_sleep_ms(5);
	EXPECT_TRUE(own_wait_state(operator, 'S'));
	own_sleep_ms(100);
	ASSERT_EQ(0, move_into(path, operator));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	EXPECT_TRUE(wait_until_frozen(path));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	if (in_operation) {
		/* The freezer ends an open that blocks, as a signal does. */
		EXPECT_EQ(EINTR, own_wait_exit(operator));
	} else {
		EXPECT_EQ(0, own_wait(operator));
		EXPECT_TRUE(link_is(pid, "cwd", "/proc"));
	}
	expect_alive(_metadata, builder, pid);
	close(builder);
	remove_cgroup(_metadata, path);
}

TEST_F(spawn, both_are_frozen)
{
	expect_both_frozen(_metadata, self->device, false);
}

TEST_F(spawn, both_are_frozen_in_an_operation)
{
	expect_both_frozen(_metadata, self->device, true);
}

/* Suspend uses the freezer of cgroup v1: nobody keeps it from freezing. */
TEST_F(spawn, operator_is_frozen_by_the_old_freezer)
{
	pid_t pid, operator;
	int builder;

	need_own_mounts(_metadata);
	if (!make_freezer())
		SKIP(return, "no freezer of cgroup v1 that is free: %m");
	builder = assert_builder(_metadata, self->device, &pid);
	operator = hold_elsewhere(_metadata, builder, pid);
	EXPECT_TRUE(freeze_for_a_while(operator));
	spawn_release();
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_TRUE(freeze_for_a_while(pid));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	expect_alive(_metadata, builder, pid);
	close(builder);
	EXPECT_TRUE(remove_freezer())
		TH_LOG("%m");
}

/* The group is killed with what waits in it. */
TEST_F(spawn, killed_with_its_cgroup)
{
	struct idle before;
	char path[64];
	struct spawn s;
	int builder;
	pid_t pid;

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	idle_take(&before);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, move_into(path, pid));
	ASSERT_EQ(0, put_in(path, "cgroup.kill", "1"));
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_EQ(POLLHUP, events_of(builder));
	plain_init(&s);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, ESRCH, KSPAWN_STEP_BUILDER, 0);
	EXPECT_EQ(0, own_sigchld_count());
	close(builder);
	expect_idle(_metadata, &before);
	remove_cgroup(_metadata, path);
}

TEST_HARNESS_MAIN
