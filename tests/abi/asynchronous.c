// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asynchronous starts: what the call returns, and what the event tells. */
#include "lib/fixture.h"
#include "lib/held.h"

#include <poll.h>
#include <sys/wait.h>

static void expect_event(struct __test_metadata *_metadata, int completion, __u64 cookie,
			 pid_t pid, int error, __u32 step, __u32 index)
{
	struct kspawn_event event;

	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(cookie, event.cookie);
	EXPECT_EQ(pid, event.pid);
	EXPECT_EQ(error, event.error)
		TH_LOG("error is %s", strerrorname_np(event.error) ?: "0");
	EXPECT_EQ(step, event.step);
	EXPECT_EQ(index, event.index);
}

TEST_F(spawn, returns_before_the_program)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 4, 0));
	pid_t pid = assert_held(_metadata, self->device, completion, 0x1122334455667788);

	EXPECT_FALSE(completion_ready(completion, 200));
	/* It is a child like any other. */
	EXPECT_EQ(0, kill(pid, 0));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(getpid(), own_parent_of(pid));
	spawn_release();
	expect_event(_metadata, completion, 0x1122334455667788, pid, 0, KSPAWN_STEP_NONE, 0);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_FALSE(completion_ready(completion, 0));
}

/* A failure that the call finds by itself is told at once: there is no event. */
TEST_F(spawn, failures_before_there_is_a_child)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct spawn s;

	/* None of them keeps the one place that there is. */
	for (int i = 0; i < 20; i++) {
		spawn_init(&s, "/no/such/program");
		completion_use(&s, completion, i);
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
		spawn_init(&s, scratch_tiny);
		s.args.argv = 8;
		completion_use(&s, completion, i);
		expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_ARGV);
		spawn_init(&s, scratch_tiny);
		spawn_setcgroup(&s, 99);
		completion_use(&s, completion, i);
		expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
	}
	EXPECT_FALSE(completion_ready(completion, 50));
	completion_tiny(&s, completion, 7, false);
	expect_event(_metadata, completion, 7, expect_start(_metadata, self->device, &s), 0, 0, 0);
	EXPECT_LT(0, waitpid(-1, NULL, 0));
}

/* The start of @s fails in the child: nothing can be waited for once it is told. */
static void expect_late_failure(struct __test_metadata *_metadata, int device, struct spawn *s,
				int error, __u32 step, __u32 index)
{
	int completion = assert_fd(_metadata, completion_open(device, 1, 0));
	int sigchld = own_sigchld_count();
	pid_t pid;

	completion_use(s, completion, 11);
	pid = assert_start(_metadata, device, s);
	ASSERT_TRUE(completion_ready(completion, 60000));
	EXPECT_EQ(-1, waitpid(pid, NULL, WNOHANG | __WALL));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_TRUE(own_no_child());
	expect_event(_metadata, completion, 11, pid, error, step, index);
	EXPECT_EQ(sigchld, own_sigchld_count());
	close(completion);
}

TEST_F(spawn, failures_of_the_child)
{
	DEFINE_SPAWN(s, "/no/such/program");

	spawn_chdir(&s, "/");
	expect_late_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, "no-such-program");
	spawn_chdir(&s, "/");
	s.args.search = spawn_pointer("/bin:/nowhere");
	expect_late_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, self->directory);
	spawn_chdir(&s, "/");
	expect_late_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, scratch_tiny);
	spawn_close(&s, 0);
	spawn_dup2(&s, 99, 98);
	expect_late_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	spawn_init(&s, scratch_tiny);
	spawn_setpgroup(&s, 1);
	expect_late_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
			    KSPAWN_ATTR_SETPGROUP);
	ASSERT_EQ(0, scratch_file("script", "#!/no/such/interpreter\n", 23, 0755));
	spawn_init(&s, "./script");
	expect_late_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* The event is not too early: the failed child is nowhere to be seen. */
TEST_F(spawn, failures_leave_nothing)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	unsigned int i, rounds = scratch_scale(300);
	struct kspawn_event event;
	struct spawn s;

	for (i = 0; i < rounds; i++) {
		completion_tiny(&s, completion, i, true);
		ASSERT_LT(0, spawn_start(self->device, &s));
		ASSERT_EQ(sizeof(event), read(completion, &event, sizeof(event)));
		ASSERT_TRUE(own_no_child());
		ASSERT_EQ(i, event.cookie);
		ASSERT_EQ(EBADF, event.error);
	}
	EXPECT_EQ(0, own_sigchld_count());
}

/* As after fork(): a pid, and a wait status that tells. */
TEST_F(spawn, child_is_killed)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	pid_t pid = assert_held(_metadata, self->device, completion, 1);

	ASSERT_TRUE(own_wait_state(pid, 'S'));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	expect_event(_metadata, completion, 1, pid, 0, KSPAWN_STEP_NONE, 0);
	EXPECT_EQ(SIGKILL, own_wait(pid));
}

TEST_F(spawn, with_a_pidfd)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct pollfd poller = { .events = POLLIN };
	int stored = -1;
	__s32 number = -1;
	struct spawn s;
	pid_t pid;

	completion_hold(&s, completion, 1);
	s.args.flags |= KSPAWN_PIDFD;
	s.args.pidfd = spawn_pointer(&stored);
	s.args.pid = spawn_pointer(&number);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(pid, number);
	EXPECT_EQ(s.result.pidfd, stored);
	poller.fd = stored;
	EXPECT_EQ(0, poll(&poller, 1, 100));
	spawn_release();
	expect_event(_metadata, completion, 1, pid, 0, 0, 0);
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&poller, 1, 60000)));
	EXPECT_EQ(0, own_wait(pid));
	close(stored);
	/* It becomes readable when the start fails, too. */
	completion_tiny(&s, completion, 2, true);
	s.args.flags |= KSPAWN_PIDFD;
	pid = assert_start(_metadata, self->device, &s);
	poller.fd = s.result.pidfd;
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&poller, 1, 60000)));
	expect_event(_metadata, completion, 2, pid, EBADF, KSPAWN_STEP_ACTION, 0);
	EXPECT_EQ(-1, waitid(P_PIDFD, s.result.pidfd, &(siginfo_t){}, WEXITED | WNOHANG));
	EXPECT_EQ(ECHILD, errno);
}

/* No start waits for another one. */
TEST_F(spawn, many_at_a_time)
{
	enum { STARTS = 40 };
	int completion = assert_fd(_metadata, completion_open(self->device, STARTS, 0));
	struct kspawn_event event;
	bool seen[STARTS] = {};
	pid_t pids[STARTS];
	int i;

	for (i = 0; i < STARTS; i++)
		pids[i] = assert_held(_metadata, self->device, completion, i);
	/* Each opens the FIFO as soon as there is a writer. */
	i = open("fifo", O_WRONLY | O_CLOEXEC);
	for (int n = 0; n < STARTS; n++) {
		ASSERT_TRUE(completion_next(completion, &event));
		ASSERT_GT(STARTS, event.cookie);
		EXPECT_FALSE(seen[event.cookie]);
		seen[event.cookie] = true;
		EXPECT_EQ(pids[event.cookie], event.pid);
		EXPECT_EQ(0, event.error);
	}
	close(i);
	for (i = 0; i < STARTS; i++)
		EXPECT_EQ(0, own_wait(pids[i]));
}

/* The caller may change the memory of a request as soon as the call returns. */
TEST_F(spawn, request_is_not_needed_any_more)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct kspawn_event event;
	char argument[] = "first";
	DEFINE_REPORT(s, r);
	pid_t pid;

	spawn_arg(&s, "0");
	spawn_arg(&s, argument);
	spawn_hold(&s);
	completion_use(&s, completion, 5);
	pid = assert_start(_metadata, self->device, &s);
	memcpy(argument, "other", sizeof(argument));
	memset(&s, 0xa5, sizeof(s));
	spawn_release();
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(5, event.cookie);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_STREQ("first", report_arg(&r, 4));
}

/* The descriptors that the child has are those of the time of the call. */
TEST_F(spawn, descriptors_of_the_call)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct kspawn_event event;
	DEFINE_REPORT(s, r);
	pid_t pid;
	int fd;

	fd = fcntl(0, F_DUPFD, 20);
	spawn_hold(&s);
	completion_use(&s, completion, 5);
	pid = assert_start(_metadata, self->device, &s);
	close(fd);
	ASSERT_EQ(30, fcntl(0, F_DUPFD, 30));
	spawn_release();
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1 2 9 20");
}

static const struct {
	__u32 flags;
	bool completion;
	__u64 cookie;
	int error;
	__u32 index;
} wrong[] = {
	{ KSPAWN_ASYNC | KSPAWN_WAIT, true, 0, EINVAL, KSPAWN_ARG_ARGS },
	{ 0, true, 0, EINVAL, KSPAWN_ARG_ARGS },
	{ 0, false, 1, EINVAL, KSPAWN_ARG_ARGS },
	{ KSPAWN_WAIT, true, 0, EINVAL, KSPAWN_ARG_ARGS },
	{ KSPAWN_WAIT, false, 1, EINVAL, KSPAWN_ARG_ARGS },
	/* Descriptor 0, which is none of these. */
	{ KSPAWN_ASYNC, false, 0, EBADF, KSPAWN_ARG_COMPLETION },
};

TEST_F(spawn, wrong_combinations)
{
	int completion = assert_fd(_metadata, completion_open(self->device, 1, 0));
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		spawn_init(&s, scratch_tiny);
		s.args.flags = wrong[i].flags;
		s.args.completion = wrong[i].completion ? completion : 0;
		s.args.cookie = wrong[i].cookie;
		expect_request_failure(_metadata, self->device, &s, wrong[i].error, wrong[i].index);
	}
	EXPECT_FALSE(completion_ready(completion, 50));
}

TEST_F(spawn, no_completion_descriptor)
{
	const int bad[] = { -1, 99, INT_MAX, INT_MIN, self->device };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		completion_tiny(&s, bad[i], 1, false);
		expect_request_failure(_metadata, self->device, &s, EBADF, KSPAWN_ARG_COMPLETION);
	}
}

TEST_HARNESS_MAIN
