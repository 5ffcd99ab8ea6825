// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The module stays while it is in use: by an open device or completion descriptor,
 * and by a child that still runs its code when nobody has one open any more.
 * tests/guest/unload.sh does what is left: it unloads.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/held.h"
#include "lib/module.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>


static void expect_refused(struct __test_metadata *_metadata)
{
	EXPECT_EQ(-1, module_remove("kspawn"));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY)
		TH_LOG("%m");
}

TEST_F(spawn, refused_while_the_device_is_open)
{
	need_root(_metadata);
	EXPECT_LE(1, totals_number(TOTALS_REFERENCES));
	expect_refused(_metadata);
}

TEST_F(spawn, refused_while_a_completion_descriptor_is_open)
{
	int completion = completion_open(self->device, 1, 0);
	struct kspawn_event event;
	int idle;
	pid_t pid;

	need_root(_metadata);
	ASSERT_LE(0, completion);
	idle = totals_number(TOTALS_REFERENCES) - 2;
	pid = assert_held(_metadata, self->device, completion, 1);
	close(self->device);
	expect_refused(_metadata);
	spawn_release();
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle + 1, TOTALS_SETTLE_MS));
	expect_refused(_metadata);
	/* The device need not be there for what it has told. */
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(pid, event.pid);
	EXPECT_EQ(0, event.error);
	close(completion);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
}

/* Asynchronous: the caller goes on, and has nothing of the module open. */
TEST_F(spawn, refused_while_an_asynchronous_start_is_under_way)
{
	int completion = completion_open(self->device, 1, 0);
	int idle;
	pid_t pid;

	need_root(_metadata);
	ASSERT_LE(0, completion);
	idle = totals_number(TOTALS_REFERENCES) - 2;
	pid = assert_held(_metadata, self->device, completion, 1);
	ASSERT_TRUE(own_wait_state(pid, 'S'));
	close(completion);
	close(self->device);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle + 1, TOTALS_SETTLE_MS));
	expect_refused(_metadata);
	spawn_release();
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
}

TEST_F(spawn, refused_while_a_child_is_starting)
{
	pid_t caller, child;
	DEFINE_REPORT(s, r);
	int idle, status;

	need_root(_metadata);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	idle = totals_number(TOTALS_REFERENCES) - 1;
	ASSERT_LE(0, idle);
	spawn_hold(&s);
	caller = assert_fork(_metadata);
	if (!caller) {
		spawn_start(self->device, &s);
		_exit(99);
	}
	close(self->device);
	child = assert_sleeping_child(_metadata, caller);
	expect_refused(_metadata);

	/* The device is closed with the caller; the child alone is left. */
	ASSERT_EQ(0, kill(caller, SIGKILL));
	own_wait(caller);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle + 1, TOTALS_SETTLE_MS));
	expect_refused(_metadata);

	spawn_release();
	EXPECT_EQ(child, waitpid(-1, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, report_load(&r));
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
}

/* By its descriptor, and by the child that waits in the module's code. */
TEST_F(spawn, refused_while_a_builder_waits)
{
	struct kspawn_args args = { .size = sizeof(args) };
	int builder, idle;

	need_root(_metadata);
	idle = totals_number(TOTALS_REFERENCES) - 1;
	builder = ioctl(self->device, KSPAWN_IOC_BUILDER, &args);
	ASSERT_LE(3, builder);
	close(self->device);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle + 2, TOTALS_SETTLE_MS));
	expect_refused(_metadata);
	close(builder);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
}

/* A program that has started needs the module no more. */
TEST_F(spawn, not_held_by_programs)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int idle = totals_number(TOTALS_REFERENCES) - 1;
	pid_t pid = assert_start(_metadata, self->device, &s);

	close(self->device);
	EXPECT_TRUE(totals_settle(TOTALS_REFERENCES, idle, TOTALS_SETTLE_MS));
	expect_killed(_metadata, pid);
}

TEST_HARNESS_MAIN
