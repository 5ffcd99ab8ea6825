// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waits: none finds the child of a builder, and of those that wait for the builder
 * itself each is woken.
 */
#include "lib/builders.h"
#include "lib/ring.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/wait.h>

static int open_pidfd(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/* No wait of whatever kind knows the child, whatever has become of it. */
static void expect_unknown(struct __test_metadata *_metadata, pid_t pid, int pidfd)
{
	static const int flags[] = { 0, __WALL, __WCLONE, __WNOTHREAD, __WALL | __WNOTHREAD };
	const struct {
		idtype_t type;
		id_t id;
	} ids[] = {
		{ P_ALL, 0 }, { P_PID, pid }, { P_PGID, getpgrp() }, { P_PIDFD, pidfd },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(flags); j++) {
			siginfo_t info;

			EXPECT_EQ(-1, waitid(ids[i].type, ids[i].id, &info,
					     WEXITED | WSTOPPED | WCONTINUED | WNOHANG | flags[j]))
				TH_LOG("id %u, flags %u", i, j);
			EXPECT_EQ(ECHILD, errno)
				TH_LOG("id %u, flags %u", i, j);
		}
	}
}

TEST_F(spawn, no_wait_finds_it)
{
	int builder, pidfd;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	pidfd = assert_fd(_metadata, open_pidfd(pid));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	expect_unknown(_metadata, pid, pidfd);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_TRUE(own_wait_state(pid, 'T'));
	expect_unknown(_metadata, pid, pidfd);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	expect_unknown(_metadata, pid, pidfd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	expect_unknown(_metadata, pid, pidfd);
	EXPECT_EQ(0, own_sigchld_count());
	close(pidfd);
	close(builder);
}

/* Nor while a start is under way that fails. */
TEST_F(spawn, no_wait_finds_a_failed_start)
{
	DEFINE_SPAWN(s, "/no/such/program");
	int builder, pidfd;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	pidfd = assert_fd(_metadata, open_pidfd(pid));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	expect_unknown(_metadata, pid, pidfd);
	EXPECT_EQ(0, own_sigchld_count());
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	close(pidfd);
}

/* A thread in a wait. */
struct waiter {
	pthread_t thread;
	idtype_t type;
	id_t id;
	int flags;
	int error;
	siginfo_t info;
	pid_t tid;
};

static void *wait_for_any(void *argument)
{
	struct waiter *waiter = argument;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_RELEASE);
	waiter->error = waitid(waiter->type, waiter->id, &waiter->info,
			       WEXITED | waiter->flags) ? errno : 0;
	return NULL;
}

static void begin_wait(struct __test_metadata *_metadata, struct waiter *waiter)
{
	ASSERT_EQ(0, pthread_create(&waiter->thread, NULL, wait_for_any, waiter));
	while (!__atomic_load_n(&waiter->tid, __ATOMIC_ACQUIRE))
		own_sleep_ms(1);
	EXPECT_TRUE(own_wait_state(waiter->tid, 'S'));
}

static void expect_waited(struct __test_metadata *_metadata, struct waiter *waiter, pid_t pid)
{
	ASSERT_EQ(0, pthread_join(waiter->thread, NULL));
	EXPECT_EQ(0, waiter->error);
	EXPECT_EQ(pid, waiter->info.si_pid);
}

/* A thread that waits already sleeps on, whatever becomes of a builder. */
TEST_F(spawn, blocked_wait_for_another)
{
	struct waiter waiter = { .type = P_ALL };
	DEFINE_SPAWN(other, scratch_child, "child", "pause");
	pid_t pid, child = assert_start(_metadata, self->device, &other);
	int builder;

	begin_wait(_metadata, &waiter);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_TRUE(own_wait_state(pid, 'T'));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	close(builder);
	builder = assert_builder(_metadata, self->device, &pid);
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_TRUE(own_wait_state(waiter.tid, 'S'));
	ASSERT_EQ(0, kill(child, SIGKILL));
	expect_waited(_metadata, &waiter, child);
}

/* It learns of the program's end, though it began to wait before there was a child. */
TEST_F(spawn, blocked_wait_learns_of_a_start)
{
	struct waiter waiter = { .type = P_PGID };
	DEFINE_SPAWN(other, scratch_child, "child", "pause");
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "5");
	pid_t pid, child = assert_start(_metadata, self->device, &other);
	int builder;

	waiter.id = getpgrp();
	begin_wait(_metadata, &waiter);
	builder = assert_builder(_metadata, self->device, &pid);
	EXPECT_EQ(pid, start(builder, &s));
	expect_waited(_metadata, &waiter, pid);
	EXPECT_EQ(CLD_EXITED, waiter.info.si_code);
	EXPECT_EQ(5, waiter.info.si_status);
	EXPECT_EQ(1, own_sigchld_count());
	expect_killed(_metadata, child);
	close(builder);
}

/* A pidfd that was opened before the start waits for the program. */
TEST_F(spawn, pidfd_from_before_the_start)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "6");
	struct pollfd entry = { .events = POLLIN };
	siginfo_t info = {};
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	entry.fd = assert_fd(_metadata, open_pidfd(pid));
	EXPECT_EQ(0, poll(&entry, 1, 0));
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&entry, 1, 20000)));
	EXPECT_EQ(0, waitid(P_PIDFD, entry.fd, &info, WEXITED));
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(6, info.si_status);
	close(entry.fd);
	close(builder);
}

/* A thread in poll() or, exclusively, in epoll_wait() on a builder, for these events. */
struct poller {
	pthread_t thread;
	int fd;
	short events;
	bool epoll;
	short seen;
	pid_t tid;
};

static void *poll_builder(void *argument)
{
	struct poller *poller = argument;
	struct pollfd entry = { .fd = poller->fd, .events = poller->events };
	struct epoll_event event = { .events = poller->events | EPOLLEXCLUSIVE };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epoll, EPOLL_CTL_ADD, poller->fd, &event);
	event.events = 0;
	__atomic_store_n(&poller->tid, gettid(), __ATOMIC_RELEASE);
	if (poller->epoll)
		poller->seen = TEMP_FAILURE_RETRY(epoll_wait(epoll, &event, 1, 20000)) == 1 ?
			       event.events : 0;
	else
		poller->seen = TEMP_FAILURE_RETRY(poll(&entry, 1, 20000)) == 1 ? entry.revents : 0;
	close(epoll);
	return NULL;
}

static void begin_poll(struct __test_metadata *_metadata, struct poller *poller)
{
	ASSERT_EQ(0, pthread_create(&poller->thread, NULL, poll_builder, poller));
	while (!__atomic_load_n(&poller->tid, __ATOMIC_ACQUIRE))
		own_sleep_ms(1);
	EXPECT_TRUE(own_wait_state(poller->tid, 'S'));
}

static void expect_polled(struct __test_metadata *_metadata, struct poller *poller, short events)
{
	ASSERT_EQ(0, pthread_join(poller->thread, NULL));
	EXPECT_EQ(events, poller->seen);
}

/* One in poll(), and two in epoll_wait(): whoever waits exclusively is woken, too. */
#define POLLERS			3
#define POLLERS_INIT(what)	{						\
		{ .events = what },						\
		{ .events = what, .epoll = true },				\
		{ .events = what, .epoll = true },				\
	}

/* Events that end a poll that waits for the end. */
enum end { START, KILL, KILL_IN_AN_OPERATION };

static void expect_hang_up(struct __test_metadata *_metadata, int device, enum end end)
{
	struct poller pollers[POLLERS] = POLLERS_INIT(0);
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid, operator = 0;
	int builder = assert_builder(_metadata, device, &pid);

	for (int i = 0; i < POLLERS; i++) {
		pollers[i].fd = builder;
		begin_poll(_metadata, &pollers[i]);
	}
	switch (end) {
	case START:
		EXPECT_EQ(pid, start(builder, &s));
		EXPECT_EQ(0, own_wait(pid));
		break;
	case KILL_IN_AN_OPERATION:
		operator = hold_elsewhere(_metadata, builder, pid);
		__attribute__((fallthrough));
	case KILL:
		ASSERT_EQ(0, kill(pid, SIGKILL));
	}
	for (int i = 0; i < POLLERS; i++)
		expect_polled(_metadata, &pollers[i], POLLHUP);
	if (operator)
		EXPECT_EQ(ESRCH, own_wait_exit(operator));
	EXPECT_TRUE(wait_gone(pid));
	close(builder);
}

TEST_F(spawn, start_ends_a_poll)
{
	expect_hang_up(_metadata, self->device, START);
}

TEST_F(spawn, kill_ends_a_poll)
{
	expect_hang_up(_metadata, self->device, KILL);
}

TEST_F(spawn, kill_in_an_operation_ends_a_poll)
{
	need_root(_metadata);
	expect_hang_up(_metadata, self->device, KILL_IN_AN_OPERATION);
}

/* The end of an operation is told. */
TEST_F(spawn, end_of_an_operation_ends_a_poll)
{
	struct poller pollers[POLLERS] = POLLERS_INIT(POLLOUT);
	pid_t pid, operator;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	operator = hold_elsewhere(_metadata, builder, pid);
	for (int i = 0; i < POLLERS; i++) {
		pollers[i].fd = builder;
		begin_poll(_metadata, &pollers[i]);
	}
	spawn_release();
	for (int i = 0; i < POLLERS; i++)
		expect_polled(_metadata, &pollers[i], POLLOUT);
	EXPECT_EQ(0, own_wait(operator));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* io_uring polls it as any other; a poll that is under way holds it. */
TEST_F(spawn, polled_by_io_uring)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct io_uring_sqe *entry;
	unsigned long data;
	struct ring ring;
	int builder;
	pid_t pid;

	if (ring_open(&ring, 0))
		SKIP(return, "no io_uring: %m");
	builder = assert_builder(_metadata, self->device, &pid);
	entry = ring_entry(&ring, IORING_OP_POLL_ADD, builder, 1);
	entry->poll32_events = POLLOUT;
	ASSERT_EQ(0, ring_submit(&ring));
	EXPECT_EQ(POLLOUT, ring_wait(&ring, &data));
	entry = ring_entry(&ring, IORING_OP_POLL_ADD, builder, 2);
	entry->poll32_events = POLLIN;
	ASSERT_EQ(0, ring_submit(&ring));
	EXPECT_FALSE(ring_has_done(&ring));
	EXPECT_EQ(pid, start(builder, &s));
	EXPECT_EQ(POLLHUP, ring_wait(&ring, &data));
	EXPECT_EQ(2, data);
	EXPECT_EQ(0, own_wait(pid));
	close(builder);
	close(ring.fd);
}

/* The number is found by the descriptor, by whoever has it. */
TEST_F(spawn, told_by_fdinfo)
{
	DEFINE_SPAWN(s, scratch_tiny);
	char name[32], text[64], number[16];
	pid_t pid, operator;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	snprintf(name, sizeof(name), "fdinfo/%d", builder);
	snprintf(number, sizeof(number), "%d", pid);
	read_field(getpid(), name, "Pid", text);
	EXPECT_STREQ(number, text);
	read_field(getpid(), name, "Builder", text);
	EXPECT_STREQ("waiting", text);
	operator = hold_elsewhere(_metadata, builder, pid);
	read_field(getpid(), name, "Builder", text);
	EXPECT_STREQ("busy", text);
	spawn_release();
	EXPECT_EQ(0, own_wait(operator));
	EXPECT_EQ(pid, start(builder, &s));
	read_field(getpid(), name, "Builder", text);
	EXPECT_STREQ("started", text);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(wait_gone(pid));
	read_field(getpid(), name, "Pid", text);
	EXPECT_STREQ("-1", text);
	close(builder);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	snprintf(name, sizeof(name), "fdinfo/%d", builder);
	read_field(getpid(), name, "Builder", text);
	EXPECT_STREQ("ended", text);
	close(builder);
}

TEST_HARNESS_MAIN
