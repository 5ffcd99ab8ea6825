// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The module is removed, or not yet, and comes again, while others start
 * programs by it.  KSPAWN_RELOAD_COUNT is how often (nightly: 1,000 times).
 */
#include "lib/module.h"
#include "lib/spawners.h"

#define RELOADS		50

/* Has the device open for a few starts at a time, and not always. */
static void come_and_go(struct tally *tally, unsigned int seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!tally_get(&tally->stop)) {
		int device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC), i;
		long long begun = own_clock_ms(), took;

		for (i = 0; device >= 0 && i < 3; i++) {
			struct spawn s;
			int status = 0;
			pid_t pid;

			/* A program, one that its child does not find, one with a pidfd. */
			spawn_init(&s, i == 1 ? "no-such-program" : scratch_tiny);
			spawn_chdir(&s, "/");
			s.args.flags = i == 2 ? KSPAWN_PIDFD : 0;
			pid = spawn_start(device, &s);
			if (pid > 0)
				status = own_wait(pid);
			if (pid > 0 && s.result.pidfd >= 0)
				close(s.result.pidfd);
			if ((pid > 0) != (i != 1) || (pid < 0 && errno != ENOENT) || status)
				tally_add(&tally->strange);
			tally_add(&tally->started);
		}
		if (device < 0)
			tally_add(&tally->refused);
		else
			close(device);
		/* On a slow kernel too there are moments when nobody has it open. */
		took = own_clock_ms() - begun;
		seed = seed * 1103515245 + 12345;
		usleep((seed >> 16) % (4000 + 4000 * took));
	}
	_exit(own_no_child() ? 0 : 1);
}

TEST_F_TIMEOUT(spawn, while_others_start_programs, 36000)
{
	unsigned int rounds = scratch_count("KSPAWN_RELOAD_COUNT", RELOADS);
	unsigned int i, removed = 0, refused = 0, error = 0;
	struct totals before, after;
	struct hardship h = {};
	pid_t pids[SPAWNERS];
	char file[MODULE_PATH];

	if (geteuid() || module_file(file, "kspawn.ko") || access(file, R_OK))
		SKIP(return, "needs root and the module's file: run this with tests/run");
	totals_take(&before);
	close(self->device);
	h.tally = mmap(NULL, sizeof(*h.tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	ASSERT_NE(MAP_FAILED, h.tally);
	for (i = 0; i < SPAWNERS; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
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
	end_spawners(_metadata, &h, pids);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, h.tally->refused);
	TH_LOG("removed %u times, refused %u times; %d starts", removed, refused, h.tally->started);

	self->device = open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, h.tally->started);
}

TEST_HARNESS_MAIN
