// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The module is removed, or not yet, and comes again, while others start
 * programs by it.  KSPAWN_RELOAD_COUNT is how often (nightly: 1,000 times).
 */
#include "lib/calls.h"
#include "lib/completion.h"
#include "lib/module.h"
#include "lib/spawners.h"

#define RELOADS		50

/* A program, one that its child does not find, one with a pidfd. */
static void prepare(struct spawn *s, unsigned int number)
{
	spawn_init(s, number == 1 ? "no-such-program" : scratch_tiny);
	spawn_chdir(s, "/");
	s->args.flags = number == 2 ? KSPAWN_PIDFD : 0;
}

/* Each of them, by a call that changes from round to round. */
static void start_some(int device, int completion, struct tally *tally, unsigned int round)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct outcome o;
		struct spawn s;

		prepare(&s, i);
		call_make(device, &s, (i + round) % CALLS, completion, &o);
		if ((o.pid > 0) != (i != 1) || (!o.pid && o.error != ENOENT) || o.status)
			tally_add(&tally->strange);
		tally_add(&tally->started);
	}
}

/* All is closed with a start under way and its event unread: its child alone is left. */
static void leave_some(int device, int completion, unsigned int seed)
{
	struct spawn s;

	prepare(&s, seed % 3);
	completion_use(&s, completion, 0);
	spawn_start(device, &s);
	close(seed % 2 ? device : completion);
	close(seed % 2 ? completion : device);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

/* Has the device open for a few starts at a time, and not always. */
static void come_and_go(struct tally *tally, unsigned int seed)
{
	unsigned int round = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!tally_get(&tally->stop)) {
		int device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
		long long begun = own_clock_ms(), took;

		if (device < 0) {
			tally_add(&tally->refused);
		} else {
			int completion = completion_open(device, 2, 0);

			start_some(device, completion, tally, round++);
			leave_some(device, completion, seed >> 16);
		}
		/* On a slow kernel too there are moments when nobody has it open. */
		took = own_clock_ms() - begun;
		seed = seed * 1103515245 + 12345;
		usleep((seed >> 16) * (1 + took) / 16);
	}
	_exit(own_no_child() ? 0 : 1);
}

TEST_F_TIMEOUT(spawn, while_others_start_programs, 36000)
{
	unsigned int rounds = scratch_count("KSPAWN_RELOAD_COUNT", RELOADS);
	unsigned int i, removed = 0, refused = 0, error = 0;
	struct workload h = {};
	char file[MODULE_PATH];

	if (geteuid() || module_file(file, "kspawn.ko") || access(file, R_OK))
		SKIP(return, "needs root and the module's file: run this with tests/run");
	totals_take(&h.before);
	close(self->device);
	h.tally = mmap(NULL, sizeof(*h.tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	ASSERT_NE(MAP_FAILED, h.tally);
	for (i = 0; i < SPAWNERS; i++) {
		h.pids[i] = assert_fork(_metadata);
		if (!h.pids[i])
			come_and_go(h.tally, i);
	}

	while (removed < rounds && !error) {
		if (!module_remove("kspawn")) {
			removed++;
			if (module_insert(file))
				error = errno;
			else if (removed % 10 == 0)
				some_more(&h, 1);
		} else if (errno == EWOULDBLOCK || errno == EBUSY) {
			refused++;
			usleep(random_number() % 1000);
		} else {
			error = errno;
		}
	}
	EXPECT_EQ(0, error)
		TH_LOG("%s", strerrorname_np(error));
	if (access(KSPAWN_DEVICE, F_OK))
		module_insert(file);
	/* It is the same for those who came before and after. */
	EXPECT_TRUE(some_more(&h, 3));
	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	end_counted_spawners(_metadata, &h, h.tally->started);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, h.tally->refused);
	TH_LOG("removed %u times, refused %u times; %d starts", removed, refused, h.tally->started);
}

TEST_HARNESS_MAIN
