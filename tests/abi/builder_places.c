// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where a builder and its maker may be: inherited, executed over, in other pid
 * namespaces, below a subreaper.
 */
#include "lib/builders.h"
#include "lib/passing.h"

#include <sys/prctl.h>
#include <sys/wait.h>

/* A process that makes a builder, sends it, and then does what it does. */
static pid_t make_elsewhere(struct __test_metadata *_metadata, int device, int socket,
			    bool inherit, const char *const arguments[])
{
	pid_t maker = assert_fork(_metadata), pid;
	int builder;

	if (maker)
		return maker;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	builder = assert_builder(_metadata, device, &pid);
	if (inherit && fcntl(builder, F_SETFD, 0))
		_exit(1);
	if (passing_send(socket, builder))
		_exit(2);
	execv(scratch_child, (char **)arguments);
	_exit(3);
}

static pid_t pid_of(int builder)
{
	char name[32], text[64];

	snprintf(name, sizeof(name), "fdinfo/%d", builder);
	read_field(getpid(), name, "Pid", text);
	return atoi(text);
}

/* The process that made it is another program now, and gets the child all the same. */
TEST_F(spawn, maker_executes)
{
	static const char *const pause[] = { "child", "pause", NULL };
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int ends[2], builder;
	pid_t maker, pid;

	need_root(_metadata);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, passing_open(ends));
	maker = make_elsewhere(_metadata, self->device, ends[1], false, pause);
	builder = passing_receive(ends[0]);
	ASSERT_LE(3, builder);
	pid = pid_of(builder);
	ASSERT_LT(0, pid);
	while (!link_is(maker, "exe", scratch_child))
		own_sleep_ms(5);
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(maker, own_parent_of(pid));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	/* Its parent does not wait; when that has ended, it is ours. */
	EXPECT_TRUE(own_wait_state(pid, 'Z'));
	expect_killed(_metadata, maker);
	EXPECT_EQ(SIGKILL, own_wait(pid));
	close(builder);
	close(ends[0]);
	close(ends[1]);
}

/* Its descriptor is close-on-exec: without others the child goes with the old program. */
TEST_F(spawn, exec_closes_it)
{
	static const char *const pause[] = { "child", "pause", NULL };

	need_root(_metadata);
	for (int inherit = 0; inherit < 2; inherit++) {
		int ends[2], builder;
		pid_t maker, pid;

		ASSERT_EQ(0, passing_open(ends));
		maker = make_elsewhere(_metadata, self->device, ends[1], inherit, pause);
		builder = passing_receive(ends[0]);
		ASSERT_LE(3, builder);
		pid = pid_of(builder);
		ASSERT_LT(0, pid);
		close(builder);
		while (!link_is(maker, "exe", scratch_child))
			own_sleep_ms(5);
		if (inherit) {
			own_sleep_ms(200);
			EXPECT_EQ(0, kill(pid, 0));
			EXPECT_TRUE(own_wait_state(pid, 'S'));
		} else {
			EXPECT_TRUE(wait_gone(pid));
		}
		expect_killed(_metadata, maker);
		EXPECT_TRUE(wait_gone(pid));
		close(ends[0]);
		close(ends[1]);
	}
}

/* A process that has inherited it keeps it. */
TEST_F(spawn, inherited)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "4");
	int builder, go[2];
	pid_t heir, pid;
	char byte;

	need_root(_metadata);
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	builder = assert_builder(_metadata, self->device, &pid);
	heir = assert_fork(_metadata);
	if (!heir) {
		close(go[1]);
		if (read(go[0], &byte, 1))
			_exit(1);
		_exit(start(builder, &s) == pid ? 0 : 2);
	}
	close(builder);
	own_sleep_ms(100);
	EXPECT_EQ(0, kill(pid, 0));
	close(go[1]);
	EXPECT_EQ(0, own_wait(heir));
	EXPECT_EQ(4 << 8, own_wait(pid));
	close(go[0]);
}

/* It is closed by the end of its only owner, killed or not. */
TEST_F(spawn, owner_ends)
{
	struct idle before;
	int numbers[2];
	pid_t owner, pid;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, pipe2(numbers, O_CLOEXEC));
	owner = assert_fork(_metadata);
	if (!owner) {
		assert_builder(_metadata, self->device, &pid);
		if (write(numbers[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		pause();
	}
	ASSERT_EQ(sizeof(pid), read(numbers[0], &pid, sizeof(pid)));
	EXPECT_EQ(0, kill(pid, 0));
	expect_killed(_metadata, owner);
	EXPECT_TRUE(wait_gone(pid));
	close(numbers[0]);
	close(numbers[1]);
	expect_idle(_metadata, &before);
}

/* A builder in a socket's queue, of which nobody knows any more. */
TEST_F(spawn, lost_in_a_socket)
{
	int ends[2], builder;
	struct idle before;
	pid_t pid;

	idle_take(&before);
	ASSERT_EQ(0, passing_open(ends));
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, passing_send(ends[0], builder));
	close(builder);
	own_sleep_ms(50);
	EXPECT_EQ(0, kill(pid, 0));
	close(ends[0]);
	close(ends[1]);
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
}

/*
 * A child that holds a socket in which its own builder waits holds itself: it can be
 * seen, and killed, and then nothing is left.
 */
TEST_F(spawn, cycle_through_a_socket)
{
	int ends[2], builder;
	struct idle before;
	struct spawn s;
	pid_t pid;

	idle_take(&before);
	ASSERT_EQ(0, passing_open(ends));
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_pass(&s, ends[0], 20, 0);
	spawn_pass(&s, ends[1], 21, 0);
	EXPECT_EQ(0, apply(builder, &s));
	ASSERT_EQ(0, passing_send(ends[0], builder));
	close(ends[0]);
	close(ends[1]);
	close(builder);
	own_sleep_ms(100);
	EXPECT_EQ(0, kill(pid, 0));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
}

/* A program whose maker has ended is the subreaper's, as any. */
TEST_F(spawn, subreaper)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int numbers[2], status;
	pid_t maker, pid;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe2(numbers, O_CLOEXEC));
	maker = assert_fork(_metadata);
	if (!maker) {
		int builder = assert_builder(_metadata, self->device, &pid);

		if (start(builder, &s) != pid || write(numbers[1], &pid, sizeof(pid)) < 0)
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(sizeof(pid), read(numbers[0], &pid, sizeof(pid)));
	EXPECT_EQ(0, own_wait(maker));
	EXPECT_EQ(getpid(), own_parent_of(pid));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(-1, &status, 0));
	EXPECT_EQ(SIGKILL, status);
	close(numbers[0]);
	close(numbers[1]);
}

/* The first process of a pid namespace makes one. */
TEST_F(spawn, maker_is_init)
{
	struct idle before;
	int ends[2], builder;
	pid_t init, pid;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, passing_open(ends));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	init = assert_fork(_metadata);
	if (!init) {
		DEFINE_SPAWN(s, scratch_child, "child", "exit", "9");
		int own;

		builder = assert_builder(_metadata, self->device, &pid);
		if (getpid() != 1 || pid != 2 || start(builder, &s) != 2)
			_exit(1);
		if (own_wait(2) != 9 << 8 || !own_no_child())
			_exit(2);
		/* One that is closed leaves nothing for init to wait for. */
		own = assert_builder(_metadata, self->device, &pid);
		close(own);
		if (!wait_gone(pid) || !own_no_child())
			_exit(3);
		/* Another outlives it for no longer than its namespace lasts. */
		own = assert_builder(_metadata, self->device, &pid);
		_exit(passing_send(ends[1], own));
	}
	builder = passing_receive(ends[0]);
	ASSERT_LE(3, builder);
	EXPECT_EQ(0, own_wait(init));
	EXPECT_EQ(POLLHUP, events_of(builder));
	EXPECT_EQ(-1, pid_of(builder));
	close(builder);
	close(ends[0]);
	close(ends[1]);
	expect_idle(_metadata, &before);
}

/* After unshare(CLONE_NEWPID) the builder's child is the first process in there. */
TEST_F(spawn, child_is_init)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "9");
	char text[64], wanted[64];
	struct idle before;
	int builder;
	pid_t pid;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	builder = assert_builder(_metadata, self->device, &pid);
	read_field(pid, "status", "NSpid", text);
	snprintf(wanted, sizeof(wanted), "%d\t1", pid);
	EXPECT_STREQ(wanted, text);
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(9 << 8, own_wait(pid));
	close(builder);
	expect_idle(_metadata, &before);
}

TEST_F(spawn, child_is_init_and_closed)
{
	struct idle before;
	int builder;
	pid_t pid;

	need_root(_metadata);
	idle_take(&before);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	builder = assert_builder(_metadata, self->device, &pid);
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	expect_idle(_metadata, &before);
}

/* An operator that does not see the child: it has no number there. */
TEST_F(spawn, operator_in_another_pid_namespace)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "4");
	pid_t operator, pid;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	operator = assert_fork(_metadata);
	if (!operator) {
		struct spawn change;

		plain_init(&change);
		spawn_chdir(&change, "/");
		if (apply(builder, &change))
			_exit(1);
		s.args.flags = KSPAWN_PIDFD;
		if (start(builder, &s) || s.result.pid || s.result.pidfd < 3)
			_exit(2);
		/* It is told of its end all the same. */
		struct pollfd entry = { .fd = s.result.pidfd, .events = POLLIN };

		_exit(TEMP_FAILURE_RETRY(poll(&entry, 1, 20000)) == 1 ? 0 : 3);
	}
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_EQ(4 << 8, own_wait(pid));
	close(builder);
}

TEST_HARNESS_MAIN
