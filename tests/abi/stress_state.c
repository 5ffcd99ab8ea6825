// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many threads that set the state of children, by one call and step by step, with
 * successes and failures: afterwards all is as it was before.
 */
#include "lib/builders.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define THREADS	8
#define ROUNDS	4000
#define WAYS	6

struct operator {
	pthread_t thread;
	int device;
	int namespace;
	int id;
	int count;
	int wrong;
	char first_wrong[128];
};

/* One operation of each sort: with numbers, with data, with descriptors, with own memory. */
static void add_states(struct spawn *s, const struct operator *o, unsigned int round)
{
	static const unsigned long mask[16] = { 1 };
	static const __u32 groups[] = { 7, 8, 9 };
	static const int kept[] = { 3, 9 };

	spawn_state(s, KSPAWN_ACTION_UMASK, 027, 0, 0);
	spawn_state(s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	spawn_state_data(s, KSPAWN_ACTION_GROUPS, groups, sizeof(groups));
	spawn_state_data(s, KSPAWN_ACTION_AFFINITY, mask, sizeof(mask));
	spawn_state(s, KSPAWN_ACTION_OOM_SCORE, 500, 0, 0);
	spawn_state(s, KSPAWN_ACTION_PRIORITY, 1, 0, 0);
	spawn_open(s, 9, "/dev/null", O_RDWR, 0);
	spawn_memfd(s, 10, "x", 1, 0);
	spawn_close_except(s, 8, 100, kept, 2);
	/* New namespaces take long to be freed. */
	if (round % 16 == 0)
		spawn_state(s, KSPAWN_ACTION_UNSHARE, CLONE_NEWUTS, 0, 0);
	spawn_state_fd(s, KSPAWN_ACTION_SETNS, o->namespace, CLONE_NEWUTS);
	spawn_chroot(s, AT_FDCWD, "/");
	spawn_state(s, KSPAWN_ACTION_PRCTL, 1000, PR_SET_TIMERSLACK, 0);
	spawn_state(s, KSPAWN_ACTION_RESGID, OWN_GROUP, OWN_GROUP, OWN_GROUP);
	spawn_state(s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	spawn_state(s, KSPAWN_ACTION_PDEATHSIG, SIGKILL, 0, 0);
	spawn_state(s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
}

static void note(struct operator *o, unsigned int way, const char *what, const struct spawn *s)
{
	if (!o->wrong++)
		snprintf(o->first_wrong, sizeof(o->first_wrong), "way %u, %s: %s, step %u, index %u",
			 way, what, strerrorname_np(errno), s->result.step, s->result.index);
}

static bool ends_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

/* In one call; one that fails at its last action. */
static void in_one_call(struct operator *o, unsigned int way, unsigned int round)
{
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	add_states(&s, o, round);
	if (way)
		spawn_state(&s, KSPAWN_ACTION_RESUID, 0, 0, 0);
	pid = spawn_start(o->device, &s);
	if (way ? pid != -1 || errno != EPERM || s.result.step != KSPAWN_STEP_ACTION :
		  pid < 0 || !ends_well(pid))
		note(o, way, "one call", &s);
}

/* Step by step; closed, or started, or mended after a failure and then started. */
static void by_a_builder(struct operator *o, unsigned int way, unsigned int round)
{
	struct spawn s;
	int builder, ret;

	plain_init(&s);
	builder = call(o->device, KSPAWN_IOC_BUILDER, &s);
	if (builder < 0)
		return note(o, way, "builder", &s);
	plain_init(&s);
	add_states(&s, o, round);
	if (apply(builder, &s))
		note(o, way, "apply", &s);
	if (way == 3) {
		plain_init(&s);
		spawn_state(&s, KSPAWN_ACTION_RESUID, 0, 0, 0);
		if (apply(builder, &s) != -1 || errno != EPERM)
			note(o, way, "apply that fails", &s);
		spawn_init(&s, "/no/such/program");
		if (start(builder, &s) != -1 || errno != ENOENT)
			note(o, way, "start that fails", &s);
	}
	if (way != 4) {
		spawn_init(&s, scratch_tiny);
		ret = start(builder, &s);
		if (ret <= 0 || !ends_well(ret))
			note(o, way, "start", &s);
	}
	close(builder);
}

static void *operate(void *argument)
{
	struct operator *o = argument;

	for (int i = 0; i < o->count; i++) {
		unsigned int way = (i + o->id) % WAYS;

		if (way < 2)
			in_one_call(o, way, i);
		else
			by_a_builder(o, way, i);
	}
	return NULL;
}

TEST_F(spawn, states_and_builders)
{
	struct operator operators[THREADS];
	int total = scratch_scale(ROUNDS), namespace, i;
	struct totals before, after;

	need_root(_metadata);
	/* For the children of builders, too. */
	namespace = assert_fd(_metadata, open("/proc/self/ns/uts", O_RDONLY));
	/* The first of each way fills caches. */
	operators[0] = (struct operator){
		.device = self->device, .namespace = namespace, .count = WAYS,
	};
	operate(&operators[0]);
	ASSERT_EQ(0, operators[0].wrong)
		TH_LOG("%s", operators[0].first_wrong);
	totals_take(&before);
	for (i = 0; i < THREADS; i++) {
		operators[i] = (struct operator){
			.device = self->device, .namespace = namespace, .id = i,
			.count = total / THREADS,
		};
		ASSERT_EQ(0, pthread_create(&operators[i].thread, NULL, operate, &operators[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(operators[i].thread, NULL));
		EXPECT_EQ(0, operators[i].wrong)
			TH_LOG("thread %d: %d, %s", i, operators[i].wrong,
			       operators[i].first_wrong);
	}
	totals_take(&after);
	expect_totals(_metadata, &before, &after, total);
	close(namespace);
}

TEST_HARNESS_MAIN
