// SPDX-License-Identifier: LGPL-2.1-or-later
/* SETSIGMASK, SETSIGDEF, SETSIGIGN, and what a child's signals are without them. */
#include "lib/fixture.h"

#include <sched.h>

#define ALL_SIGNALS	(~0ULL)
#define UNBLOCKABLE	((1ULL << (SIGKILL - 1)) | (1ULL << (SIGSTOP - 1)))

/* The two signals that glibc keeps for itself are ours to set here. */
static int kernel_signal(int number, sighandler_t handler)
{
	struct {
		sighandler_t handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} action = { .handler = handler };

	return syscall(SYS_rt_sigaction, number, &action, NULL, 8);
}

static int kernel_mask(int how, __u64 mask)
{
	return syscall(SYS_rt_sigprocmask, how, &mask, NULL, 8);
}

static void handler(int number)
{
	(void)number;
}

TEST_F(spawn, mask_is_inherited)
{
	DEFINE_REPORT(s, r);
	__u64 mask = spawn_signal_bit(SIGUSR1) | spawn_signal_bit(SIGTERM) |
		     spawn_signal_bit(64);

	ASSERT_EQ(0, kernel_mask(SIG_SETMASK, mask));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(mask, report_status_hex(&r, "SigBlk"));
}

TEST_F(spawn, mask_is_set)
{
	static const __u64 masks[] = { 0, 1, 1ULL << 63, 0x5555555555555555, ALL_SIGNALS };
	struct report r;
	struct spawn s;

	ASSERT_EQ(0, kernel_mask(SIG_SETMASK, spawn_signal_bit(SIGHUP)));
	for (unsigned int i = 0; i < ARRAY_SIZE(masks); i++) {
		report_init(_metadata, &s, &r);
		s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK;
		s.args.sigmask = masks[i];
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_EQ(masks[i] & ~UNBLOCKABLE, report_status_hex(&r, "SigBlk"));
	}
}

/* And the caller's own mask is as it was. */
TEST_F(spawn, mask_of_the_caller_stays)
{
	sigset_t before, after;
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, kernel_mask(SIG_SETMASK, spawn_signal_bit(SIGHUP)));
	ASSERT_EQ(0, sigprocmask(SIG_SETMASK, NULL, &before));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGMASK;
	s.args.sigmask = ALL_SIGNALS;
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, sigprocmask(SIG_SETMASK, NULL, &after));
	EXPECT_EQ(0, memcmp(&before, &after, 8));

	spawn_init(&s, scratch_tiny);
	spawn_dup2(&s, 99, 98);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	ASSERT_EQ(0, sigprocmask(SIG_SETMASK, NULL, &after));
	EXPECT_EQ(0, memcmp(&before, &after, 8));
}

TEST_F(spawn, handlers_are_reset)
{
	DEFINE_REPORT(s, r);
	int number;

	for (number = 1; number <= 64; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == SIGCHLD)
			continue;
		ASSERT_EQ(0, kernel_signal(number, handler));
	}
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, report_status_hex(&r, "SigCgt"));
	EXPECT_EQ(0, report_status_hex(&r, "SigIgn"));
}

TEST_F(spawn, ignored_stay_ignored)
{
	DEFINE_REPORT(s, r);
	int number;

	for (number = 1; number <= 64; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == SIGCHLD)
			continue;
		ASSERT_EQ(0, kernel_signal(number, SIG_IGN));
	}
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(ALL_SIGNALS & ~UNBLOCKABLE & ~spawn_signal_bit(SIGCHLD),
		  report_status_hex(&r, "SigIgn"));
	EXPECT_EQ(0, report_status_hex(&r, "SigCgt"));
}

TEST_F(spawn, defaults_are_set)
{
	__u64 set = spawn_signal_bit(SIGPIPE) | spawn_signal_bit(SIGINT) |
		    spawn_signal_bit(SIGUSR1) | spawn_signal_bit(33) | spawn_signal_bit(64);
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, kernel_signal(SIGPIPE, SIG_IGN));
	ASSERT_EQ(0, kernel_signal(SIGINT, SIG_IGN));
	ASSERT_EQ(0, kernel_signal(SIGHUP, SIG_IGN));
	ASSERT_EQ(0, kernel_signal(SIGUSR1, handler));
	ASSERT_EQ(0, kernel_signal(33, SIG_IGN));
	ASSERT_EQ(0, kernel_signal(34, SIG_IGN));
	ASSERT_EQ(0, kernel_signal(64, SIG_IGN));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGDEF;
	s.args.sigdefault = set;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(spawn_signal_bit(SIGHUP) | spawn_signal_bit(34),
		  report_status_hex(&r, "SigIgn"));
	EXPECT_EQ(0, report_status_hex(&r, "SigCgt"));
}

/* SIGKILL and SIGSTOP are let through without a word, as sigfillset() needs. */
TEST_F(spawn, defaults_for_all)
{
	DEFINE_REPORT(s, r);
	int number;

	for (number = 1; number <= 64; number++)
		if (number != SIGKILL && number != SIGSTOP && number != SIGCHLD)
			ASSERT_EQ(0, kernel_signal(number, SIG_IGN));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGDEF;
	s.args.sigdefault = ALL_SIGNALS;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, report_status_hex(&r, "SigIgn"));
}

TEST_F(spawn, ignoring_is_set)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, kernel_signal(SIGINT, handler));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN;
	s.args.sigignore = spawn_signal_bit(SIGINT) | spawn_signal_bit(SIGHUP) |
			   spawn_signal_bit(64);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(s.args.sigignore, report_status_hex(&r, "SigIgn"));
}

TEST_F(spawn, ignoring_all)
{
	DEFINE_REPORT(s, r);

	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN;
	s.args.sigignore = ALL_SIGNALS;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(ALL_SIGNALS & ~UNBLOCKABLE, report_status_hex(&r, "SigIgn"));
}

TEST_F(spawn, ignoring_wins_over_default)
{
	DEFINE_REPORT(s, r);

	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN | KSPAWN_ATTR_SETSIGDEF;
	s.args.sigdefault = spawn_signal_bit(SIGINT) | spawn_signal_bit(SIGHUP);
	s.args.sigignore = spawn_signal_bit(SIGINT);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(spawn_signal_bit(SIGINT), report_status_hex(&r, "SigIgn"));
}

TEST_F(spawn, dispositions_of_the_caller_stay)
{
	struct sigaction seen;
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, kernel_signal(SIGUSR1, handler));
	ASSERT_EQ(0, kernel_signal(SIGUSR2, SIG_IGN));
	s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN | KSPAWN_ATTR_SETSIGDEF;
	s.args.sigdefault = spawn_signal_bit(SIGUSR2);
	s.args.sigignore = spawn_signal_bit(SIGUSR1);
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, sigaction(SIGUSR1, NULL, &seen));
	EXPECT_TRUE(seen.sa_handler == handler);
	ASSERT_EQ(0, sigaction(SIGUSR2, NULL, &seen));
	EXPECT_TRUE(seen.sa_handler == SIG_IGN);
}

/* Signals that wait for the caller are the caller's. */
TEST_F(spawn, pending_signals_are_not_inherited)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, kernel_mask(SIG_BLOCK, spawn_signal_bit(SIGUSR1) | spawn_signal_bit(40)));
	ASSERT_EQ(0, kill(getpid(), SIGUSR1));
	ASSERT_EQ(0, raise(40));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, report_status_hex(&r, "SigPnd"));
	EXPECT_EQ(0, report_status_hex(&r, "ShdPnd"));
	EXPECT_EQ(spawn_signal_bit(SIGUSR1) | spawn_signal_bit(40),
		  report_status_hex(&r, "SigBlk"));
}

/* A mask or set without its flag has no meaning, so it must be empty. */
TEST_F(spawn, sets_need_their_flags)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.sigmask = 1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	spawn_init(&s, scratch_tiny);
	s.args.sigdefault = 1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	spawn_init(&s, scratch_tiny);
	s.args.sigignore = 1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

/*
 * The whole group is signalled again and again while children are started.
 * The caller's handler runs in the caller only, and no start fails of it.  The
 * children ignore the signal, or it would rightly end them after exec.
 */
static int handled_elsewhere;
static pid_t handler_owner;

static void check_owner(int number)
{
	(void)number;
	if (syscall(SYS_getpid) != handler_owner)
		__atomic_store_n(&handled_elsewhere, 1, __ATOMIC_RELAXED);
}

TEST_F(spawn, handlers_never_run_in_the_child)
{
	unsigned int i, rounds = scratch_scale(300);
	struct sigaction action = { .sa_handler = check_owner, .sa_flags = SA_RESTART };
	int status = 0;
	struct spawn s;
	pid_t pest;

	/* The fixture's process and the pest, and nobody else, in one group. */
	ASSERT_EQ(0, setpgid(0, 0));
	handler_owner = getpid();
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	pest = assert_fork(_metadata);
	if (!pest) {
		signal(SIGUSR1, SIG_IGN);
		while (getppid() != 1 && !kill(0, SIGUSR1))
			sched_yield();
		_exit(0);
	}
	for (i = 0; i < rounds; i++) {
		spawn_init(&s, scratch_tiny);
		s.args.attr_flags = KSPAWN_ATTR_SETSIGIGN;
		s.args.sigignore = spawn_signal_bit(SIGUSR1);
		spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
		spawn_chdir(&s, "/");
		status = own_wait(expect_start(_metadata, self->device, &s));
		if (status)
			break;
	}
	EXPECT_EQ(rounds, i)
		TH_LOG("the child ended with wait status %#x", status);
	ASSERT_EQ(0, kill(pest, SIGKILL));
	own_wait(pest);
	EXPECT_EQ(0, handled_elsewhere);
}

TEST_HARNESS_MAIN
