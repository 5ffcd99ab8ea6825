// SPDX-License-Identifier: LGPL-2.1-or-later
/* SETPGROUP and SETSID. */
#include "lib/fixture.h"

TEST_F(spawn, group_and_session_are_inherited)
{
	struct report r;
	struct spawn s;

	report_init(_metadata, &s, &r);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(getpid(), report_stat(&r, 4));
	EXPECT_EQ(getpgrp(), report_stat(&r, 5));
	EXPECT_EQ(getsid(0), report_stat(&r, 6));
}

TEST_F(spawn, new_group)
{
	struct report r;
	struct spawn s;
	long long pid;

	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	expect_report(_metadata, self->device, &s, &r);
	pid = s.result.pid;
	EXPECT_EQ(pid, report_stat(&r, 5));
	EXPECT_EQ(getsid(0), report_stat(&r, 6));
}

static pid_t start_leader(struct __test_metadata *_metadata, int device)
{
	struct spawn s;

	spawn_init(&s, scratch_child);
	spawn_arg(&s, "child");
	spawn_arg(&s, "pause");
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	return expect_start(_metadata, device, &s);
}

static void end(struct __test_metadata *_metadata, pid_t pid)
{
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(SIGKILL, WTERMSIG(own_wait(pid)));
}

TEST_F(spawn, join_a_group)
{
	struct report r;
	struct spawn s;
	pid_t leader;

	leader = start_leader(_metadata, self->device);
	ASSERT_LT(0, leader);
	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = leader;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(leader, report_stat(&r, 5));
	end(_metadata, leader);
}

TEST_F(spawn, join_the_callers_group)
{
	struct report r;
	struct spawn s;

	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = getpgrp();
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(getpgrp(), report_stat(&r, 5));
}

/* The leader has gone, its group has not. */
TEST_F(spawn, join_a_group_without_its_leader)
{
	pid_t leader, member;
	struct report r;
	struct spawn s;

	leader = start_leader(_metadata, self->device);
	ASSERT_LT(0, leader);
	spawn_init(&s, scratch_child);
	spawn_arg(&s, "child");
	spawn_arg(&s, "pause");
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = leader;
	member = expect_start(_metadata, self->device, &s);
	ASSERT_LT(0, member);
	end(_metadata, leader);
	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = leader;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(leader, report_stat(&r, 5));
	end(_metadata, member);
}

TEST_F(spawn, group_that_is_none)
{
	static const int bad[] = { INT_MAX, 1 << 23 };
	struct spawn s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		s.args.pgroup = bad[i];
		expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
			       KSPAWN_ATTR_SETPGROUP);
	}
}

TEST_F(spawn, group_of_another_session)
{
	struct spawn s;
	pid_t other;

	spawn_init(&s, scratch_child);
	spawn_arg(&s, "child");
	spawn_arg(&s, "pause");
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	other = expect_start(_metadata, self->device, &s);
	ASSERT_LT(0, other);
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = other;
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(KSPAWN_STEP_ATTRIBUTE, s.result.step);
	EXPECT_EQ(KSPAWN_ATTR_SETPGROUP, s.result.index);
	end(_metadata, other);
}

TEST_F(spawn, negative_group)
{
	static const int bad[] = { -1, INT_MIN };
	struct spawn s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		s.args.pgroup = bad[i];
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ATTRIBUTE,
			       KSPAWN_ATTR_SETPGROUP);
		/* It comes before the program. */
		s.args.path = spawn_pointer("/no/such/program");
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ATTRIBUTE,
			       KSPAWN_ATTR_SETPGROUP);
	}
}

TEST_F(spawn, group_needs_its_flag)
{
	struct spawn s;

	spawn_init(&s, scratch_tiny);
	s.args.pgroup = getpgrp();
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_COPY,
		       KSPAWN_ARG_ATTRIBUTES);
}

TEST_F(spawn, new_session)
{
	struct report r;
	struct spawn s;
	long long pid;

	report_init(_metadata, &s, &r);
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
	struct spawn s;

	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_SETSID | KSPAWN_ATTR_SETPGROUP;
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
		       KSPAWN_ATTR_SETPGROUP);
	s.args.pgroup = getpgrp();
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
		       KSPAWN_ATTR_SETPGROUP);
}

/* A job: the whole group gets what is sent to it. */
TEST_F(spawn, group_is_signalled_as_one)
{
	pid_t leader, member;
	struct spawn s;

	leader = start_leader(_metadata, self->device);
	ASSERT_LT(0, leader);
	spawn_init(&s, scratch_child);
	spawn_arg(&s, "child");
	spawn_arg(&s, "pause");
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s.args.pgroup = leader;
	member = expect_start(_metadata, self->device, &s);
	ASSERT_LT(0, member);
	ASSERT_EQ(0, kill(-leader, SIGTERM));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(leader)));
	EXPECT_EQ(SIGTERM, WTERMSIG(own_wait(member)));
}

TEST_HARNESS_MAIN
