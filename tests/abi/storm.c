// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many starts at once, good and bad, while other threads open and close and
 * another process executes: afterwards all is as it was before.
 */
#include "lib/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>

#define SPAWNERS	8
#define SPAWNS		10000
/* KSPAWN_ROW_COUNT says otherwise; nightly it is a million. */
#define IN_A_ROW	10000
#define MEDDLERS	2

struct spawner {
	pthread_t thread;
	int device;
	int id;
	int count;
	int wrong;
	char first_wrong[128];
};

/*
 * The kinds of start: what each asks for and how it must end.  @step is 0 for
 * one that succeeds.
 */
struct kind {
	__u32 step;
	int error;
};

static const struct kind kinds[] = {
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_EXEC, ENOENT },		/* not there: no child */
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_ACTION, ENOENT },		/* an action fails */
	{ KSPAWN_STEP_EXEC, ENOENT },		/* after an action */
	{ KSPAWN_STEP_ATTRIBUTE, EPERM },	/* no such process group */
	{ KSPAWN_STEP_NONE, 0 },
	{ KSPAWN_STEP_EXEC, EACCES },		/* not a program */
	{ KSPAWN_STEP_COPY, EFAULT },
	{ KSPAWN_STEP_NONE, 0 },		/* with a pidfd */
};

#define KINDS		ARRAY_SIZE(kinds)

static void prepare(struct spawn *s, unsigned int kind)
{
	spawn_init(s, scratch_tiny);
	spawn_arg(s, "tiny");
	switch (kind) {
	case 1:
		s->args.path = spawn_pointer("/no/such/program");
		break;
	case 2:
		spawn_open(s, 0, "/dev/null", O_RDONLY, 0);
		spawn_dup2(s, 0, 9);
		spawn_chdir(s, "/");
		break;
	case 3:
		spawn_close(s, 0);
		spawn_open(s, 5, "/no/such/file", O_RDONLY, 0);
		break;
	case 4:
		spawn_chdir(s, "/");
		s->args.path = spawn_pointer("no-such-program");
		break;
	case 5:
		s->args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		s->args.pgroup = 1;
		break;
	case 6:
		s->args.attr_flags = KSPAWN_ATTR_SETSID | KSPAWN_ATTR_SETSIGMASK |
				     KSPAWN_ATTR_SETSIGDEF;
		s->args.sigmask = spawn_signal_bit(SIGUSR1);
		s->args.sigdefault = ~0ULL;
		break;
	case 7:
		s->args.path = spawn_pointer("/etc/passwd");
		break;
	case 8:
		s->args.argv = 8;
		break;
	case 9:
		s->args.flags = KSPAWN_PIDFD;
		break;
	}
}

static void note_wrong(struct spawner *sp, unsigned int kind, pid_t pid, int error,
		       const struct spawn *s, int status)
{
	if (!sp->wrong++)
		snprintf(sp->first_wrong, sizeof(sp->first_wrong),
			 "kind %u: pid %d, %s, step %u, wait status %#x", kind, pid,
			 strerrorname_np(error), s->result.step, status);
}

static void *spawn_many(void *argument)
{
	struct spawner *sp = argument;
	int i;

	for (i = 0; i < sp->count; i++) {
		unsigned int kind = (i + sp->id) % KINDS;
		int status = 0, error;
		struct spawn s;
		pid_t pid;

		prepare(&s, kind);
		pid = spawn_start(sp->device, &s);
		error = pid < 0 ? errno : 0;
		if (pid > 0) {
			/* Only its own: the others wait for theirs. */
			if (waitpid(pid, &status, __WALL) != pid)
				status = -1;
			if (s.result.pidfd >= 0)
				close(s.result.pidfd);
		}
		if (error != kinds[kind].error || s.result.step != kinds[kind].step ||
		    (pid > 0) != !kinds[kind].step || status)
			note_wrong(sp, kind, pid, error, &s, status);
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
	struct spawn s;
	int i;

	for (i = 0; i < (int)KINDS; i++) {
		pid_t pid;

		prepare(&s, i);
		pid = spawn_start(device, &s);
		if (pid > 0)
			own_wait(pid);
		if (pid > 0 && s.result.pidfd >= 0)
			close(s.result.pidfd);
	}
}

TEST_F(spawn, storm)
{
	struct spawner spawners[SPAWNERS];
	int total = scratch_scale(SPAWNS), i;
	struct totals before, after;
	pthread_t meddlers[MEDDLERS];
	pid_t executing;

	if (geteuid())
		SKIP(return, NEEDS_ROOT);

	warm_up(self->device);
	totals_take(&before);

	executing = start_executing();
	ASSERT_LT(0, executing);
	stop_meddling = 0;
	for (i = 0; i < MEDDLERS; i++)
		ASSERT_EQ(0, pthread_create(&meddlers[i], NULL, open_and_close,
					    i ? self : NULL));
	for (i = 0; i < SPAWNERS; i++) {
		spawners[i] = (struct spawner){
			.device = self->device, .id = i, .count = total / SPAWNERS,
		};
		ASSERT_EQ(0, pthread_create(&spawners[i].thread, NULL, spawn_many,
					    &spawners[i]));
	}
	for (i = 0; i < SPAWNERS; i++) {
		ASSERT_EQ(0, pthread_join(spawners[i].thread, NULL));
		EXPECT_EQ(0, spawners[i].wrong)
			TH_LOG("spawner %d: %s", i, spawners[i].first_wrong);
	}
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

	if (geteuid())
		SKIP(return, NEEDS_ROOT);
	warm_up(self->device);
	totals_take(&before);
	spawn_many(&one);
	EXPECT_EQ(0, one.wrong)
		TH_LOG("%s", one.first_wrong);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, one.count);
	TH_LOG("%d starts", one.count);
}

TEST_HARNESS_MAIN
