// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers that start programs by all three calls, good and bad, from several threads
 * that share a completion descriptor, and that are killed, stopped, exit or execute at
 * any moment.  Their children end well, whoever waits for them, nobody sees one that
 * has failed, and then nothing is left; the module can go.
 */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/kinds.h"
#include "lib/module.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROUNDS		60
#define THREADS		3
#define CAPACITY	4
#define MOMENT_MS	20

enum end { KILLED, STOPPED_AND_KILLED, STOPPED_NOW_AND_THEN, EXITS, EXECUTES };

FIXTURE_VARIANT(spawn)
{
	enum end end;
};

FIXTURE_VARIANT_ADD(spawn, killed) { .end = KILLED };
FIXTURE_VARIANT_ADD(spawn, stopped_and_killed) { .end = STOPPED_AND_KILLED };
FIXTURE_VARIANT_ADD(spawn, stopped_now_and_then) { .end = STOPPED_NOW_AND_THEN };
FIXTURE_VARIANT_ADD(spawn, exits) { .end = EXITS };
FIXTURE_VARIANT_ADD(spawn, executes) { .end = EXECUTES };

/* Starts that were begun, and by which call; shared by all callers. */
struct tally {
	int begun;
	int by_call[CALLS];
	int started;
	int strange;
};

struct caller {
	struct tally *tally;
	int device;
	int completion;
	unsigned int next;	/* thread's first start */
};

static void note(int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* One start, of which nobody awaits the outcome but who happens to. */
static void start_one(const struct caller *c, unsigned int number)
{
	unsigned int kind = number % KINDS;
	enum call call = number / KINDS % CALLS;
	struct spawn s;
	pid_t pid;

	kind_prepare(&s, kind);
	if (call == CALL_ASYNC)
		completion_use(&s, c->completion, number);
	else if (call == CALL_WAIT)
		s.args.flags |= KSPAWN_WAIT;
	note(&c->tally->by_call[call]);
	note(&c->tally->begun);
	pid = spawn_start(c->device, &s);
	/* The end of another child interrupts a wait, or another thread has waited. */
	if (pid > 0 || (s.result.step == KSPAWN_STEP_WAIT && (errno == EINTR || errno == ECHILD)))
		note(&c->tally->started);
	else if (s.result.step == KSPAWN_STEP_WAIT)
		note(&c->tally->strange);
	if (s.result.pidfd >= 0)
		close(s.result.pidfd);
}

/* Not each event is read, and not each child waited for. */
static void *start_for_ever(void *argument)
{
	struct caller *c = argument;
	unsigned int number = __atomic_fetch_add(&c->next, KINDS, __ATOMIC_RELAXED);
	struct kspawn_event event;

	for (;; number++) {
		start_one(c, number);
		if (number % 4)
			while (read(c->completion, &event, sizeof(event)) > 0)
				;
		if (number % 3)
			while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
				;
	}
	return NULL;
}

/* Some calls after the @begun'th, and not right at one.  However slow the kernel is. */
static void await_moment(const struct tally *tally, int begun, unsigned int number)
{
	unsigned long long end = own_clock_ms() + TOTALS_SETTLE_MS;

	begun += 1 + number % (2 * KINDS);
	while (__atomic_load_n(&tally->begun, __ATOMIC_RELAXED) < begun && own_clock_ms() < end)
		own_sleep_ms(1);
	own_sleep_ms(number * 7 % MOMENT_MS);
}

/* Returns in the caller of that number alone; it ends with us. */
static pid_t fork_caller(int device, struct tally *tally, enum end end, unsigned int number)
{
	struct caller c = { .tally = tally, .device = device, .next = number * KINDS };
	int begun = tally->begun;
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	c.completion = completion_open(device, CAPACITY, O_NONBLOCK);
	for (int i = 0; i < THREADS; i++)
		if (c.completion < 0 || pthread_create(&thread, NULL, start_for_ever, &c))
			_exit(1);
	await_moment(tally, begun, number);
	if (end == EXITS)
		_exit(0);
	if (end == EXECUTES)
		execl(scratch_tiny, "tiny", NULL);
	for (;;)
		pause();
}

static void run_caller(struct __test_metadata *_metadata, int device, struct tally *tally,
		       enum end end, unsigned int number)
{
	bool by_itself = end == EXITS || end == EXECUTES;
	int begun = tally->begun;
	pid_t caller = fork_caller(device, tally, end, number);

	ASSERT_LT(0, caller);
	if (!by_itself)
		await_moment(tally, begun, number);
	for (unsigned int i = 0; end == STOPPED_NOW_AND_THEN && i < 10; i++) {
		ASSERT_EQ(0, kill(caller, SIGSTOP));
		own_sleep_ms(i);
		ASSERT_EQ(0, kill(caller, SIGCONT));
		own_sleep_ms(3);
	}
	if (end == STOPPED_AND_KILLED) {
		ASSERT_EQ(0, kill(caller, SIGSTOP));
		own_sleep_ms(5);
	}
	if (!by_itself)
		ASSERT_EQ(0, kill(caller, SIGKILL));
	EXPECT_EQ(by_itself ? 0 : SIGKILL, own_wait(caller));
}

/* Ours now: each is a program that ends well, and none is a start that has failed. */
static void expect_good_orphans(struct __test_metadata *_metadata)
{
	int status;

	while (waitpid(-1, &status, __WALL) > 0)
		EXPECT_EQ(0, status);
	EXPECT_EQ(ECHILD, errno);
}

TEST_F_TIMEOUT(spawn, at_any_moment, 1800)
{
	unsigned int i, rounds = scratch_scale(ROUNDS);
	struct totals before, after;
	char file[MODULE_PATH];
	struct tally *tally;
	struct idle idle;

	need_root(_metadata);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, tally);
	/* One that fills caches. */
	run_caller(_metadata, self->device, tally, variant->end, 2 * KINDS - 1);
	expect_good_orphans(_metadata);
	idle_take(&idle);
	totals_take(&before);
	memset(tally, 0, sizeof(*tally));
	for (i = 0; i < rounds; i++) {
		run_caller(_metadata, self->device, tally, variant->end, i);
		expect_good_orphans(_metadata);
	}
	EXPECT_EQ(0, tally->strange);
	for (i = 0; i < CALLS; i++)
		EXPECT_LT(0, tally->by_call[i]);
	EXPECT_LT(0, tally->started);
	expect_idle(_metadata, &idle);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, tally->begun);
	TH_LOG("%d plain, %d asynchronous, %d to wait for; %d started", tally->by_call[CALL_PLAIN],
	       tally->by_call[CALL_ASYNC], tally->by_call[CALL_WAIT], tally->started);
	close(self->device);
	if (!module_file(file, "kspawn.ko") && !access(file, R_OK)) {
		EXPECT_EQ(0, module_remove("kspawn"))
			TH_LOG("%m");
		EXPECT_EQ(0, access(KSPAWN_DEVICE, F_OK) ? module_insert(file) : 0);
	}
}

TEST_HARNESS_MAIN
