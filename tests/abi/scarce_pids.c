// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * So few process IDs that each is another process's a moment later: whoever waits for
 * a start, in the call or outside it, meets no child but its own.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/kinds.h"

#include <pthread.h>
#include <sched.h>

#define PID_MAX		"/proc/sys/kernel/pid_max"
/* The kernel has these from 300 on, in turn. */
#define FEW		"340"
#define WORKERS		8
#define STARTS		6000

struct worker {
	pthread_t thread;
	int device;
	int completion;
	int id;
	int count;
	int wrong;
	int scarce;
	char first_wrong[128];
};

/* Those that start in vain wait for the processor as well: a number may come round. */
static void *work(void *argument)
{
	struct sched_param none = { 0 };
	struct worker *w = argument;

	if (w->id % 2)
		pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
	for (int i = 0; i < w->count; i++) {
		unsigned int kind = w->id % 2 ? 3 + i % 3 : 2 * (i % 2);
		enum call call = w->id % 2 ? CALL_WAIT : i % CALLS;
		struct outcome o;
		struct spawn s;

		kind_prepare(&s, kind);
		call_make(w->device, &s, call, w->completion, &o);
		if (!o.pid && o.error == EAGAIN && o.step == KSPAWN_STEP_CLONE)
			w->scarce++;
		else if (!kind_may_end(kind, &o) && !w->wrong++)
			snprintf(w->first_wrong, sizeof(w->first_wrong),
				 "start %d, kind %u, call %u: pid %d, %s, step %u, wait status %#x",
				 i, kind, call, o.pid, strerrorname_np(o.error), o.step, o.status);
	}
	return NULL;
}

TEST_F(spawn, each_waits_for_its_own)
{
	struct worker workers[WORKERS] = {};
	int i, started = scratch_scale(STARTS) / WORKERS;
	char old[32];

	need_root(_metadata);
	snprintf(old, sizeof(old), "%ld", totals_number(PID_MAX));
	if (put(PID_MAX, FEW))
		SKIP(return, PID_MAX ": %m");
	for (i = 0; i < WORKERS; i++) {
		workers[i].device = self->device;
		workers[i].completion = completion_open(self->device, 1, 0);
		workers[i].id = i;
		workers[i].count = started;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].wrong)
			TH_LOG("worker %d: %s", i, workers[i].first_wrong);
		/* There were enough for most. */
		EXPECT_GT(started / 2, workers[i].scarce);
	}
	EXPECT_EQ(0, put(PID_MAX, old));
}

TEST_HARNESS_MAIN
