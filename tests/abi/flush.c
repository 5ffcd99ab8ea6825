// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A child that failed closes what it has, and that hangs, in FLUSH of a file in
 * user space: its caller has its answer by then, and can be killed.
 */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#define NO_FUSE		"needs root and FUSE"
#define REQUESTS	"/sys/class/misc/kspawn/stats/in_flight"
#define SETTLE_MS	20000

struct server {
	pid_t pid;
	int say;
	int hear;
};

static bool heard(const struct server *server, char what)
{
	struct pollfd ready = { .fd = server->hear, .events = POLLIN };
	char byte;
	int got;

	/* The end of a caller interrupts it; then it waits from the start. */
	do {
		got = poll(&ready, 1, 60000);
	} while (got < 0 && errno == EINTR);
	return got == 1 && read(server->hear, &byte, 1) == 1 && byte == what;
}

/* The file system at "there", in the working directory; false if there is no FUSE. */
static bool serve(struct server *server)
{
	char program[PATH_MAX];
	int to[2], from[2];

	if (geteuid() || access("/dev/fuse", R_OK | W_OK) ||
	    scratch_helper("fuse_server", program, sizeof(program)))
		return false;
	if (mkdir("there", 0755) || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	server->pid = fork();
	if (!server->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(program, "fuse_server", "there", scratch_tiny, "flush", NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	server->say = to[1];
	server->hear = from[0];
	return server->pid > 0 && heard(server, 'r');
}

static void end_server(struct server *server)
{
	umount2("there", MNT_DETACH);
	kill(server->pid, SIGKILL);
	own_wait(server->pid);
}

/* A start that fails when its child has a file open that hangs as it is closed. */
static void failing_init(struct spawn *s)
{
	spawn_init(s, scratch_tiny);
	spawn_open(s, 9, "there/program", O_RDONLY, 0);
	spawn_dup2(s, 99, 98);
}

/* A caller in a process of its own; exits with its errno. */
static pid_t call(int device, struct spawn *s)
{
	pid_t caller = fork();
	int error;

	if (caller)
		return caller;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	error = spawn_start(device, s) < 0 ? errno : 0;
	_exit(s->result.step == KSPAWN_STEP_ACTION && own_no_child() ? error : 255);
}

/* Whether the caller ends while the server hangs; it is killed if not. */
static bool ends_by_itself(pid_t caller, int *status)
{
	unsigned long long end = own_clock_ms() + 10000;

	while (own_clock_ms() < end) {
		if (waitpid(caller, status, WNOHANG) == caller)
			return true;
		own_sleep_ms(10);
	}
	return false;
}

TEST_F(spawn, caller_has_its_answer)
{
	static const __u32 flags[] = { 0, KSPAWN_PIDFD, KSPAWN_WAIT };
	long before = totals_number(REQUESTS);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct server server;
		int status = -1;
		pid_t caller;
		struct spawn s;

		if (!serve(&server))
			SKIP(return, NO_FUSE);
		failing_init(&s);
		s.args.flags = flags[i];
		caller = call(self->device, &s);
		/* The child is at it. */
		ASSERT_TRUE(heard(&server, 'h'));
		EXPECT_TRUE(ends_by_itself(caller, &status));
		EXPECT_EQ(EBADF, WEXITSTATUS(status));
		ASSERT_EQ(1, write(server.say, "", 1));
		EXPECT_TRUE(totals_settle(REQUESTS, before, SETTLE_MS));
		end_server(&server);
		ASSERT_EQ(0, rmdir("there"));
	}
}

TEST_F(spawn, event_is_told)
{
	int completion = completion_open(self->device, 1, 0);
	struct kspawn_event event;
	struct server server;
	struct spawn s;
	pid_t pid;

	ASSERT_LE(0, completion);
	if (!serve(&server))
		SKIP(return, NO_FUSE);
	failing_init(&s);
	completion_use(&s, completion, 1);
	pid = expect_start(_metadata, self->device, &s);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(heard(&server, 'h'));
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(EBADF, event.error);
	ASSERT_EQ(1, write(server.say, "", 1));
	end_server(&server);
}

/* A close action hangs; the caller waits for that, until it is killed. */
TEST_F(spawn, caller_is_killed)
{
	long before = totals_number(REQUESTS);
	struct server server;
	int status = -1;
	pid_t caller;
	struct spawn s;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!serve(&server))
		SKIP(return, NO_FUSE);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "there/program", O_RDONLY, 0);
	spawn_close(&s, 9);
	spawn_dup2(&s, 99, 98);
	caller = call(self->device, &s);
	ASSERT_TRUE(heard(&server, 'h'));
	EXPECT_EQ(0, waitpid(caller, &status, WNOHANG));
	ASSERT_EQ(0, kill(caller, SIGKILL));
	EXPECT_TRUE(ends_by_itself(caller, &status));
	EXPECT_EQ(SIGKILL, status);
	ASSERT_EQ(1, write(server.say, "", 1));
	EXPECT_TRUE(totals_settle(REQUESTS, before, SETTLE_MS));
	end_server(&server);
	while (waitpid(-1, &status, __WALL) > 0)
		;
}

/* One that fails afterwards, and the caller is killed meanwhile. */
TEST_F(spawn, caller_of_a_failed_child_is_killed)
{
	long before = totals_number(REQUESTS);
	struct server server;
	pid_t caller;
	struct spawn s;

	if (!serve(&server))
		SKIP(return, NO_FUSE);
	failing_init(&s);
	caller = fork();
	ASSERT_LE(0, caller);
	if (!caller) {
		for (;;)
			spawn_start(self->device, &s);
	}
	ASSERT_TRUE(heard(&server, 'h'));
	ASSERT_EQ(0, kill(caller, SIGKILL));
	EXPECT_EQ(SIGKILL, own_wait(caller));
	ASSERT_EQ(1, write(server.say, "", 1));
	EXPECT_TRUE(totals_settle(REQUESTS, before, SETTLE_MS));
	end_server(&server);
}

/*
 * The same, and the caller hangs as it ends: the child that fails then has a parent
 * still, and is none of the process that takes over the children.
 */
TEST_F(spawn, caller_hangs_as_it_dies)
{
	struct server server;
	pid_t caller, child;
	int status, writer;
	struct spawn s;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!serve(&server))
		SKIP(return, NO_FUSE);
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "fifo", O_RDONLY, 0);
	spawn_dup2(&s, 99, 98);
	caller = fork();
	ASSERT_LE(0, caller);
	if (!caller) {
		if (open("there/program", O_RDONLY | O_CLOEXEC) < 0)
			_exit(1);
		spawn_start(self->device, &s);
		_exit(2);
	}
	child = own_wait_child_of(caller);
	ASSERT_LT(0, child);
	ASSERT_TRUE(own_wait_state(child, 'S'));
	ASSERT_EQ(0, kill(caller, SIGKILL));
	ASSERT_TRUE(heard(&server, 'h'));
	EXPECT_EQ(caller, own_parent_of(child));
	/* It goes on, and fails. */
	writer = open("fifo", O_WRONLY | O_CLOEXEC);
	while (!kill(child, 0))
		own_sleep_ms(10);
	close(writer);
	ASSERT_EQ(1, write(server.say, "", 1));
	EXPECT_EQ(SIGKILL, own_wait(caller));
	end_server(&server);
	EXPECT_EQ(-1, waitpid(-1, &status, __WALL));
	EXPECT_EQ(ECHILD, errno);
}

TEST_HARNESS_MAIN
