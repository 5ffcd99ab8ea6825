// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signals while a start is under way: to the caller, to the child, to both.
 * A FIFO that nobody else opens holds the child where it is.
 */
#include "lib/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

#define NEVER_MS	10000
#define STATS		"/sys/class/misc/kspawn/stats/"

/* A request whose child blocks in its first action, then runs @path. */
static void blocked_init(struct __test_metadata *_metadata, struct spawn *s, struct report *r)
{
	report_init(_metadata, s, r);
	spawn_hold(s);
}

struct call {
	int device;
	struct spawn s;
	pthread_t thread;
	pid_t pid;
	int error;
};

static void *call(void *argument)
{
	struct call *c = argument;

	c->pid = spawn_start(c->device, &c->s);
	c->error = errno;
	return NULL;
}

static pid_t start_blocked(struct __test_metadata *_metadata, struct call *c)
{
	pid_t child;

	ASSERT_EQ(0, pthread_create(&c->thread, NULL, call, c));
	child = assert_sleeping_child(_metadata, getpid());
	return child;
}

static void unblock(struct __test_metadata *_metadata)
{
	assert_fd(_metadata, open("fifo", O_WRONLY | O_CLOEXEC));
}

/* The call has returned, and has @child. */
static void expect_returned(struct __test_metadata *_metadata, struct call *c, pid_t child)
{
	ASSERT_EQ(0, pthread_join(c->thread, NULL));
	ASSERT_EQ(child, c->pid)
		TH_LOG("%s, step %u", strerrorname_np(c->error), c->s.result.step);
}

static void *count_up(void *counted)
{
	while (!__atomic_load_n((int *)counted + 1, __ATOMIC_RELAXED)) {
		__atomic_fetch_add((int *)counted, 1, __ATOMIC_RELAXED);
		own_sleep_ms(1);
	}
	return NULL;
}

/* Only the calling thread waits; the others go on, and spawn too. */
TEST_F(spawn, only_the_caller_waits)
{
	struct call c = { .device = self->device };
	int counted[2] = {}, before;
	struct report_fd seen;
	struct report r, other;
	struct spawn s;
	pthread_t thread;
	pid_t child;

	blocked_init(_metadata, &c.s, &r);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, pthread_create(&thread, NULL, count_up, counted));
	before = __atomic_load_n(counted, __ATOMIC_RELAXED);
	/* Opened after the first one's table was taken. */
	ASSERT_EQ(30, fcntl(0, F_DUPFD, 30));
	report_init(_metadata, &s, &other);
	expect_report(_metadata, self->device, &s, &other);
	EXPECT_TRUE(report_fd(&other, 30, &seen));
	own_sleep_ms(100);
	EXPECT_LT(before, __atomic_load_n(counted, __ATOMIC_RELAXED));
	__atomic_store_n(&counted[1], 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* The first is still waiting. */
	EXPECT_EQ(0, c.pid);

	unblock(_metadata);
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(0, own_wait(c.pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_FALSE(report_fd(&r, 30, &seen));
}

static int handled;

static void handle(int number)
{
	(void)number;
	handled++;
}

/* A handler runs after the wait, and does not end it. */
TEST_F(spawn, handled_signal_to_the_caller)
{
	struct call c = { .device = self->device };
	struct report r;
	pid_t child;

	signal(SIGUSR1, handle);
	blocked_init(_metadata, &c.s, &r);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, pthread_kill(c.thread, SIGUSR1));
	own_sleep_ms(200);
	EXPECT_EQ(0, c.pid);
	unblock(_metadata);
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(1, handled);
	EXPECT_EQ(0, own_wait(c.pid));
	ASSERT_EQ(0, report_load(&r));
}

/* The open is not interrupted, and the signal is there for the program. */
TEST_F(spawn, signals_to_the_child_wait_for_the_program)
{
	static const int signals[] = { SIGTERM, SIGUSR1, SIGINT, SIGHUP, SIGALRM, 34, 64 };

	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++) {
		struct call c = { .device = self->device };
		struct report r;
		pid_t child;

		unlink("fifo");
		blocked_init(_metadata, &c.s, &r);
		child = start_blocked(_metadata, &c);
		ASSERT_EQ(0, kill(child, signals[i]));
		own_sleep_ms(50);
		EXPECT_EQ(0, c.pid);
		unblock(_metadata);
		expect_returned(_metadata, &c, child);
		EXPECT_EQ(signals[i], own_wait(child));
	}
}

/* One that the program blocks is pending for it, one that it ignores is gone. */
TEST_F(spawn, blocked_and_ignored_signals_to_the_child)
{
	struct call c = { .device = self->device };
	struct report r;
	pid_t child;

	blocked_init(_metadata, &c.s, &r);
	c.s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK | KSPAWN_ATTR_SETSIGIGN;
	c.s.args.sigmask = spawn_signal_bit(SIGTERM);
	c.s.args.sigignore = spawn_signal_bit(SIGUSR1);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, kill(child, SIGTERM));
	ASSERT_EQ(0, kill(child, SIGUSR1));
	unblock(_metadata);
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(0, own_wait(child));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(spawn_signal_bit(SIGTERM), report_status_hex(&r, "ShdPnd"));
	EXPECT_EQ(0, report_status_hex(&r, "SigPnd"));
}

/* As with fork(): there was a child, and its status says how it ended. */
TEST_F(spawn, child_is_killed)
{
	struct call c = { .device = self->device };
	long killed = totals_number(STATS "killed");
	struct report r;
	pid_t child;
	int status;

	blocked_init(_metadata, &c.s, &r);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, kill(child, SIGKILL));
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(child, c.s.result.pid);
	EXPECT_EQ(0, c.s.result.error);
	/* A plain wait finds it: it ended as any child does. */
	EXPECT_EQ(child, waitpid(-1, &status, 0));
	EXPECT_EQ(SIGKILL, status);
	EXPECT_EQ(1, own_sigchld_count());
	EXPECT_TRUE(totals_settle(STATS "killed", killed + 1, NEVER_MS));
}

TEST_F(spawn, child_with_a_pidfd_is_killed)
{
	struct call c = { .device = self->device };
	struct report r;
	int count;
	pid_t child;

	count = own_descriptor_count();
	blocked_init(_metadata, &c.s, &r);
	c.s.args.flags = KSPAWN_PIDFD;
	child = start_blocked(_metadata, &c);
	/* Not there before there is something that it stands for. */
	EXPECT_EQ(count, own_descriptor_count());
	ASSERT_EQ(0, kill(child, SIGKILL));
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(SIGKILL, own_wait(child));
	/* There is one whenever the call succeeds. */
	ASSERT_LE(0, c.s.result.pidfd);
	EXPECT_EQ(count + 1, own_descriptor_count());
	EXPECT_EQ(-1, syscall(SYS_pidfd_send_signal, c.s.result.pidfd, 0, NULL, 0));
	EXPECT_EQ(ESRCH, errno);
	close(c.s.result.pidfd);
}

/* Stopped before it has a program, as any process in open(), and continued. */
TEST_F(spawn, child_is_stopped_and_continued)
{
	struct call c = { .device = self->device };
	struct report r;
	pid_t child;

	blocked_init(_metadata, &c.s, &r);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, kill(child, SIGSTOP));
	EXPECT_TRUE(own_wait_state(child, 'T'));
	EXPECT_EQ(0, c.pid);
	/* A child like any other: its stop is told, if a moment after it can be seen. */
	for (int i = 0; i < 1000 && !own_sigchld_count(); i++)
		own_sleep_ms(10);
	EXPECT_EQ(1, own_sigchld_count());
	ASSERT_EQ(0, kill(child, SIGCONT));
	EXPECT_TRUE(own_wait_state(child, 'S'));
	EXPECT_EQ(0, c.pid);
	unblock(_metadata);
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(0, own_wait(child));
	EXPECT_EQ(0, report_load(&r));
}

TEST_F(spawn, child_is_stopped_and_killed)
{
	struct call c = { .device = self->device };
	struct report r;
	pid_t child;

	blocked_init(_metadata, &c.s, &r);
	child = start_blocked(_metadata, &c);
	ASSERT_EQ(0, kill(child, SIGSTOP));
	EXPECT_TRUE(own_wait_state(child, 'T'));
	ASSERT_EQ(0, kill(child, SIGKILL));
	expect_returned(_metadata, &c, child);
	EXPECT_EQ(SIGKILL, own_wait(child));
}

/* In a process of its own: start what blocks, and never return from it. */
static pid_t fork_blocked_caller(struct __test_metadata *_metadata, int device, struct spawn *s)
{
	pid_t caller = assert_fork(_metadata);

	if (!caller) {
		spawn_start(device, s);
		_exit(99);
	}
	return caller;
}

static void end_caller(struct __test_metadata *_metadata, pid_t caller, int number)
{
	unsigned long long start = own_clock_ms();

	ASSERT_EQ(0, kill(caller, number));
	EXPECT_EQ(number, own_wait(caller));
	EXPECT_GT(NEVER_MS, own_clock_ms() - start)
		TH_LOG("the caller did not die at once");
}

/*
 * A fatal signal to the caller ends its wait.  The child is an orphan from
 * then on, as it is with vfork(), and runs its program when it can.
 */
TEST_F(spawn, caller_is_killed)
{
	const int rounds = 3;
	long in_flight = totals_number(STATS "in_flight");

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int i = 0; i < rounds; i++) {
		pid_t caller, child;
		struct report r;
		struct spawn s;
		int status;

		unlink("fifo");
		blocked_init(_metadata, &s, &r);
		caller = fork_blocked_caller(_metadata, self->device, &s);
		child = assert_sleeping_child(_metadata, caller);
		EXPECT_EQ(in_flight + 1, totals_number(STATS "in_flight"));
		/* Blocked during the call, as during libc's. */
		ASSERT_EQ(0, kill(caller, SIGTERM));
		own_sleep_ms(50);
		EXPECT_EQ(child, own_wait_child_of(caller));
		end_caller(_metadata, caller, SIGKILL);
		/* Ours now, and still where it was. */
		EXPECT_EQ(child, own_wait_child_of(getpid()));
		EXPECT_EQ(0, waitpid(-1, &status, WNOHANG | __WALL));

		unblock(_metadata);
		/* It ends as any orphan: with SIGCHLD, and for a plain wait. */
		EXPECT_EQ(child, waitpid(-1, &status, 0));
		EXPECT_EQ(0, status);
		ASSERT_EQ(0, report_load(&r));
		EXPECT_EQ(getpid(), report_stat(&r, 4));
		EXPECT_EQ(SIGCHLD, report_stat(&r, 38));
		EXPECT_TRUE(totals_settle(STATS "in_flight", in_flight, NEVER_MS));
	}
}

/* Another thread ends the process: as fatal as a signal. */
TEST_F(spawn, callers_process_exits)
{
	long in_flight = totals_number(STATS "in_flight");
	pid_t caller, child;
	struct report r;
	int status;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, mkfifo("go", 0600));
	caller = assert_fork(_metadata);
	if (!caller) {
		struct call c = { .device = self->device };

		blocked_init(_metadata, &c.s, &r);
		start_blocked(_metadata, &c);
		close(open("go", O_WRONLY));
		_exit(7);
	}
	close(open("go", O_RDONLY));
	EXPECT_EQ(7, own_wait_exit(caller));
	child = own_wait_child_of(getpid());
	EXPECT_LT(0, child);
	unblock(_metadata);
	EXPECT_EQ(child, waitpid(-1, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(totals_settle(STATS "in_flight", in_flight, NEVER_MS));
}

/* The orphan that fails then is nobody's child: the one that adopted it has none. */
TEST_F(spawn, caller_is_killed_and_the_start_fails)
{
	long in_flight = totals_number(STATS "in_flight");
	pid_t caller;
	struct report r;
	struct spawn s;
	int status;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	blocked_init(_metadata, &s, &r);
	s.args.path = spawn_pointer("/no/such/program");
	caller = fork_blocked_caller(_metadata, self->device, &s);
	assert_sleeping_child(_metadata, caller);
	end_caller(_metadata, caller, SIGKILL);
	unblock(_metadata);
	EXPECT_EQ(-1, waitpid(-1, &status, 0));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_TRUE(totals_settle(STATS "in_flight", in_flight, NEVER_MS));
}

TEST_F(spawn, caller_is_killed_and_then_the_child)
{
	long in_flight = totals_number(STATS "in_flight");
	pid_t caller, child;
	struct report r;
	struct spawn s;
	int status;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	blocked_init(_metadata, &s, &r);
	s.args.flags = KSPAWN_PIDFD;
	caller = fork_blocked_caller(_metadata, self->device, &s);
	child = assert_sleeping_child(_metadata, caller);
	end_caller(_metadata, caller, SIGKILL);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(child, waitpid(-1, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_TRUE(totals_settle(STATS "in_flight", in_flight, NEVER_MS));
}

/* The parent's death signal is armed by the program, not before: none is set. */
TEST_F(spawn, death_of_the_callers_thread)
{
	struct call c = { .device = self->device };
	int status;

	spawn_init(&c.s, scratch_child);
	spawn_arg(&c.s, "child");
	spawn_arg(&c.s, "pause");
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, call, &c));
	ASSERT_EQ(0, pthread_join(c.thread, NULL));
	ASSERT_LT(0, c.pid);
	own_sleep_ms(100);
	EXPECT_EQ(0, waitpid(c.pid, &status, WNOHANG));
	ASSERT_EQ(0, kill(c.pid, SIGTERM));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(c.pid)));
}

/* Hundreds of callers killed at any moment: nothing is left of any of them. */
TEST_F(spawn, callers_killed_at_any_moment)
{
	unsigned int i, rounds = scratch_scale(300), seed = 12345;
	long in_flight = totals_number(STATS "in_flight");

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < rounds; i++) {
		pid_t caller = assert_fork(_metadata);
		int status;

		if (!caller) {
			struct spawn s;

			for (;;) {
				spawn_init(&s, i % 3 ? scratch_tiny : "/no/such/program");
				spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
				if (i % 2)
					s.args.flags = KSPAWN_PIDFD;
				spawn_start(self->device, &s);
				own_wait(s.result.pid > 0 ? s.result.pid : -1);
				close(s.result.pidfd);
			}
		}
		seed = seed * 1103515245 + 12345;
		usleep(seed >> 16 & 8191);
		ASSERT_EQ(0, kill(caller, SIGKILL));
		/* The caller, and any child that it was just starting. */
		while (waitpid(-1, &status, __WALL) > 0)
			;
		EXPECT_EQ(ECHILD, errno);
	}
	EXPECT_TRUE(totals_settle(STATS "in_flight", in_flight, NEVER_MS));
}

/* A file that only the caller has open goes with the caller, whatever its child does. */
TEST_F(spawn, files_of_callers_killed_at_any_moment)
{
	unsigned int i, rounds = scratch_scale(300), seed = 4711, late = 0;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (i = 0; i < rounds; i++) {
		struct pollfd reader = { .events = POLLIN };
		int ends[2], status;
		pid_t caller;

		ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
		caller = assert_fork(_metadata);
		if (!caller) {
			struct spawn s;

			close(ends[0]);
			for (;;) {
				spawn_init(&s, scratch_tiny);
				spawn_chdir(&s, "/");
				own_wait(spawn_start(self->device, &s));
			}
		}
		close(ends[1]);
		seed = seed * 1103515245 + 12345;
		usleep(seed >> 16 & 8191);
		ASSERT_EQ(0, kill(caller, SIGKILL));
		EXPECT_EQ(caller, waitpid(caller, &status, 0));
		reader.fd = ends[0];
		late += poll(&reader, 1, 0) != 1;
		close(ends[0]);
		while (waitpid(-1, &status, __WALL) > 0)
			;
	}
	EXPECT_EQ(0, late);
}

TEST_HARNESS_MAIN
