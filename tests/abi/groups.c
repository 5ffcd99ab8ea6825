// SPDX-License-Identifier: LGPL-2.1-or-later
/* SETPGROUP and SETSID. */
#include "lib/fixture.h"

TEST_F(spawn, group_and_session_are_inherited)
{
	DEFINE_REPORT(s, r);

	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(getpid(), report_stat(&r, 4));
	EXPECT_EQ(getpgrp(), report_stat(&r, 5));
	EXPECT_EQ(getsid(0), report_stat(&r, 6));
}

TEST_F(spawn, new_group)
{
	DEFINE_REPORT(s, r);
	long long pid;

	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	expect_report(_metadata, self->device, &s, &r);
	pid = s.result.pid;
	EXPECT_EQ(pid, report_stat(&r, 5));
	EXPECT_EQ(getsid(0), report_stat(&r, 6));
}

static pid_t start_leader(struct __test_metadata *_metadata, int device)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	return expect_start(_metadata, device, &s);
}

static void end(struct __test_metadata *_metadata, pid_t pid)
{
	expect_killed(_metadata, pid);
}

TEST_F(spawn, join_a_group)
{
	DEFINE_REPORT(s, r);
	pid_t leader = start_leader(_metadata, self->device);

	ASSERT_LT(0, leader);
	spawn_setpgroup(&s, leader);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(leader, report_stat(&r, 5));
	end(_metadata, leader);
}

TEST_F(spawn, join_the_callers_group)
{
	DEFINE_REPORT(s, r);

	spawn_setpgroup(&s, getpgrp());
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(getpgrp(), report_stat(&r, 5));
}

/* The leader has gone, its group has not. */
TEST_F(spawn, join_a_group_without_its_leader)
{
	pid_t leader, member;
	struct report r;
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	leader = start_leader(_metadata, self->device);
	ASSERT_LT(0, leader);
	spawn_setpgroup(&s, leader);
	member = assert_start(_metadata, self->device, &s);
	end(_metadata, leader);
	report_init(_metadata, &s, &r);
	spawn_setpgroup(&s, leader);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(leader, report_stat(&r, 5));
	end(_metadata, member);
}

TEST_F(spawn, group_that_is_none)
{
	static const int bad[] = { INT_MAX, 1 << 23 };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_setpgroup(&s, bad[i]);
		expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
	}
}

TEST_F(spawn, group_of_another_session)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	pid_t other;

	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	other = assert_start(_metadata, self->device, &s);
	spawn_init(&s, scratch_tiny);
	spawn_setpgroup(&s, other);
	expect_step(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ATTRIBUTE);
	EXPECT_EQ(KSPAWN_ATTR_SETPGROUP, s.result.index);
	end(_metadata, other);
}

TEST_F(spawn, negative_group)
{
	static const int bad[] = { -1, INT_MIN };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_setpgroup(&s, bad[i]);
		expect_attribute_failure(_metadata, self->device, &s, EINVAL,
					 KSPAWN_ATTR_SETPGROUP);
		/* It comes before the program. */
		s.args.path = spawn_pointer("/no/such/program");
		expect_attribute_failure(_metadata, self->device, &s, EINVAL,
					 KSPAWN_ATTR_SETPGROUP);
	}
}

TEST_F(spawn, group_needs_its_flag)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.pgroup = getpgrp();
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

TEST_F(spawn, new_session)
{
	DEFINE_REPORT(s, r);
	long long pid;

	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	expect_report(_metadata, self->device, &s, &r);
	pid = s.result.pid;
	EXPECT_EQ(pid, report_stat(&r, 5));
	EXPECT_EQ(pid, report_stat(&r, 6));
	EXPECT_EQ(0, report_stat(&r, 7));
	EXPECT_EQ(-1, report_stat(&r, 8));
}

/* The session comes first, and its leader may change to no group: EPERM. */
TEST_F(spawn, session_and_group)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.attr_flags = KSPAWN_ATTR_SETSID | KSPAWN_ATTR_SETPGROUP;
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
	s.args.pgroup = getpgrp();
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETPGROUP);
}

/* A job: the whole group gets what is sent to it. */
TEST_F(spawn, group_is_signalled_as_one)
{
	pid_t leader, member;
	DEFINE_SPAWN(s, scratch_child, "child", "pause");

	leader = start_leader(_metadata, self->device);
	ASSERT_LT(0, leader);
	spawn_setpgroup(&s, leader);
	member = assert_start(_metadata, self->device, &s);
	ASSERT_EQ(0, kill(-leader, SIGTERM));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(leader)));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(member)));
}

TEST_HARNESS_MAIN
