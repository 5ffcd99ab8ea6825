// SPDX-License-Identifier: LGPL-2.1-or-later
/* The pid, and the pidfd, are stored before a handler of the caller can look. */
#include "lib/fixture.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static volatile pid_t stored_pid;
static volatile int stored_pidfd;
static volatile sig_atomic_t handled, early, early_pidfd;

static void look(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	handled++;
	if (info->si_pid != stored_pid)
		early++;
	if (stored_pidfd < 0)
		early_pidfd++;
}

static void expect_in_time(struct __test_metadata *_metadata, int device, __u32 flags)
{
	struct sigaction action = { .sa_sigaction = look, .sa_flags = SA_SIGINFO | SA_RESTART };
	unsigned int i, rounds = scratch_scale(300);

	handled = early = early_pidfd = 0;
	ASSERT_EQ(0, sigaction(SIGCHLD, &action, NULL));
	for (i = 0; i < rounds; i++) {
		DEFINE_SPAWN(s, scratch_tiny);
		pid_t pid;

		stored_pid = 0;
		stored_pidfd = -1;
		s.args.flags = KSPAWN_PIDFD | flags;
		s.args.pid = (unsigned long)&stored_pid;
		s.args.pidfd = (unsigned long)&stored_pidfd;
		pid = spawn_start(device, &s);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, stored_pid);
		ASSERT_EQ(s.result.pidfd, stored_pidfd);
		if (!(flags & KSPAWN_WAIT))
			ASSERT_EQ(0, own_wait(pid));
		close(stored_pidfd);
	}
	EXPECT_EQ(rounds, handled);
	EXPECT_EQ(0, early);
	EXPECT_EQ(0, early_pidfd);
}

TEST_F(spawn, plainly)
{
	expect_in_time(_metadata, self->device, 0);
}

TEST_F(spawn, with_a_wait)
{
	expect_in_time(_metadata, self->device, KSPAWN_WAIT);
}

/* The child runs to its end as soon as it can, on the one CPU that there is. */
TEST_F(spawn, in_real_time)
{
	struct sched_param param = { .sched_priority = 10 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		SKIP(return, "no real-time scheduling here: %m");
	expect_in_time(_metadata, self->device, 0);
	expect_in_time(_metadata, self->device, KSPAWN_WAIT);
}

/* Not touched by a start that fails. */
TEST_F(spawn, failures)
{
	int pid = 4711, pidfd = 4712;
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_dup2(&s, 99, 98);
	s.args.flags = KSPAWN_PIDFD;
	s.args.pid = spawn_pointer(&pid);
	s.args.pidfd = spawn_pointer(&pidfd);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	EXPECT_EQ(4711, pid);
	EXPECT_EQ(4712, pidfd);
	/* A pidfd may be told in either place, and its number in no other. */
	spawn_init(&s, scratch_tiny);
	s.args.pidfd = spawn_pointer(&pidfd);
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
}

/* Without a result that is all there is. */
TEST_F(spawn, instead_of_a_result)
{
	int pid = -1, pidfd = -1, returned;
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.flags = KSPAWN_PIDFD;
	spawn_without_result(&s);
	s.args.pid = spawn_pointer(&pid);
	s.args.pidfd = spawn_pointer(&pidfd);
	returned = spawn_start(self->device, &s);
	ASSERT_LT(0, returned);
	EXPECT_EQ(returned, pid);
	EXPECT_LE(0, pidfd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(pidfd, F_GETFD));
	EXPECT_EQ(0, own_wait(pid));
	close(pidfd);
}

/* A pidfd that can be told nowhere does not stay open. */
TEST_F(spawn, memory_that_cannot_be_written)
{
	const int *nowhere = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = own_descriptor_count();
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, nowhere);
	s.args.flags = KSPAWN_PIDFD;
	s.args.pid = spawn_pointer(nowhere);
	s.args.pidfd = spawn_pointer(nowhere);
	/* The result tells it. */
	pid = expect_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_LE(0, s.result.pidfd);
	EXPECT_EQ(before + 1, own_descriptor_count());
	EXPECT_EQ(0, close(s.result.pidfd));
	/* Nothing does. */
	spawn_without_result(&s);
	pid = spawn_start(self->device, &s);
	ASSERT_LT(0, pid)
		TH_LOG("%m");
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(before, own_descriptor_count());
}

TEST_HARNESS_MAIN
