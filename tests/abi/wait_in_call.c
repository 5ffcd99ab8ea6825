// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_WAIT: start and wait in one call. */
#include "lib/fixture.h"
#include "lib/freezing.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

static void wait_init(struct spawn *s, const char *command, const char *argument)
{
	spawn_init(s, scratch_child, "child", command);
	if (argument)
		spawn_arg(s, argument);
	s->args.flags = KSPAWN_WAIT;
}

TEST_F(spawn, exit_status)
{
	pid_t pid, stored = -1;
	struct spawn s;

	wait_init(&s, "exit", "42");
	s.args.pid = spawn_pointer(&stored);
	pid = spawn_start(self->device, &s);
	ASSERT_LT(0, pid)
		TH_LOG("%m, step %u", s.result.step);
	EXPECT_EQ(pid, stored);
	EXPECT_EQ(pid, s.result.pid);
	EXPECT_EQ(42 << 8, s.result.status);
	EXPECT_EQ(0, s.result.error);
	EXPECT_EQ(KSPAWN_STEP_NONE, s.result.step);
	EXPECT_EQ(-1, s.result.pidfd);
	EXPECT_TRUE(own_no_child());
	EXPECT_EQ(1, own_sigchld_count());
}

TEST_F(spawn, killed_by_a_signal)
{
	char command[] = "kill -TERM $$";
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c");

	spawn_arg(&s, command);
	s.args.flags = KSPAWN_WAIT;
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(SIGTERM, s.result.status);
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, usage)
{
	struct rusage usage, before, after;
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");

	memset(&usage, 0xa5, sizeof(usage));
	getrusage(RUSAGE_CHILDREN, &before);
	s.args.flags = KSPAWN_WAIT;
	s.args.rusage = spawn_pointer(&usage);
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(0, s.result.status);
	getrusage(RUSAGE_CHILDREN, &after);
	EXPECT_LT(0, usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec);
	EXPECT_LT(0, usage.ru_maxrss);
	/* It was our only child meanwhile. */
	EXPECT_EQ(after.ru_minflt - before.ru_minflt, usage.ru_minflt);
	EXPECT_EQ(after.ru_nvcsw - before.ru_nvcsw, usage.ru_nvcsw);
}

/* A start that fails leaves nothing to wait for. */
TEST_F(spawn, failures)
{
	struct rusage usage;
	DEFINE_SPAWN(s, "/no/such/program");

	s.args.flags = KSPAWN_WAIT;
	s.args.rusage = spawn_pointer(&usage);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_chdir(&s, "/");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, scratch_tiny);
	s.args.flags = KSPAWN_WAIT | KSPAWN_PIDFD;
	spawn_close(&s, 0);
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	spawn_init(&s, scratch_tiny);
	s.args.flags = KSPAWN_WAIT;
	spawn_setpgroup(&s, 1);
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
}

TEST_F(spawn, many_failures_and_successes)
{
	unsigned int i, rounds = scratch_scale(300);
	struct spawn s;

	for (i = 0; i < rounds; i++) {
		spawn_init(&s, scratch_tiny);
		s.args.flags = KSPAWN_WAIT;
		if (i % 2)
			spawn_dup2(&s, 99, 98);
		ASSERT_EQ(i % 2, spawn_start(self->device, &s) < 0);
		ASSERT_EQ(i % 2 ? EBADF : 0, s.result.error);
		ASSERT_TRUE(own_no_child());
	}
	EXPECT_EQ((rounds + 1) / 2, own_sigchld_count());
}

static void note_alarm(int signal)
{
	(void)signal;
}

static void arm(struct __test_metadata *_metadata, int flags)
{
	struct sigaction action = { .sa_handler = note_alarm, .sa_flags = flags };
	struct itimerval timer = { .it_value = { .tv_usec = 300000 } };

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
}

/* The wait ends, the child does not; whether or not the handler wants restarts. */
TEST_F(spawn, signal_ends_the_wait)
{
	static const int flags[] = { 0, SA_RESTART };

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t stored = -1;
		int pidfd = -1;
		struct spawn s;

		wait_init(&s, "pause", NULL);
		s.args.flags |= KSPAWN_PIDFD;
		s.args.pid = spawn_pointer(&stored);
		s.args.pidfd = spawn_pointer(&pidfd);
		arm(_metadata, flags[i]);
		expect_errno(_metadata, self->device, &s, EINTR);
		EXPECT_EQ(EINTR, s.result.error);
		EXPECT_EQ(KSPAWN_STEP_WAIT, s.result.step);
		EXPECT_EQ(0, s.result.index);
		EXPECT_EQ(0, s.result.status);
		ASSERT_LT(0, s.result.pid);
		EXPECT_EQ(s.result.pid, stored);
		ASSERT_LE(0, pidfd);
		EXPECT_EQ(pidfd, s.result.pidfd);
		EXPECT_EQ(0, waitpid(stored, NULL, WNOHANG));
		EXPECT_EQ(0, syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
		EXPECT_EQ(SIGTERM, own_wait(stored));
		close(pidfd);
	}
}

/*
 * A start that is held in an action until a signal has come: the process that ends
 * that is returned.
 */
static pid_t hold_beyond_the_alarm(struct __test_metadata *_metadata, struct spawn *s)
{
	pid_t other;

	wait_init(s, "pause", NULL);
	spawn_hold(s);
	arm(_metadata, 0);
	other = assert_fork(_metadata);
	if (!other) {
		own_sleep_ms(1000);
		spawn_release();
		_exit(0);
	}
	return other;
}

/* A signal that came while the child was being made ends the wait as it begins. */
TEST_F(spawn, signal_before_the_wait)
{
	struct spawn s;
	pid_t other = hold_beyond_the_alarm(_metadata, &s);

	expect_step(_metadata, self->device, &s, EINTR, KSPAWN_STEP_WAIT);
	ASSERT_LT(0, s.result.pid);
	EXPECT_EQ(0, own_wait(other));
	expect_killed(_metadata, s.result.pid);
}

static volatile sig_atomic_t urgent;

static void count_signal(int signal)
{
	(void)signal;
	urgent = urgent + 1;
}

static void ignore_signals(void)
{
	signal(SIGUSR1, SIG_IGN);
	signal(SIGWINCH, SIG_DFL);
	signal(SIGURG, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
}

static void send_ignored(pid_t to)
{
	kill(to, SIGUSR1);
	kill(to, SIGWINCH);
	kill(to, SIGURG);
}

/* All signals are blocked while the child is made, so ignored ones are queued then. */
TEST_F(spawn, ignored_signals_before_the_wait)
{
	pid_t other, self_pid = getpid();
	sigset_t pending;
	struct spawn s;

	ignore_signals();
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	other = assert_fork(_metadata);
	if (!other) {
		own_sleep_ms(300);
		send_ignored(self_pid);
		spawn_release();
		/* Its end is one more, SIGCHLD. */
		_exit(0);
	}
	wait_init(&s, "exit", "5");
	spawn_hold(&s);
	EXPECT_LT(0, spawn_start(self->device, &s))
		TH_LOG("%m, step %u", s.result.step);
	EXPECT_EQ(5 << 8, s.result.status);
	EXPECT_EQ(0, own_wait(other));
	sigpending(&pending);
	EXPECT_FALSE(sigismember(&pending, SIGUSR1));
	EXPECT_FALSE(sigismember(&pending, SIGWINCH));
}

static void *send_to_process(void *unused)
{
	(void)unused;
	for (int i = 0; i < 5; i++) {
		own_sleep_ms(50);
		send_ignored(getpid());
	}
	return NULL;
}

struct waiter {
	int device;
	pid_t pid;
	struct spawn s;
};

static void *wait_in_thread(void *argument)
{
	struct waiter *waiter = argument;

	spawn_init(&waiter->s, "/bin/sleep", "sleep", "0.5");
	waiter->s.args.flags = KSPAWN_WAIT;
	waiter->pid = spawn_start(waiter->device, &waiter->s);
	return NULL;
}

/* A first thread that blocks them, if only for a moment, makes the kernel queue them. */
TEST_F(spawn, ignored_signals_that_another_thread_blocks)
{
	struct waiter waiter = { .device = self->device };
	pthread_t thread, sender;
	sigset_t all;

	ignore_signals();
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_in_thread, &waiter));
	sigfillset(&all);
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &all, NULL));
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_to_process, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, pthread_join(sender, NULL));
	EXPECT_LT(0, waiter.pid)
		TH_LOG("step %u, error %d", waiter.s.result.step, waiter.s.result.error);
	EXPECT_EQ(0, waiter.s.result.status);
}

/* One that comes just as those before it are dropped ends the wait as little. */
TEST_F(spawn, ignored_signals_without_a_pause)
{
	/* It is started anew as its signal is taken, and so over at once. */
	const struct itimerval at_once = { { 0, 1 }, { 0, 1 } }, never = {};
	struct waiter waiter = { .device = self->device };
	pthread_t thread;
	sigset_t all;

	ignore_signals();
	ASSERT_NE(SIG_ERR, signal(SIGALRM, SIG_IGN));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_in_thread, &waiter));
	sigfillset(&all);
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &all, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &at_once, NULL));
	while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
		send_ignored(getpid());
		own_sleep_ms(1);
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_LT(0, waiter.pid)
		TH_LOG("step %u, error %d", waiter.s.result.step, waiter.s.result.error);
	EXPECT_EQ(0, waiter.s.result.status);
}

/* A handled signal among ignored ones ends the wait, and its handler runs once. */
TEST_F(spawn, handled_signal_among_ignored_ones)
{
	struct spawn s;

	ignore_signals();
	signal(SIGURG, count_signal);
	urgent = 0;
	if (!assert_fork(_metadata)) {
		own_sleep_ms(300);
		send_ignored(getppid());
		_exit(0);
	}
	wait_init(&s, "pause", NULL);
	expect_step(_metadata, self->device, &s, EINTR, KSPAWN_STEP_WAIT);
	EXPECT_EQ(1, urgent);
	expect_killed(_metadata, s.result.pid);
	EXPECT_LT(0, wait(NULL));
}

/* The init of a PID namespace ignores what others die of. */
TEST_F(spawn, ignored_signals_of_an_init)
{
	struct spawn s;
	pid_t init;

	need_root(_metadata);
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_LE(0, init);
	if (!init) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGCHLD, SIG_DFL);
		/* From within: what comes from outside is not ignored. */
		if (!fork()) {
			own_sleep_ms(300);
			kill(1, SIGTERM);
			spawn_release();
			_exit(0);
		}
		wait_init(&s, "exit", "4");
		spawn_hold(&s);
		_exit(spawn_start(self->device, &s) < 0 ? 1 : s.result.status >> 8);
	}
	EXPECT_EQ(4 << 8, own_wait(init));
}

static void *wait_for_long(void *argument)
{
	struct waiter *waiter = argument;

	spawn_init(&waiter->s, "/bin/sleep", "sleep", "1000");
	waiter->s.args.flags = KSPAWN_WAIT;
	waiter->pid = spawn_start(waiter->device, &waiter->s);
	return NULL;
}

/* It ends the other threads by a SIGKILL that an init does not ignore. */
TEST_F(spawn, exec_in_another_thread_of_an_init)
{
	struct waiter waiter = { .device = self->device };
	pthread_t thread;
	pid_t init;

	need_root(_metadata);
	init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_LE(0, init);
	if (!init) {
		signal(SIGCHLD, SIG_DFL);
		if (pthread_create(&thread, NULL, wait_for_long, &waiter))
			_exit(1);
		own_sleep_ms(500);
		execl("/bin/sh", "sh", "-c", "exit 7", NULL);
		_exit(2);
	}
	EXPECT_TRUE(own_wait_state(init, 'Z'));
	kill(init, SIGKILL);
	EXPECT_EQ(7 << 8, own_wait(init));
}

/* From outside. */
TEST_F(spawn, stop_of_an_init)
{
	struct spawn s;
	pid_t init;

	need_root(_metadata);
	init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_LE(0, init);
	if (!init) {
		signal(SIGCHLD, SIG_DFL);
		spawn_init(&s, "/bin/sleep", "sleep", "2");
		s.args.flags = KSPAWN_WAIT;
		spawn_start(self->device, &s);
		/* A stop may end the wait, not the start. */
		_exit(s.result.error && s.result.error != EINTR);
	}
	ASSERT_TRUE(own_wait_state(own_wait_child_of(init), 'S'));
	ASSERT_EQ(0, kill(init, SIGSTOP));
	EXPECT_TRUE(own_wait_state(init, 'T'));
	ASSERT_EQ(0, kill(init, SIGCONT));
	EXPECT_EQ(0, own_wait(init));
}

/* Suspend uses the same freezer. */
TEST_F(spawn, freezer)
{
	struct spawn s;
	pid_t caller;
	int status;

	need_own_mounts(_metadata);
	if (!make_freezer())
		SKIP(return, "no freezer of cgroup v1 that is free: %m");
	caller = assert_fork(_metadata);
	if (!caller) {
		spawn_init(&s, "/bin/sh", "sh", "-c", "read line <fifo; exit 6");
		s.args.flags = KSPAWN_WAIT;
		signal(SIGCHLD, SIG_DFL);
		_exit(spawn_start(self->device, &s) < 0 ? 1 : s.result.status >> 8);
	}
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_TRUE(own_wait_state(own_wait_child_of(caller), 'S'));
	EXPECT_TRUE(freeze_for_a_while(caller));
	spawn_release();
	status = own_wait(caller);
	EXPECT_EQ(6 << 8, status);
	EXPECT_TRUE(remove_freezer())
		TH_LOG("%m");
}

/* While the program runs, nothing is kept of the request. */
TEST_F(spawn, request_is_freed_before_the_wait)
{
	pid_t caller, child;
	struct idle before;
	struct spawn s;

	need_root(_metadata);
	idle_take(&before);
	caller = assert_fork(_metadata);
	if (!caller) {
		wait_init(&s, "pause", NULL);
		_exit(spawn_start(self->device, &s) < 0);
	}
	child = own_wait_child_of(caller);
	ASSERT_TRUE(own_wait_state(child, 'S'));
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before.in_flight, TOTALS_SETTLE_MS));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(0, own_wait(caller));
}

static int wait_traced(int device)
{
	struct spawn s;

	signal(SIGWINCH, SIG_DFL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	wait_init(&s, "pause", NULL);
	if (spawn_start(device, &s) >= 0 || errno != EINTR || s.result.step != KSPAWN_STEP_WAIT)
		return 1;
	kill(s.result.pid, SIGKILL);
	return own_wait(s.result.pid) != SIGKILL;
}

/* A debugger is told of each signal, ignored ones included, so these end the wait. */
TEST_F(spawn, ignored_signal_of_a_traced_caller)
{
	pid_t caller = assert_fork(_metadata);
	bool seen = false;
	int status;

	if (!caller)
		_exit(wait_traced(self->device));
	ASSERT_EQ(caller, waitpid(caller, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, caller, NULL, NULL));
	ASSERT_LT(0, own_wait_child_of(caller));
	own_sleep_ms(300);
	ASSERT_EQ(0, kill(caller, SIGWINCH));
	while (waitpid(caller, &status, 0) == caller && WIFSTOPPED(status)) {
		seen |= WSTOPSIG(status) == SIGWINCH;
		ASSERT_EQ(0, ptrace(PTRACE_CONT, caller, NULL, WSTOPSIG(status)));
	}
	EXPECT_TRUE(seen);
	EXPECT_EQ(0, status);
}

/* A failure that comes after the signal is told; there is no child to wait for. */
TEST_F(spawn, signal_before_a_failure)
{
	struct spawn s;
	pid_t other = hold_beyond_the_alarm(_metadata, &s);

	spawn_dup2(&s, 99, 98);
	expect_step(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION);
	EXPECT_EQ(1, s.result.index);
	EXPECT_EQ(0, s.result.pid);
	EXPECT_EQ(0, own_wait(other));
	EXPECT_TRUE(own_no_child());
}

/* The caller's mask holds during the wait, and after it. */
TEST_F(spawn, blocked_signals_do_not_end_it)
{
	struct itimerval timer = { .it_value = { .tv_usec = 50000 } };
	sigset_t set, now;
	DEFINE_SPAWN(s, "/bin/sleep", "sleep", "0.5");

	ASSERT_NE(SIG_ERR, signal(SIGALRM, note_alarm));
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	s.args.flags = KSPAWN_WAIT;
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(0, s.result.status);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, NULL, &now));
	EXPECT_EQ(0, memcmp(&set, &now, sizeof(long)));
	sigpending(&now);
	EXPECT_TRUE(sigismember(&now, SIGALRM));
}

/* A child that stops has not ended. */
TEST_F(spawn, stopped_child)
{
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "me=$$; (sleep 2; kill -CONT $me) & kill -STOP $$; wait; exit 6");

	ASSERT_NE(SIG_ERR, signal(SIGCHLD, SIG_DFL));
	s.args.flags = KSPAWN_WAIT;
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(6 << 8, s.result.status);
}

/* The only child of this process, when it is asleep; 0 if there is none. */
static pid_t sleeping_child(void)
{
	pid_t child = own_wait_child_of(getpid());

	return child > 0 && own_wait_state(child, 'S') ? child : 0;
}

static void *stop_once(void *argument)
{
	bool *stopped = argument;
	pid_t child = sleeping_child();
	int status;

	if (child && !ptrace(PTRACE_SEIZE, child, 0, 0) &&
	    !ptrace(PTRACE_INTERRUPT, child, 0, 0) && own_wait_state(child, 't')) {
		/* The wait in the call leaves the stop to the thread that traces. */
		own_sleep_ms(200);
		*stopped = waitpid(child, &status, __WALL | WNOHANG) == child &&
			   WIFSTOPPED(status);
		ptrace(PTRACE_DETACH, child, 0, 0);
	}
	spawn_release();
	return NULL;
}

/* Nor has one that a thread of its caller traces. */
TEST_F(spawn, child_that_its_caller_traces)
{
	bool stopped = false;
	pthread_t tracer;
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "read line <fifo; exit 6");

	ASSERT_NE(SIG_ERR, signal(SIGCHLD, SIG_DFL));
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_EQ(0, pthread_create(&tracer, NULL, stop_once, &stopped));
	s.args.flags = KSPAWN_WAIT;
	EXPECT_LT(0, spawn_start(self->device, &s))
		TH_LOG("%m");
	EXPECT_EQ(6 << 8, s.result.status);
	ASSERT_EQ(0, pthread_join(tracer, NULL));
	EXPECT_TRUE(stopped);
	EXPECT_TRUE(own_no_child());
}

static void *unmap_and_release(void *page)
{
	if (sleeping_child())
		munmap(page, 4096);
	spawn_release();
	return NULL;
}

/* The child has been waited for, so there is no failure to tell. */
TEST_F(spawn, result_that_disappears)
{
	struct kspawn_result *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage usage = { .ru_maxrss = -1 };
	pthread_t thread;
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "read line <fifo");

	ASSERT_NE(MAP_FAILED, result);
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_and_release, result));
	s.args.flags = KSPAWN_WAIT;
	s.args.result = spawn_pointer(result);
	s.args.rusage = spawn_pointer(&usage);
	EXPECT_LT(0, spawn_start(self->device, &s))
		TH_LOG("%m");
	EXPECT_LT(0, usage.ru_maxrss);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, caller_is_killed)
{
	pid_t caller, child;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	caller = assert_fork(_metadata);
	if (!caller) {
		struct spawn s;

		wait_init(&s, "pause", NULL);
		spawn_start(self->device, &s);
		_exit(1);
	}
	child = own_wait_child_of(caller);
	ASSERT_LT(0, child);
	expect_killed(_metadata, caller);
	/* The child does not notice. */
	EXPECT_EQ(getpid(), own_parent_of(child));
	EXPECT_EQ(0, kill(child, SIGTERM));
	EXPECT_EQ(SIGTERM, own_wait(child));
}

/* It has ended, and nobody knows how. */
TEST_F(spawn, sigchld_ignored)
{
	struct spawn s;

	ASSERT_NE(SIG_ERR, signal(SIGCHLD, SIG_IGN));
	wait_init(&s, "exit", "3");
	expect_step(_metadata, self->device, &s, ECHILD, KSPAWN_STEP_WAIT);
	EXPECT_EQ(0, s.result.status);
	EXPECT_TRUE(own_no_child());
	/* Failures are told as ever. */
	spawn_dup2(&s, 99, 98);
	expect_step(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION);
}

static void *reap(void *argument)
{
	int status, *reaped = argument;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid > 0 && WEXITSTATUS(status) == 5)
			__atomic_fetch_add(reaped, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Each status goes to one of two who wait, and no failure to either. */
TEST_F(spawn, another_thread_waits_too)
{
	unsigned int i, mine = 0, rounds = scratch_scale(200);
	pthread_t reaper;
	int reaped = 0;
	struct spawn s;
	sigset_t set;

	/* The end of a child that the other takes would interrupt our wait. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, pthread_create(&reaper, NULL, reap, &reaped));
	for (i = 0; i < rounds; i++) {
		wait_init(&s, "exit", "5");
		if (spawn_start(self->device, &s) > 0) {
			EXPECT_EQ(5 << 8, s.result.status);
			mine++;
		} else {
			EXPECT_EQ(ECHILD, errno);
			EXPECT_EQ(KSPAWN_STEP_WAIT, s.result.step);
		}
		spawn_dup2(&s, 99, 98);
		expect_step(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION);
	}
	own_sleep_ms(100);
	ASSERT_EQ(0, pthread_cancel(reaper));
	ASSERT_EQ(0, pthread_join(reaper, NULL));
	EXPECT_EQ(rounds, mine + reaped);
}

#define THREADS	6

struct worker {
	int device;
	int number;
	int wrong;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	unsigned int i, rounds = scratch_scale(30);
	char status[8];
	struct spawn s;

	for (i = 0; i < rounds; i++) {
		int code = worker->number * 10 + i % 10;

		snprintf(status, sizeof(status), "%d", code);
		wait_init(&s, "exit", status);
		if (spawn_start(worker->device, &s) <= 0 || s.result.status != code << 8)
			worker->wrong++;
	}
	return NULL;
}

/* Each waits for its own. */
TEST_F(spawn, several_threads)
{
	struct worker workers[THREADS] = {};
	sigset_t set;

	/* With a handler, every end would interrupt some other wait. */
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < THREADS; i++) {
		workers[i].device = self->device;
		workers[i].number = i;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	/* Without one, a thread that blocks it makes it reach the others. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].wrong);
	}
}

TEST_F(spawn, together_with_a_pidfd)
{
	struct pollfd poller = { .events = POLLIN };
	struct spawn s;

	wait_init(&s, "exit", "1");
	s.args.flags |= KSPAWN_PIDFD;
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(1 << 8, s.result.status);
	ASSERT_LE(0, s.result.pidfd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(s.result.pidfd, F_GETFD));
	poller.fd = s.result.pidfd;
	EXPECT_EQ(1, poll(&poller, 1, 0));
	EXPECT_EQ(-1, syscall(SYS_pidfd_send_signal, s.result.pidfd, 0, NULL, 0));
	EXPECT_EQ(ESRCH, errno);
}

/* Killed before it was a program. */
TEST_F(spawn, child_is_killed_early)
{
	pid_t caller, child;

	caller = assert_fork(_metadata);
	if (!caller) {
		struct spawn s;

		wait_init(&s, "exit", "0");
		spawn_hold(&s);
		_exit(spawn_start(self->device, &s) <= 0 || s.result.status != SIGKILL);
	}
	child = assert_sleeping_child(_metadata, caller);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(0, own_wait(caller));
}

TEST_F(spawn, needs_a_result)
{
	struct rusage usage;
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.flags = KSPAWN_WAIT;
	spawn_without_result(&s);
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
	spawn_init(&s, scratch_tiny);
	s.args.rusage = spawn_pointer(&usage);
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
}

TEST_HARNESS_MAIN
