// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many starts at once, good and bad, by all three calls, while other threads open
 * and close and another process executes: afterwards all is as it was before.
 */
#include "lib/completion.h"
#include "lib/dispatch.h"
#include "lib/fixture.h"
#include "lib/kinds.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>

#define SPAWNERS	8
/* KSPAWN_TEST_SCALE says otherwise; nightly it is ten times as many. */
#define SPAWNS		4000
/* KSPAWN_ROW_COUNT says otherwise; nightly it is a million. */
#define IN_A_ROW	4000
#define MEDDLERS	2

/* @shared is for asynchronous starts; without it, @completion. */
struct spawner {
	pthread_t thread;
	struct dispatch *shared;
	int device;
	int completion;
	int id;
	int count;
	int wrong;
	char first_wrong[128];
};

static void note_wrong(struct spawner *sp, unsigned int kind, enum call call,
		       const struct outcome *o)
{
	if (!sp->wrong++)
		snprintf(sp->first_wrong, sizeof(sp->first_wrong),
			 "kind %u, call %u: pid %d, %s, step %u, wait status %#x", kind, call, o->pid,
			 strerrorname_np(o->error), o->step, o->status);
}

static void make_one(const struct spawner *sp, unsigned int kind, enum call call,
		     struct outcome *o)
{
	struct spawn s;

	kind_prepare(&s, kind);
	if (sp->shared && call == CALL_ASYNC)
		dispatch_make(sp->shared, sp->device, &s, sp->id, o);
	else
		call_make(sp->device, &s, call, sp->completion, o);
}

static void *spawn_many(void *argument)
{
	struct spawner *sp = argument;

	for (int i = 0; i < sp->count; i++) {
		unsigned int kind = (i + sp->id) % KINDS;
		enum call call = i / KINDS % CALLS;
		struct outcome o;

		make_one(sp, kind, call, &o);
		if (!kind_may_end(kind, &o))
			note_wrong(sp, kind, call, &o);
	}
	return NULL;
}

static int stop_meddling;

static void *open_and_close(void *argument)
{
	int cloexec = argument ? O_CLOEXEC : 0;
	int held[128], i;

	while (!__atomic_load_n(&stop_meddling, __ATOMIC_RELAXED)) {
		for (i = 0; i < 128; i++)
			held[i] = open("/dev/null", O_RDONLY | (i & 1 ? cloexec : 0));
		for (i = 0; i < 128; i++)
			if (held[i] >= 0)
				close(held[i]);
		usleep(1000);
	}
	return NULL;
}

/* Another process that executes all the time. */
static pid_t start_executing(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;) {
		pid_t child = vfork();

		if (!child) {
			execl(scratch_tiny, "tiny", NULL);
			_exit(127);
		}
		waitpid(child, NULL, 0);
		usleep(1000);
	}
}

/* The first start of each kind fills caches of names and of CPUs. */
static void warm_up(int device)
{
	struct spawner first = { .device = device, .count = KINDS * CALLS };

	first.completion = completion_open(device, 1, 0);
	spawn_many(&first);
	close(first.completion);
}

TEST_F_TIMEOUT(spawn, many_at_once, 36000)
{
	struct spawner spawners[SPAWNERS];
	int total = scratch_scale(SPAWNS), i;
	struct totals before, after;
	pthread_t meddlers[MEDDLERS];
	struct dispatch shared;
	pid_t executing;

	need_root(_metadata);

	warm_up(self->device);
	totals_take(&before);

	executing = start_executing();
	ASSERT_LT(0, executing);
	stop_meddling = 0;
	for (i = 0; i < MEDDLERS; i++)
		ASSERT_EQ(0, pthread_create(&meddlers[i], NULL, open_and_close,
					    i ? self : NULL));
	ASSERT_EQ(0, dispatch_begin(&shared, self->device, SPAWNERS));
	for (i = 0; i < SPAWNERS; i++) {
		spawners[i] = (struct spawner){
			.shared = &shared,
			.device = self->device,
			.id = i,
			.count = total / SPAWNERS,
		};
		ASSERT_EQ(0, pthread_create(&spawners[i].thread, NULL, spawn_many,
					    &spawners[i]));
	}
	for (i = 0; i < SPAWNERS; i++) {
		ASSERT_EQ(0, pthread_join(spawners[i].thread, NULL));
		EXPECT_EQ(0, spawners[i].wrong)
			TH_LOG("spawner %d: %s", i, spawners[i].first_wrong);
	}
	dispatch_end(&shared);
	EXPECT_EQ(0, shared.wrong);
	__atomic_store_n(&stop_meddling, 1, __ATOMIC_RELAXED);
	for (i = 0; i < MEDDLERS; i++)
		ASSERT_EQ(0, pthread_join(meddlers[i], NULL));
	kill(executing, SIGKILL);
	own_wait(executing);

	totals_take(&after);
	expect_totals(_metadata, &before, &after, total);
}

TEST_F_TIMEOUT(spawn, one_after_another, 36000)
{
	struct spawner one = {
		.device = self->device, .count = scratch_count("KSPAWN_ROW_COUNT", IN_A_ROW),
	};
	struct totals before, after;

	need_root(_metadata);
	warm_up(self->device);
	totals_take(&before);
	one.completion = completion_open(self->device, 1, 0);
	ASSERT_LE(0, one.completion);
	spawn_many(&one);
	close(one.completion);
	EXPECT_EQ(0, one.wrong)
		TH_LOG("%s", one.first_wrong);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, one.count);
	TH_LOG("%d starts", one.count);
}

TEST_HARNESS_MAIN
