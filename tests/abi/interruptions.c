// SPDX-License-Identifier: LGPL-2.1-or-later
/* Signals that come faster than a large request can be copied. */
#include "lib/fixture.h"

#include <sys/resource.h>
#include <sys/time.h>

#define LIMIT_MS	30000

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

static void every_millisecond(struct __test_metadata *_metadata)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval timer = { { .tv_usec = 1000 }, { .tv_usec = 1000 } };

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
}

TEST_F(spawn, many_arguments)
{
	const size_t count = 16, size = 100 << 10;
	const char *list[17] = {};
	unsigned long long begun;
	struct rlimit limit;
	struct spawn s;
	size_t i;

	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = 8 << 20;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
	for (i = 0; i < count; i++) {
		list[i] = spawn_string(size, 'a');
		ASSERT_NE(NULL, list[i]);
	}
	every_millisecond(_metadata);
	begun = own_clock_ms();
	for (i = 0; i < 5; i++) {
		spawn_init(&s, scratch_tiny);
		s.args.argv = spawn_pointer(list);
		expect_exit(_metadata, self->device, &s, 0);
	}
	EXPECT_LT(own_clock_ms() - begun, LIMIT_MS);
	EXPECT_LT(0, ticks);
}

TEST_F(spawn, many_actions)
{
	const unsigned int count = KSPAWN_ACTIONS_MAX;
	struct kspawn_action *actions = calloc(count, sizeof(*actions));
	unsigned long long begun;
	struct spawn s;
	unsigned int i;

	ASSERT_NE(NULL, actions);
	for (i = 0; i < count; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 50 + i % 100;
	}
	every_millisecond(_metadata);
	begun = own_clock_ms();
	spawn_init(&s, scratch_tiny);
	s.args.actions = spawn_pointer(actions);
	s.args.action_count = count;
	s.args.action_size = sizeof(*actions);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_LT(own_clock_ms() - begun, LIMIT_MS);
	free(actions);
}

/* No file is made twice because the caller was interrupted. */
TEST_F(spawn, exclusive_creation)
{
	unsigned int i, rounds = scratch_scale(200);

	every_millisecond(_metadata);
	for (i = 0; i < rounds; i++) {
		struct spawn s;
		char name[32];

		snprintf(name, sizeof(name), "new%u", i);
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 9, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		expect_exit(_metadata, self->device, &s, 0);
	}
}

TEST_HARNESS_MAIN
