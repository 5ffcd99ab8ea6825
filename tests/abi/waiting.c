// SPDX-License-Identifier: LGPL-2.1-or-later
/* How a child is waited for: by its pid, with SIGCHLD ignored, by a pidfd. */
#include "lib/fixture.h"

#include <linux/wait.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

TEST_F(spawn, ends_with_sigchld)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "42");
	int status;
	pid_t pid = assert_start(_metadata, self->device, &s);

	EXPECT_EQ(pid, waitpid(-1, &status, 0));
	EXPECT_EQ(42, WEXITSTATUS(status));
	EXPECT_EQ(1, own_sigchld_count());
}

TEST_F(spawn, sigchld_says_who)
{
	siginfo_t info;
	sigset_t set;
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "9");
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	pid = expect_start(_metadata, self->device, &s);
	ASSERT_EQ(SIGCHLD, sigwaitinfo(&set, &info));
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(CLD_EXITED, info.si_code);
	EXPECT_EQ(9, info.si_status);
	EXPECT_EQ(9, WEXITSTATUS(own_wait(pid)));
}

TEST_F(spawn, exit_signal_is_sigchld_after_exec)
{
	DEFINE_REPORT(s, r);

	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(SIGCHLD, report_stat(&r, 38));
}

/*
 * NOSIGCHLD and WAITPID of Solaris would be an exit signal other than
 * SIGCHLD, which the first execve() of the program resets: there are no such flags.
 */
TEST_F(spawn, no_flag_for_an_exit_signal)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.attr_flags = 0x1000;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	s.args.attr_flags = 0x2000;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

/*
 * SIGCHLD ignored, or SA_NOCLDWAIT: a child's end leaves no zombie.  A start
 * that fails must know its reason all the same.
 */
static void expect_self_reaping(struct __test_metadata *_metadata, int device)
{
	unsigned int i, rounds = scratch_scale(50);
	struct spawn s;
	int status;
	pid_t pid;

	for (i = 0; i < rounds; i++) {
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 0, "/no/such/file", O_RDONLY, 0);
		expect_step(_metadata, device, &s, ENOENT, KSPAWN_STEP_ACTION);
		EXPECT_TRUE(own_no_child());
	}
	spawn_init(&s, scratch_tiny);
	pid = assert_start(_metadata, device, &s);
	/* Blocks until the child is gone, and finds no status. */
	EXPECT_EQ(-1, waitpid(pid, &status, 0));
	EXPECT_EQ(ECHILD, errno);
}

TEST_F(spawn, sigchld_ignored)
{
	ASSERT_NE(SIG_ERR, signal(SIGCHLD, SIG_IGN));
	expect_self_reaping(_metadata, self->device);
}

TEST_F(spawn, sigchld_without_zombies)
{
	struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };

	ASSERT_EQ(0, sigaction(SIGCHLD, &action, NULL));
	expect_self_reaping(_metadata, self->device);
}

static void *reap_plainly(void *found)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, 0);
		if (pid > 0)
			__atomic_fetch_add((int *)found, 1, __ATOMIC_RELAXED);
	} while (pid > 0 || errno == ECHILD || errno == EINTR);
	return NULL;
}

/* Another thread that waits for any child never sees one that did not start. */
TEST_F(spawn, failures_are_hidden_from_other_threads)
{
	unsigned int i, rounds = scratch_scale(400);
	int found = 0, before = own_sigchld_count();
	pthread_t reaper;
	struct spawn s;

	ASSERT_EQ(0, pthread_create(&reaper, NULL, reap_plainly, &found));
	for (i = 0; i < rounds; i++) {
		spawn_init(&s, scratch_tiny);
		spawn_dup2(&s, 99, 98);
		expect_errno(_metadata, self->device, &s, EBADF);
		spawn_init(&s, self->directory);
		spawn_chdir(&s, "/");
		expect_step(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC);
	}
	ASSERT_EQ(0, pthread_cancel(reaper));
	ASSERT_EQ(0, pthread_join(reaper, NULL));
	EXPECT_EQ(0, found);
	EXPECT_EQ(before, own_sigchld_count());
}

static void *reap_all_kinds(void *found)
{
	int status;

	for (;;)
		if (waitpid(-1, &status, __WALL) > 0)
			__atomic_fetch_add((int *)found, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* By whatever flags it waits. */
TEST_F(spawn, failures_are_hidden_whoever_waits)
{
	unsigned int i, rounds = scratch_scale(400);
	pthread_t reaper;
	struct spawn s;
	int found = 0;

	ASSERT_EQ(0, pthread_create(&reaper, NULL, reap_all_kinds, &found));
	for (i = 0; i < rounds; i++) {
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, 0);
		spawn_dup2(&s, 99, 98);
		s.args.flags = i % 2 ? KSPAWN_WAIT : 0;
		expect_step(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION);
		EXPECT_EQ(1, s.result.index);
		EXPECT_EQ(0, s.result.pid);
	}
	ASSERT_EQ(0, pthread_cancel(reaper));
	ASSERT_EQ(0, pthread_join(reaper, NULL));
	EXPECT_EQ(0, found);
	EXPECT_EQ(0, own_sigchld_count());
}

TEST_F(spawn, pidfd)
{
	struct pollfd poller = { .events = POLLIN };
	siginfo_t info = {};
	DEFINE_REPORT(s, r);
	char path[64];
	pid_t pid;
	int count = own_descriptor_count();

	s.args.flags = KSPAWN_PIDFD;
	pid = assert_start(_metadata, self->device, &s);
	ASSERT_LE(0, s.result.pidfd);
	EXPECT_EQ(count + 1, own_descriptor_count());
	EXPECT_EQ(FD_CLOEXEC, fcntl(s.result.pidfd, F_GETFD));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s.result.pidfd);
	EXPECT_EQ(0, access(path, R_OK));
	poller.fd = s.result.pidfd;
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&poller, 1, 60000)));
	EXPECT_EQ(0, waitid(P_PIDFD, s.result.pidfd, &info, WEXITED));
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(CLD_EXITED, info.si_code);
	EXPECT_EQ(0, info.si_status);
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2");
}

TEST_F(spawn, pidfd_names_the_child)
{
	char path[64], line[128];
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	FILE *file;
	pid_t pid;
	int named = 0;

	s.args.flags = KSPAWN_PIDFD;
	pid = assert_start(_metadata, self->device, &s);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s.result.pidfd);
	file = fopen(path, "re");
	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pid:", 4))
			named = atoi(line + 4);
	fclose(file);
	EXPECT_EQ(pid, named);
	EXPECT_EQ(0, syscall(SYS_pidfd_send_signal, s.result.pidfd, SIGTERM, NULL, 0));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(pid)));
}

/* expect_failure() counts the descriptors. */
TEST_F(spawn, pidfd_of_nobody)
{
	DEFINE_SPAWN(s, "/no/such/program");

	s.args.flags = KSPAWN_PIDFD;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_chdir(&s, "/");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
}

TEST_F(spawn, pidfd_without_room)
{
	struct rlimit limit = { .rlim_cur = 10, .rlim_max = 1024 };
	DEFINE_SPAWN(s, scratch_tiny);

	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < 9)
		;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	s.args.flags = KSPAWN_PIDFD;
	expect_step(_metadata, self->device, &s, EMFILE, KSPAWN_STEP_PIDFD);
	EXPECT_EQ(0, s.result.index);
	EXPECT_EQ(0, s.result.pid);
	EXPECT_EQ(-1, s.result.pidfd);
	EXPECT_TRUE(own_no_child());
	/* One is enough. */
	close(9);
	EXPECT_EQ(0, own_wait(expect_start(_metadata, self->device, &s)));
	EXPECT_EQ(9, s.result.pidfd);
}

/* It could not be told about the descriptor, so it is not given one. */
TEST_F(spawn, pidfd_without_a_result)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.flags = KSPAWN_PIDFD;
	spawn_without_result(&s);
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
}

/* The child has the main thread for its parent whoever called. */
struct call {
	int device;
	struct spawn s;
	pid_t pid;
};

static void *start(void *argument)
{
	struct call *call = argument;

	call->pid = spawn_start(call->device, &call->s);
	return NULL;
}

TEST_F(spawn, by_another_thread)
{
	struct call call;
	pthread_t thread;
	struct report r;

	call.device = self->device;
	report_init(_metadata, &call.s, &r);
	ASSERT_EQ(0, pthread_create(&thread, NULL, start, &call));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_LT(0, call.pid);
	EXPECT_EQ(0, own_wait(call.pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(getpid(), report_stat(&r, 4));
}

TEST_HARNESS_MAIN
