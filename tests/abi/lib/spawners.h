/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that go on starting programs while something is done to them.
 * Include it once, in the file with the tests.
 */
#ifndef KSPAWN_ABI_SPAWNERS_H
#define KSPAWN_ABI_SPAWNERS_H

#include "fixture.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define SPAWNERS	3

/* Outcomes that the spawners have met; shared with them. */
struct tally {
	int stop;
	int started;
	int refused;		/* with an error that was to be expected */
	int strange;
	int last_error;
	int last_step;
	int last_status;
};

/**
 * struct workload - what spawners do, and how it may end
 * @tally:    shared memory
 * @program:  what is started
 * @errors:   errors that are no surprise; ends with 0
 * @signals:  bit N: signal N may end a child
 * @directory: a working directory for the child, or null
 * @unprivileged: as an ordinary user
 * @pids:     the spawners
 * @before:   counted when counted ones were started
 */
struct workload {
	struct tally *tally;
	const char *program;
	int errors[8];
	__u64 signals;
	const char *directory;
	bool unprivileged;
	pid_t pids[SPAWNERS];
	struct totals before;
};

static inline void tally_add(int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline int tally_get(const int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline bool may_fail_with(const struct workload *h, int error)
{
	unsigned int i;

	for (i = 0; h->errors[i]; i++)
		if (h->errors[i] == error)
			return true;
	return false;
}

/* Start programs, each third one in vain, until told to stop. */
static inline void go_on_spawning(int device, const struct workload *h)
{
	unsigned int i;

	if (h->unprivileged && own_drop_privileges())
		_exit(2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; !tally_get(&h->tally->stop); i++) {
		bool good = i % 3 != 2;
		struct spawn s;
		int status = 0;
		pid_t pid;

		spawn_init(&s, good ? h->program : "/no/such/program");
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		if (h->directory)
			spawn_chdir(&s, h->directory);
		pid = spawn_start(device, &s);
		if (pid > 0)
			status = own_wait(pid);
		if (pid > 0 && (!status || (WIFSIGNALED(status) &&
					    h->signals & spawn_signal_bit(WTERMSIG(status))))) {
			tally_add(&h->tally->started);
		} else if (pid < 0 && (may_fail_with(h, errno) || (!good && errno == ENOENT))) {
			tally_add(&h->tally->refused);
		} else {
			h->tally->last_error = pid < 0 ? errno : 0;
			h->tally->last_step = s.result.step;
			h->tally->last_status = status;
			tally_add(&h->tally->strange);
		}
	}
	_exit(own_no_child() ? 0 : 1);
}

static inline void start_spawners(struct __test_metadata *_metadata, int device,
				  struct workload *h)
{
	unsigned int i;

	if (!h->tally)
		h->tally = mmap(NULL, sizeof(*h->tally), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, h->tally);
	for (i = 0; i < SPAWNERS; i++) {
		h->pids[i] = assert_fork(_metadata);
		if (!h->pids[i])
			go_on_spawning(device, h);
	}
}

static inline void end_spawners(struct __test_metadata *_metadata, const struct workload *h)
{
	unsigned int i;

	__atomic_store_n(&h->tally->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < SPAWNERS; i++)
		EXPECT_EQ(0, own_wait(h->pids[i]));
	EXPECT_LT(0, h->tally->started);
	EXPECT_EQ(0, h->tally->strange)
		TH_LOG("%s, step %d, wait status %#x", strerrorname_np(h->tally->last_error),
		       h->tally->last_step, h->tally->last_status);
	EXPECT_TRUE(own_no_child());
}

/* The same, where all must be as it was in the end. */
static inline void start_counted_spawners(struct __test_metadata *_metadata, int device,
					  struct workload *h)
{
	totals_take(&h->before);
	start_spawners(_metadata, device, h);
}

static inline void end_counted_spawners(struct __test_metadata *_metadata,
					const struct workload *h, int starts)
{
	struct totals after;

	end_spawners(_metadata, h);
	totals_take(&after);
	expect_totals(_metadata, &h->before, &after, starts);
}

/* Wait until another @more programs have been started; false after 60 s. */
static inline bool some_more(const struct workload *h, int more)
{
	int until = tally_get(&h->tally->started) + more;
	unsigned long long end = own_clock_ms() + 60000;

	while (tally_get(&h->tally->started) < until) {
		if (own_clock_ms() > end)
			return false;
		own_sleep_ms(1);
	}
	return true;
}

static inline unsigned int random_number(void)
{
	static unsigned int seed = 4711;

	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

#endif /* KSPAWN_ABI_SPAWNERS_H */
