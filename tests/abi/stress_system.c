// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processes that go on starting programs while something is done to them, to
 * their programs or to their CPUs: stopped, frozen, traced, out of memory, out
 * of pids.  Each start ends in one of the ways it may, and nothing is left.
 */
#include "lib/cgroups.h"
#include "lib/freezing.h"
#include "lib/spawners.h"

#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

static long number_in(const char *directory, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return totals_number(path);
}

static void move_all(const char *path, const pid_t pids[SPAWNERS])
{
	char text[16];

	for (unsigned int i = 0; i < SPAWNERS; i++) {
		snprintf(text, sizeof(text), "%d", pids[i]);
		put_in(path, "cgroup.procs", text);
	}
}

TEST_F(spawn, stopped_and_continued)
{
	struct workload h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(300);

	start_counted_spawners(_metadata, self->device, &h);
	for (i = 0; i < rounds; i++) {
		pid_t pid = h.pids[i % SPAWNERS];

		ASSERT_EQ(0, kill(pid, SIGSTOP));
		usleep(random_number() % 2000);
		ASSERT_EQ(0, kill(pid, SIGCONT));
		usleep(random_number() % 2000);
	}
	EXPECT_TRUE(some_more(&h, 3));
	end_counted_spawners(_metadata, &h, rounds);
}

/* The pid that was given last: they are given in their order. */
static pid_t last_pid(void)
{
	FILE *file = fopen("/proc/loadavg", "r");
	pid_t pid = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*s %*s %*s %*s %d", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid;
}

/* Attached to and let go at any moment, the callers and whatever children they have. */
TEST_F(spawn, traced_now_and_then)
{
	struct workload h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(300);
	int status, caught = 0;

	need_root(_metadata);
	start_counted_spawners(_metadata, self->device, &h);
	for (i = 0; i < rounds; i++) {
		pid_t pid = h.pids[i % SPAWNERS];

		/* Somebody's child, if there is one. */
		if (i % 2)
			pid = last_pid();
		if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, 0, 0))
			continue;
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
			usleep(random_number() % 1000);
			ptrace(PTRACE_DETACH, pid, 0, 0);
			caught++;
		}
		usleep(random_number() % 2000);
	}
	EXPECT_LT(0, caught);
	EXPECT_TRUE(some_more(&h, 3));
	end_counted_spawners(_metadata, &h, rounds);
}

/* Whatever they were just doing: each start ends well or by that signal. */
TEST_F(spawn, children_killed_at_any_moment)
{
	struct workload h = {
		.program = scratch_tiny,
		.signals = spawn_signal_bit(SIGKILL),
	};
	unsigned int i, hit = 0, rounds = scratch_scale(500);
	unsigned long long end = own_clock_ms() + 100000;

	need_root(_metadata);
	start_counted_spawners(_metadata, self->device, &h);
	/* Few rounds, on a slow kernel, may find no child at all. */
	for (i = 0; (i < rounds || !hit) && own_clock_ms() < end; i++) {
		pid_t pid = last_pid();
		pid_t parent = own_parent_of(pid);

		if (parent == h.pids[0] || parent == h.pids[1] || parent == h.pids[2])
			hit += !kill(pid, SIGKILL);
		usleep(random_number() % 2000);
	}
	EXPECT_LT(0, hit);
	EXPECT_TRUE(some_more(&h, 3));
	end_counted_spawners(_metadata, &h, rounds);
}

/* Attaches to all and what they start, and lets each stop go on. */
static void debug(const pid_t pids[SPAWNERS], int ready)
{
	const long options = PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
	int status;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < SPAWNERS; i++)
		if (ptrace(PTRACE_SEIZE, pids[i], 0, options))
			_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	_exit(0);
}

/* A debugger that is stopped keeps what it has; one that then dies lets it go. */
TEST_F(spawn, under_a_suspended_debugger)
{
	struct workload h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(60);
	pid_t debugger;
	int ready[2];
	char byte;

	need_root(_metadata);
	start_counted_spawners(_metadata, self->device, &h);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	debugger = assert_fork(_metadata);
	if (!debugger)
		debug(h.pids, ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, kill(debugger, SIGSTOP));
		usleep(random_number() % 5000);
		ASSERT_EQ(0, kill(debugger, SIGCONT));
		usleep(random_number() % 5000);
	}
	EXPECT_TRUE(some_more(&h, 3));
	ASSERT_EQ(0, kill(debugger, SIGSTOP));
	own_sleep_ms(20);
	expect_killed(_metadata, debugger);
	EXPECT_TRUE(some_more(&h, 3));
	close(ready[0]);
	close(ready[1]);
	end_counted_spawners(_metadata, &h, rounds);
}

/* The soft one, up to what the hard one is. */
static int set_limit(pid_t pid, int which, rlim_t value)
{
	struct rlimit limit;

	if (prlimit(pid, which, NULL, &limit))
		return -1;
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	return prlimit(pid, which, &limit, NULL);
}

/* Limits of processes that spawn, set by somebody else to around what they use. */
TEST_F(spawn, limits_that_move)
{
	static const struct {
		int which;
		unsigned int least, range, unit;
	} limits[] = {
		{ RLIMIT_NPROC, 1, 2 * SPAWNERS, 1 },
		{ RLIMIT_NOFILE, 3, 12, 1 },
		{ RLIMIT_STACK, 4, 64, 1024 },
		{ RLIMIT_FSIZE, 0, 2, 1 },
		{ RLIMIT_MEMLOCK, 0, 2, 4096 },
	};
	struct workload h = {
		.program = scratch_tiny,
		.errors = { EAGAIN, EBADF, EMFILE, E2BIG, ENOMEM },
		.signals = spawn_signal_bit(SIGSEGV) | spawn_signal_bit(SIGKILL),
		.unprivileged = true,
	};
	unsigned int i, rounds = scratch_scale(500);

	need_root(_metadata);
	start_counted_spawners(_metadata, self->device, &h);
	EXPECT_TRUE(some_more(&h, 3));
	for (i = 0; i < rounds; i++) {
		unsigned int n = random_number() % ARRAY_SIZE(limits);

		ASSERT_EQ(0, set_limit(h.pids[i % SPAWNERS], limits[n].which, limits[n].unit *
				       (limits[n].least + random_number() % limits[n].range)));
		usleep(random_number() % 2000);
	}
	EXPECT_LT(0, tally_get(&h.tally->refused));
	for (i = 0; i < SPAWNERS * ARRAY_SIZE(limits); i++) {
		int which = limits[i / SPAWNERS].which;

		ASSERT_EQ(0, set_limit(h.pids[i % SPAWNERS], which,
				       which == RLIMIT_STACK ? 8 << 20 : RLIM_INFINITY));
	}
	EXPECT_TRUE(some_more(&h, 3));
	end_counted_spawners(_metadata, &h, rounds);
}

TEST_F(spawn, frozen_and_thawed)
{
	struct workload h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(100);
	char path[64];

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	start_spawners(_metadata, self->device, &h);
	move_all(path, h.pids);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
		usleep(random_number() % 5000);
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
		usleep(random_number() % 2000);
	}
	EXPECT_TRUE(some_more(&h, 3));
	end_spawners(_metadata, &h);
	remove_cgroup(_metadata, path);
}

/* While frozen, whoever waits for a child in exec waits on, and no longer. */
TEST_F(spawn, frozen_for_a_while)
{
	struct workload h = { .program = scratch_tiny };
	unsigned int round;
	char path[64];

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	start_spawners(_metadata, self->device, &h);
	move_all(path, h.pids);
	for (round = 0; round < 5; round++) {
		int started;

		ASSERT_TRUE(some_more(&h, 1));
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
		/* A caller that waits for its child freezes with it. */
		EXPECT_TRUE(wait_until_frozen(path));
		started = tally_get(&h.tally->started);
		own_sleep_ms(50);
		EXPECT_EQ(started, tally_get(&h.tally->started));
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
	}
	end_spawners(_metadata, &h);
	remove_cgroup(_metadata, path);
}

/* Frozen with its child, which is not a program yet, whichever way it waits. */
static void expect_frozen(struct __test_metadata *_metadata, int device, __u32 flags)
{
	pid_t caller, child;
	char path[64];

	if (!make_cgroup(path))
		SKIP(return, NEEDS_CGROUP);
	caller = assert_fork(_metadata);
	if (!caller) {
		DEFINE_SPAWN(s, scratch_tiny);
		pid_t pid;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put_in(path, "cgroup.procs", "0"))
			_exit(2);
		spawn_hold(&s);
		s.args.flags = flags;
		pid = spawn_start(device, &s);
		/* The freezer has ended the wait, not the start. */
		if (pid < 0 && errno == EINTR && s.result.step == KSPAWN_STEP_WAIT)
			pid = s.result.pid;
		_exit(pid <= 0 || (waitpid(pid, NULL, 0) != pid && errno != ECHILD));
	}
	child = assert_sleeping_child(_metadata, caller);
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
	EXPECT_TRUE(wait_until_frozen(path));
	ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
	ASSERT_TRUE(own_wait_state(child, 'S'));
	spawn_release();
	EXPECT_EQ(0, own_wait(caller));
	remove_cgroup(_metadata, path);
}

TEST_F(spawn, frozen_in_an_action)
{
	expect_frozen(_metadata, self->device, 0);
}

TEST_F(spawn, frozen_in_an_action_while_waited_for)
{
	expect_frozen(_metadata, self->device, KSPAWN_WAIT);
}

/* At the limit there is an EAGAIN, never one process too many or too few. */
TEST_F(spawn, limit_of_a_cgroup_that_moves)
{
	struct workload h = { .program = scratch_tiny, .errors = { EAGAIN } };
	unsigned int i, rounds = scratch_scale(200);
	char path[64], text[16];

	if (!make_cgroup_with("pids", path))
		SKIP(return, NEEDS_CONTROLLER);
	start_spawners(_metadata, self->device, &h);
	move_all(path, h.pids);
	for (i = 0; i < rounds; i++) {
		snprintf(text, sizeof(text), "%u", SPAWNERS + random_number() % (SPAWNERS + 1));
		ASSERT_EQ(0, put_in(path, "pids.max", text));
		usleep(random_number() % 2000);
		EXPECT_GE(2 * SPAWNERS, number_in(path, "pids.current"));
	}
	/* Nobody may have more than is there: each start is refused. */
	ASSERT_EQ(0, put_in(path, "pids.max", "1"));
	own_sleep_ms(50);
	EXPECT_LT(0, tally_get(&h.tally->refused));
	ASSERT_EQ(0, put_in(path, "pids.max", "max"));
	EXPECT_TRUE(some_more(&h, 3));
	end_spawners(_metadata, &h);
	expect_no_process(_metadata, path);
	remove_cgroup(_metadata, path);
}

/* Until the kernel kills it for that. */
static void eat_memory(int device)
{
	const size_t step = 1 << 20;
	struct spawn s;
	pid_t pid;
	char *more;

	for (;;) {
		more = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (more != MAP_FAILED)
			memset(more, 1, step);
		spawn_init(&s, scratch_tiny);
		pid = spawn_start(device, &s);
		if (pid > 0)
			own_wait(pid);
	}
}

TEST_F(spawn, killed_for_want_of_memory)
{
	unsigned int i, rounds = scratch_scale(20);
	struct totals before, after;
	char path[64], text[16];
	int status;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, put_in(path, "memory.max", "12M"));
	put_in(path, "memory.swap.max", "0");
	/* qemu/vm excuses the traces that follow. */
	announce_failing_allocations();
	totals_take(&before);
	for (i = 0; i < rounds; i++) {
		pid_t pid = assert_fork(_metadata);

		if (!pid) {
			snprintf(text, sizeof(text), "%d", getpid());
			if (put_in(path, "cgroup.procs", text))
				_exit(1);
			eat_memory(self->device);
		}
		status = own_wait(pid);
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			TH_LOG("wait status %#x", status);
		/* And what it was just starting. */
		while (waitpid(-1, &status, __WALL) > 0)
			;
	}
	totals_take(&after);
	expect_totals(_metadata, &before, &after, 100 * rounds);
	expect_no_process(_metadata, path);
	remove_cgroup(_metadata, path);
}

struct image {
	char bytes[16384];
	ssize_t size;
};

static void read_tiny(struct __test_metadata *_metadata, struct image *image)
{
	int fd = assert_fd(_metadata, open(scratch_tiny, O_RDONLY | O_CLOEXEC));

	image->size = read(fd, image->bytes, sizeof(image->bytes));
	close(fd);
	ASSERT_LT(64, image->size);
	ASSERT_GT((ssize_t)sizeof(image->bytes), image->size);
}

/* The file system of the program and of its directory goes away and comes back. */
TEST_F(spawn, file_system_that_disappears)
{
	struct workload h = {
		.program = "tiny", .directory = "there",
		/* Gone, or not whole yet. */
		.errors = { ENOENT, ETXTBSY, EACCES },
	};
	unsigned int i, rounds = scratch_scale(60);
	struct image tiny;

	need_root(_metadata);
	ASSERT_EQ(0, mkdir("there", 0755));
	read_tiny(_metadata, &tiny);
	start_counted_spawners(_metadata, self->device, &h);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, mount("none", "there", "tmpfs", 0, NULL));
		ASSERT_EQ(0, scratch_file("there/tiny", tiny.bytes, tiny.size, 0755));
		EXPECT_TRUE(some_more(&h, 1));
		/* Busy or not. */
		ASSERT_EQ(0, umount2("there", MNT_DETACH));
		usleep(random_number() % 3000);
	}
	end_counted_spawners(_metadata, &h, rounds);
}

/* Replaced, cut short, written to: as a whole or not at all. */
TEST_F(spawn, program_that_is_rewritten)
{
	struct workload h = {
		.program = "./program",
		.errors = { ENOENT, ETXTBSY, ENOEXEC, EACCES, EIO, ELIBBAD },
		.signals = spawn_signal_bit(SIGSEGV) | spawn_signal_bit(SIGBUS) |
			   spawn_signal_bit(SIGKILL) | spawn_signal_bit(SIGILL),
	};
	unsigned int i, rounds = scratch_scale(200);
	struct image tiny;
	int fd;

	read_tiny(_metadata, &tiny);
	ASSERT_EQ(0, scratch_file("program", tiny.bytes, tiny.size, 0755));
	start_counted_spawners(_metadata, self->device, &h);
	for (i = 0; i < rounds; i++) {
		switch (i % 4) {
		case 0: /* open for writing for a while */
			fd = open("program", O_WRONLY | O_CLOEXEC);
			usleep(random_number() % 2000);
			break;
		case 1: /* as long, and half of it no program */
			fd = open("program", O_WRONLY | O_CLOEXEC | O_TRUNC);
			if (fd >= 0 && write(fd, tiny.bytes, 64) != 64)
				TH_LOG("%m");
			break;
		case 2:
			unlink("program");
			fd = -1;
			break;
		default:
			unlink("new");
			ASSERT_EQ(0, scratch_file("new", tiny.bytes, tiny.size, 0755));
			ASSERT_EQ(0, rename("new", "program"));
			fd = -1;
		}
		if (fd >= 0)
			close(fd);
		usleep(random_number() % 2000);
	}
	unlink("new");
	ASSERT_EQ(0, scratch_file("new", tiny.bytes, tiny.size, 0755));
	ASSERT_EQ(0, rename("new", "program"));
	EXPECT_TRUE(some_more(&h, 3));
	end_counted_spawners(_metadata, &h, rounds);
}

TEST_F(spawn, cpu_that_comes_and_goes)
{
	static const char cpu[] = "/sys/devices/system/cpu/cpu1";
	struct workload h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(20);

	if (geteuid() || access("/sys/devices/system/cpu/cpu1/online", W_OK))
		SKIP(return, "needs root and a second CPU that can be taken away");
	start_counted_spawners(_metadata, self->device, &h);
	for (i = 0; i < rounds; i++) {
		EXPECT_EQ(0, put_in(cpu, "online", "0"));
		EXPECT_TRUE(some_more(&h, 1));
		EXPECT_EQ(0, put_in(cpu, "online", "1"));
		EXPECT_TRUE(some_more(&h, 1));
	}
	end_counted_spawners(_metadata, &h, rounds);
}

/* The child's, as it executes: from none to enough. */
TEST_F(spawn, address_space_at_its_limit)
{
	static char argument[64 << 10];
	struct rlimit limit, old;
	unsigned long pages;
	struct spawn s;
	int started = 0, killed = 0, refused = 0;

	memset(argument, 'x', sizeof(argument) - 1);
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &old));
	limit = old;
	for (pages = 0; pages < 100; pages++) {
		pid_t pid;
		int status;

		limit.rlim_cur = pages * 4096;
		ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
		spawn_init(&s, scratch_tiny, argument);
		pid = spawn_start(self->device, &s);
		ASSERT_EQ(0, setrlimit(RLIMIT_AS, &old));
		if (pid < 0) {
			EXPECT_TRUE(errno == ENOMEM || errno == E2BIG)
				TH_LOG("%m");
			EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
			EXPECT_TRUE(own_no_child());
			refused++;
			continue;
		}
		status = own_wait(pid);
		/* Past the point of no return, as with execve(). */
		EXPECT_TRUE(!status || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV ||
								WTERMSIG(status) == SIGKILL)))
			TH_LOG("%lu pages: wait status %#x", pages, status);
		started += !status;
		killed += !!status;
	}
	EXPECT_LT(0, started);
	EXPECT_LT(0, killed);
	EXPECT_LT(0, refused);
}

TEST_HARNESS_MAIN
