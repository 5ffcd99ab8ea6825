// SPDX-License-Identifier: LGPL-2.1-or-later
/* SETSCHEDULER and SETSCHEDPARAM. */
#include "lib/fixture.h"

#include <sched.h>
#include <sys/resource.h>

static void expect_scheduling(struct __test_metadata *_metadata, const struct report *r,
			      int policy, int priority)
{
	const char *seen = report_section(r, "scheduling", NULL);
	char expected[64];
	int n;

	n = snprintf(expected, sizeof(expected), "policy %d priority %d nice", policy, priority);
	ASSERT_NE(NULL, seen);
	EXPECT_EQ(0, strncmp(expected, seen, n))
		TH_LOG("expected %s, seen %s", expected, seen);
}

TEST_F(spawn, policy_and_priority)
{
	static const struct {
		int policy;
		int priority;
	} cases[] = {
		{ SCHED_FIFO, 1 }, { SCHED_FIFO, 99 }, { SCHED_RR, 7 },
		{ SCHED_BATCH, 0 }, { SCHED_IDLE, 0 }, { SCHED_OTHER, 0 },
		{ SCHED_RR | SCHED_RESET_ON_FORK, 3 }, { SCHED_OTHER | SCHED_RESET_ON_FORK, 0 },
	};
	struct report r;
	struct spawn s;

	need_root(_metadata);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		report_init(_metadata, &s, &r);
		spawn_setscheduler(&s, cases[i].policy, cases[i].priority);
		expect_report(_metadata, self->device, &s, &r);
		expect_scheduling(_metadata, &r, cases[i].policy, cases[i].priority);
	}
	EXPECT_EQ(SCHED_OTHER, sched_getscheduler(0));
}

TEST_F(spawn, priority_alone_keeps_the_policy)
{
	struct sched_param param = { .sched_priority = 10 };
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_RR, &param));
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
	s.args.sched_priority = 20;
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_RR, 20);
	ASSERT_EQ(0, sched_getparam(0, &param));
	EXPECT_EQ(10, param.sched_priority);
}

/* With both flags, the policy comes with its priority: glibc's rule. */
TEST_F(spawn, both_flags)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDULER | KSPAWN_ATTR_SETSCHEDPARAM;
	s.args.sched_policy = SCHED_FIFO;
	s.args.sched_priority = 4;
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_FIFO, 4);
}

TEST_F(spawn, inherited_without_flags)
{
	struct sched_param param = { .sched_priority = 10 };
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_RR, &param));
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_RR, 10);

	ASSERT_EQ(0, sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param));
	report_init(_metadata, &s, &r);
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_OTHER, 0);
}

TEST_F(spawn, invalid_values)
{
	static const struct {
		int policy;
		int priority;
	} cases[] = {
		{ SCHED_FIFO, 0 }, { SCHED_FIFO, 100 }, { SCHED_FIFO, -1 },
		{ SCHED_FIFO, INT_MAX }, { SCHED_RR, INT_MIN }, { SCHED_OTHER, 1 },
		{ SCHED_BATCH, 1 }, { SCHED_IDLE, -1 }, { -1, 0 }, { 4, 0 }, { 99, 0 },
		{ INT_MAX, 0 }, { INT_MIN, 0 }, { SCHED_DEADLINE, 0 },
	};
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_setscheduler(&s, cases[i].policy, cases[i].priority);
		expect_attribute_failure(_metadata, self->device, &s, EINVAL,
					 KSPAWN_ATTR_SETSCHEDULER);
		/* With both flags it is the policy that is told of. */
		s.args.attr_flags |= KSPAWN_ATTR_SETSCHEDPARAM;
		expect_attribute_failure(_metadata, self->device, &s, EINVAL,
					 KSPAWN_ATTR_SETSCHEDULER);
	}
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
	s.args.sched_priority = 1;
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_SETSCHEDPARAM);
}

TEST_F(spawn, real_time_needs_privilege)
{
	struct rlimit limit = { .rlim_cur = 10, .rlim_max = 10 };
	struct report r;
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	ASSERT_EQ(0, setrlimit(RLIMIT_RTPRIO, &limit));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_setscheduler(&s, SCHED_FIFO, 11);
	expect_attribute_failure(_metadata, self->device, &s, EPERM, KSPAWN_ATTR_SETSCHEDULER);
	/* RLIMIT_RTPRIO is permission enough up to its value. */
	report_init(_metadata, &s, &r);
	spawn_setscheduler(&s, SCHED_FIFO, 10);
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_FIFO, 10);
}

/* Scheduling comes before RESETIDS: the privilege is still there. */
TEST_F(spawn, before_the_ids_are_reset)
{
	unsigned int ids[4];
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, setresuid(OWN_USER, 0, 0));
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDULER | KSPAWN_ATTR_RESETIDS;
	s.args.sched_policy = SCHED_FIFO;
	s.args.sched_priority = 2;
	expect_report(_metadata, self->device, &s, &r);
	expect_scheduling(_metadata, &r, SCHED_FIFO, 2);
	ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
	EXPECT_EQ(OWN_USER, ids[1]);
}

TEST_F(spawn, values_need_their_flags)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.sched_policy = SCHED_FIFO;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	spawn_init(&s, scratch_tiny);
	s.args.sched_priority = 1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_SETSCHEDPARAM;
	s.args.sched_policy = SCHED_FIFO;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

TEST_HARNESS_MAIN
