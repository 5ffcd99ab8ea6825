// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program, or a file of an action, in a file system that hangs, whose server
 * dies, or that is replaced meanwhile: only the caller waits, and all ends well
 * when the file system does, one way or the other.
 */
#include "lib/fixture.h"
#include "lib/fuse_server.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>


/* The operation that hangs, and in whom. */
FIXTURE_VARIANT(spawn)
{
	const char *operation;
	bool by_action;		/* opened by a file action; else the program */
	bool unsettled;		/* the program is looked up by the child only */
};

FIXTURE_VARIANT_ADD(spawn, lookup_by_the_caller) { .operation = "lookup" };
FIXTURE_VARIANT_ADD(spawn, lookup_by_the_child) { .operation = "lookup", .unsettled = true };
FIXTURE_VARIANT_ADD(spawn, open_in_exec) { .operation = "open" };
FIXTURE_VARIANT_ADD(spawn, read_in_exec) { .operation = "read" };
FIXTURE_VARIANT_ADD(spawn, lookup_of_an_action) { .operation = "lookup", .by_action = true };
FIXTURE_VARIANT_ADD(spawn, open_of_an_action) { .operation = "open", .by_action = true };

/* A caller in a process of its own; exits with its errno, or with 0 if the child did. */
static pid_t call(int device, bool by_action, bool unsettled)
{
	pid_t caller = fork(), pid;
	struct spawn s;
	int status;

	if (caller)
		return caller;
	spawn_init(&s, by_action ? scratch_tiny : "there/program");
	if (unsettled)
		spawn_chdir(&s, ".");
	if (by_action)
		spawn_open(&s, 9, "there/program", O_RDONLY, 0);
	pid = spawn_start(device, &s);
	if (pid < 0) {
		status = errno;
		_exit(own_no_child() && s.result.error == status &&
		      s.result.step == (by_action ? KSPAWN_STEP_ACTION : KSPAWN_STEP_EXEC) ?
		      status : 255);
	}
	status = own_wait(pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 254);
}

/* Others start programs, meanwhile. */
static void expect_others_go_on(struct __test_metadata *_metadata, int device)
{
	struct spawn s;

	for (unsigned int i = 0; i < 10; i++) {
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		expect_exit(_metadata, device, &s, 0);
	}
}

TEST_F(spawn, hangs_for_a_while)
{
	struct fuse_server server;
	pid_t caller;
	int status;

	if (!fuse_server_begin(&server, variant->operation))
		SKIP(return, FUSE_NEEDED);
	caller = call(self->device, variant->by_action, variant->unsettled);
	ASSERT_TRUE(fuse_server_hangs(&server));
	expect_others_go_on(_metadata, self->device);
	EXPECT_EQ(0, waitpid(caller, &status, WNOHANG));
	ASSERT_EQ(0, fuse_server_go_on(&server));
	EXPECT_EQ(0, own_wait(caller));
	fuse_server_end(&server);
}

TEST_F(spawn, server_is_killed)
{
	long before = totals_number(TOTALS_IN_FLIGHT);
	struct fuse_server server;
	pid_t caller;
	int error;

	if (!fuse_server_begin(&server, variant->operation))
		SKIP(return, FUSE_NEEDED);
	caller = call(self->device, variant->by_action, variant->unsettled);
	ASSERT_TRUE(fuse_server_hangs(&server));
	ASSERT_EQ(0, kill(server.pid, SIGKILL));
	error = own_wait_exit(caller);
	EXPECT_TRUE(error == ENOTCONN || error == ECONNABORTED || error == EIO)
		TH_LOG("%s", strerrorname_np(error));
	/* And from now on it is not connected. */
	caller = call(self->device, variant->by_action, variant->unsettled);
	EXPECT_EQ(ENOTCONN, own_wait_exit(caller));
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before, TOTALS_SETTLE_MS));
	fuse_server_end(&server);
}

/* The file system is taken away while a start is in it, and another put there. */
TEST_F(spawn, replaced_meanwhile)
{
	struct fuse_server server;
	DEFINE_SPAWN(s, "there/program", "program", "exit", "7");
	pid_t caller;

	if (!fuse_server_begin(&server, variant->operation))
		SKIP(return, FUSE_NEEDED);
	caller = call(self->device, variant->by_action, variant->unsettled);
	ASSERT_TRUE(fuse_server_hangs(&server));
	ASSERT_EQ(0, umount2("there", MNT_DETACH));
	ASSERT_EQ(0, mount("none", "there", "tmpfs", 0, NULL));
	ASSERT_EQ(0, scratch_copy_child("there/program", 0755));
	/* The new one is what others get. */
	expect_exit(_metadata, self->device, &s, 7);
	ASSERT_EQ(0, fuse_server_go_on(&server));
	if (!variant->by_action && !strcmp(variant->operation, "lookup") && !variant->unsettled) {
		/* Found in the old one by the caller, executed in the new one by the child. */
		int error = own_wait_exit(caller);

		EXPECT_TRUE(error >= 0 && error != 255)
			TH_LOG("%d", error);
	} else {
		EXPECT_EQ(0, own_wait(caller));
	}
	ASSERT_EQ(0, umount2("there", MNT_DETACH));
	fuse_server_end(&server);
}

/*
 * Nobody waits for a caller that is killed.  A task that hangs in the file system
 * hangs there as any process would, and is gone when the server answers or dies.
 */
TEST_F(spawn, caller_is_killed)
{
	bool kill_server = !strcmp(variant->operation, "open");
	long before = totals_number(TOTALS_IN_FLIGHT);
	struct fuse_server server;
	pid_t caller;
	int status;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!fuse_server_begin(&server, variant->operation))
		SKIP(return, FUSE_NEEDED);
	caller = call(self->device, variant->by_action, variant->unsettled);
	ASSERT_TRUE(fuse_server_hangs(&server));
	ASSERT_EQ(0, kill(caller, SIGKILL));
	/* It is not the caller but its child that the file system has, mostly. */
	if (variant->by_action || variant->unsettled || strcmp(variant->operation, "lookup"))
		EXPECT_EQ(SIGKILL, own_wait(caller));
	expect_others_go_on(_metadata, self->device);
	ASSERT_LE(0, kill_server ? kill(server.pid, SIGKILL) : fuse_server_go_on(&server));
	EXPECT_TRUE(totals_settle(TOTALS_IN_FLIGHT, before, TOTALS_SETTLE_MS));
	fuse_server_end(&server);
	while (waitpid(-1, &status, __WALL) > 0)
		;
}

TEST_F(spawn, child_is_killed)
{
	struct fuse_server server;
	pid_t caller, child;

	if (!variant->by_action && !variant->unsettled && !strcmp(variant->operation, "lookup"))
		SKIP(return, "there is no child yet");
	if (!fuse_server_begin(&server, variant->operation))
		SKIP(return, FUSE_NEEDED);
	caller = call(self->device, variant->by_action, variant->unsettled);
	ASSERT_TRUE(fuse_server_hangs(&server));
	child = own_wait_child_of(caller);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(0, fuse_server_go_on(&server));
	/* Killed before it was a program: a pid, and that wait status. */
	EXPECT_EQ(254, own_wait_exit(caller));
	fuse_server_end(&server);
}

TEST_HARNESS_MAIN
