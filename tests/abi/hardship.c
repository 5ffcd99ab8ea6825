// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processes that go on starting programs while something is done to them, to
 * their programs or to their CPUs: stopped, frozen, traced, out of memory, out
 * of pids.  Each start ends in one of the ways it may, and nothing is left.
 */
#include "lib/fixture.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define SPAWNERS	3
#define CGROUP_ROOT	"/sys/fs/cgroup"

static long number_in(const char *directory, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return totals_number(path);
}

/* What the spawners have met; shared with them. */
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
 * struct hardship - what spawners do, and how it may end
 * @tally:    shared memory
 * @program:  what is started
 * @errors:   errors that are no surprise; ends with 0
 * @signals:  bit N: signal N may end a child
 * @directory: a working directory for the child, or null
 */
struct hardship {
	struct tally *tally;
	const char *program;
	int errors[8];
	__u64 signals;
	const char *directory;
};

static void add(int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static int get(const int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static bool may_fail_with(const struct hardship *h, int error)
{
	unsigned int i;

	for (i = 0; h->errors[i]; i++)
		if (h->errors[i] == error)
			return true;
	return false;
}

/* Start programs, each third one in vain, until told to stop. */
static void go_on_spawning(int device, const struct hardship *h)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; !get(&h->tally->stop); i++) {
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
			add(&h->tally->started);
		} else if (pid < 0 && (may_fail_with(h, errno) || (!good && errno == ENOENT))) {
			add(&h->tally->refused);
		} else {
			h->tally->last_error = pid < 0 ? errno : 0;
			h->tally->last_step = s.result.step;
			h->tally->last_status = status;
			add(&h->tally->strange);
		}
	}
	_exit(own_no_child() ? 0 : 1);
}

static void start_spawners(struct __test_metadata *_metadata, int device, struct hardship *h,
			   pid_t pids[SPAWNERS])
{
	unsigned int i;

	if (!h->tally)
		h->tally = mmap(NULL, sizeof(*h->tally), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, h->tally);
	for (i = 0; i < SPAWNERS; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			go_on_spawning(device, h);
	}
}

static void end_spawners(struct __test_metadata *_metadata, const struct hardship *h,
			 const pid_t pids[SPAWNERS])
{
	unsigned int i;

	__atomic_store_n(&h->tally->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < SPAWNERS; i++)
		EXPECT_EQ(0, own_wait(pids[i]));
	EXPECT_LT(0, h->tally->started);
	EXPECT_EQ(0, h->tally->strange)
		TH_LOG("%s, step %d, wait status %#x", strerrorname_np(h->tally->last_error),
		       h->tally->last_step, h->tally->last_status);
	EXPECT_TRUE(own_no_child());
}

/* Wait until another @more programs have been started; false after 60 s. */
static bool some_more(const struct hardship *h, int more)
{
	int until = get(&h->tally->started) + more;
	unsigned long long end = own_clock_ms() + 60000;

	while (get(&h->tally->started) < until) {
		if (own_clock_ms() > end)
			return false;
		own_sleep_ms(1);
	}
	return true;
}

static unsigned int random_number(void)
{
	static unsigned int seed = 4711;

	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

/* A cgroup of our own with @controller; its path, or false. */
static bool make_cgroup(char path[64], const char *controller)
{
	char text[32];

	snprintf(text, sizeof(text), "+%s", controller);
	put_in(CGROUP_ROOT, "cgroup.subtree_control", text);
	snprintf(path, 64, CGROUP_ROOT "/kspawn-hardship-%d", getpid());
	snprintf(text, sizeof(text), "%s.max", controller);
	if (geteuid() || mkdir(path, 0755))
		return false;
	return !strcmp(controller, "freezer") || number_in(path, text) != -1 ||
	       !put_in(path, text, "max");
}

#define NEEDS_CGROUP	"needs root and that controller of cgroup v2"

static void move_all(const char *path, const pid_t pids[SPAWNERS])
{
	char text[16];
	unsigned int i;

	for (i = 0; i < SPAWNERS; i++) {
		snprintf(text, sizeof(text), "%d", pids[i]);
		put_in(path, "cgroup.procs", text);
	}
}

TEST_F(spawn, stopped_and_continued)
{
	struct hardship h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(300);
	struct totals before, after;
	pid_t pids[SPAWNERS];

	totals_take(&before);
	start_spawners(_metadata, self->device, &h, pids);
	for (i = 0; i < rounds; i++) {
		pid_t pid = pids[i % SPAWNERS];

		ASSERT_EQ(0, kill(pid, SIGSTOP));
		usleep(random_number() % 2000);
		ASSERT_EQ(0, kill(pid, SIGCONT));
		usleep(random_number() % 2000);
	}
	EXPECT_TRUE(some_more(&h, 3));
	end_spawners(_metadata, &h, pids);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, rounds);
}

/* Attached to and let go at any moment, the callers and whatever children they have. */
TEST_F(spawn, traced_now_and_then)
{
	struct hardship h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(300);
	struct totals before, after;
	pid_t pids[SPAWNERS];
	int status, caught = 0;

	if (geteuid())
		SKIP(return, NEEDS_ROOT);
	totals_take(&before);
	start_spawners(_metadata, self->device, &h, pids);
	for (i = 0; i < rounds; i++) {
		pid_t pid = pids[i % SPAWNERS];

		/* Its child, if there is one: pids are given in their order. */
		if (i % 2)
			pid = totals_number("/proc/sys/kernel/ns_last_pid");
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
	end_spawners(_metadata, &h, pids);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, rounds);
}

TEST_F(spawn, frozen_and_thawed)
{
	struct hardship h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(100);
	pid_t pids[SPAWNERS];
	char path[64];

	if (!make_cgroup(path, "freezer"))
		SKIP(return, NEEDS_CGROUP);
	start_spawners(_metadata, self->device, &h, pids);
	move_all(path, pids);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
		usleep(random_number() % 5000);
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
		usleep(random_number() % 2000);
	}
	EXPECT_TRUE(some_more(&h, 3));
	end_spawners(_metadata, &h, pids);
	EXPECT_EQ(0, rmdir(path));
}

/* While frozen, whoever waits for a child in exec waits on, and no longer. */
TEST_F(spawn, frozen_for_a_while)
{
	struct hardship h = { .program = scratch_tiny };
	unsigned int round, frozen = 0;
	pid_t pids[SPAWNERS];
	char path[64];

	if (!make_cgroup(path, "freezer"))
		SKIP(return, NEEDS_CGROUP);
	start_spawners(_metadata, self->device, &h, pids);
	move_all(path, pids);
	for (round = 0; round < 5; round++) {
		unsigned long long end = own_clock_ms() + 20000;
		int started;

		ASSERT_TRUE(some_more(&h, 1));
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "1"));
		/* A caller that waits for its child freezes with it. */
		while (own_clock_ms() < end && !frozen) {
			char file[128], line[64];
			FILE *events;

			snprintf(file, sizeof(file), "%s/cgroup.events", path);
			events = fopen(file, "r");
			while (events && fgets(line, sizeof(line), events))
				frozen |= !strcmp(line, "frozen 1\n");
			if (events)
				fclose(events);
			own_sleep_ms(5);
		}
		EXPECT_TRUE(frozen);
		started = get(&h.tally->started);
		own_sleep_ms(50);
		EXPECT_EQ(started, get(&h.tally->started));
		ASSERT_EQ(0, put_in(path, "cgroup.freeze", "0"));
		frozen = 0;
	}
	end_spawners(_metadata, &h, pids);
	EXPECT_EQ(0, rmdir(path));
}

/* At the limit there is an EAGAIN, never one process too many or too few. */
TEST_F(spawn, limit_of_a_cgroup_that_moves)
{
	struct hardship h = { .program = scratch_tiny, .errors = { EAGAIN } };
	unsigned int i, rounds = scratch_scale(200);
	pid_t pids[SPAWNERS];
	char path[64], text[16];

	if (!make_cgroup(path, "pids"))
		SKIP(return, NEEDS_CGROUP);
	start_spawners(_metadata, self->device, &h, pids);
	move_all(path, pids);
	for (i = 0; i < rounds; i++) {
		snprintf(text, sizeof(text), "%u", SPAWNERS + random_number() % (SPAWNERS + 1));
		ASSERT_EQ(0, put_in(path, "pids.max", text));
		usleep(random_number() % 2000);
		EXPECT_GE(2 * SPAWNERS, number_in(path, "pids.current"));
	}
	/* Nobody may have more than is there: each start is refused. */
	ASSERT_EQ(0, put_in(path, "pids.max", "1"));
	own_sleep_ms(50);
	EXPECT_LT(0, get(&h.tally->refused));
	ASSERT_EQ(0, put_in(path, "pids.max", "max"));
	EXPECT_TRUE(some_more(&h, 3));
	end_spawners(_metadata, &h, pids);
	EXPECT_EQ(0, number_in(path, "pids.current"));
	EXPECT_EQ(0, rmdir(path));
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

	if (!make_cgroup(path, "memory"))
		SKIP(return, NEEDS_CGROUP);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, put_in(path, "memory.max", "12M"));
	put_in(path, "memory.swap.max", "0");
	/* qemu/vm excuses the traces that follow. */
	announce_failing_allocations();
	totals_take(&before);
	for (i = 0; i < rounds; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
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
	EXPECT_EQ(0, number_in(path, "pids.current") > 0);
	EXPECT_EQ(0, rmdir(path));
}

struct image {
	char bytes[16384];
	ssize_t size;
};

static void read_tiny(struct __test_metadata *_metadata, struct image *image)
{
	int fd = open(scratch_tiny, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	image->size = read(fd, image->bytes, sizeof(image->bytes));
	close(fd);
	ASSERT_LT(64, image->size);
	ASSERT_GT((ssize_t)sizeof(image->bytes), image->size);
}

/* The file system of the program and of its directory goes away and comes back. */
TEST_F(spawn, file_system_that_disappears)
{
	struct hardship h = {
		.program = "tiny", .directory = "there",
		/* Gone, or not whole yet. */
		.errors = { ENOENT, ETXTBSY, EACCES },
	};
	unsigned int i, rounds = scratch_scale(60);
	struct totals before, after;
	pid_t pids[SPAWNERS];
	struct image tiny;

	if (geteuid())
		SKIP(return, NEEDS_ROOT);
	ASSERT_EQ(0, mkdir("there", 0755));
	read_tiny(_metadata, &tiny);
	totals_take(&before);
	start_spawners(_metadata, self->device, &h, pids);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, mount("none", "there", "tmpfs", 0, NULL));
		ASSERT_EQ(0, scratch_file("there/tiny", tiny.bytes, tiny.size, 0755));
		EXPECT_TRUE(some_more(&h, 1));
		/* Busy or not. */
		ASSERT_EQ(0, umount2("there", MNT_DETACH));
		usleep(random_number() % 3000);
	}
	end_spawners(_metadata, &h, pids);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, rounds);
}

/* Replaced, cut short, written to: as a whole or not at all. */
TEST_F(spawn, program_that_is_rewritten)
{
	struct hardship h = {
		.program = "./program",
		.errors = { ENOENT, ETXTBSY, ENOEXEC, EACCES, EIO, ELIBBAD },
		.signals = spawn_signal_bit(SIGSEGV) | spawn_signal_bit(SIGBUS) |
			   spawn_signal_bit(SIGKILL) | spawn_signal_bit(SIGILL),
	};
	unsigned int i, rounds = scratch_scale(200);
	struct totals before, after;
	pid_t pids[SPAWNERS];
	struct image tiny;
	int fd;

	read_tiny(_metadata, &tiny);
	ASSERT_EQ(0, scratch_file("program", tiny.bytes, tiny.size, 0755));
	totals_take(&before);
	start_spawners(_metadata, self->device, &h, pids);
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
	end_spawners(_metadata, &h, pids);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, rounds);
}

TEST_F(spawn, cpu_that_comes_and_goes)
{
	static const char cpu[] = "/sys/devices/system/cpu/cpu1";
	struct hardship h = { .program = scratch_tiny };
	unsigned int i, rounds = scratch_scale(20);
	struct totals before, after;
	pid_t pids[SPAWNERS];

	if (geteuid() || access("/sys/devices/system/cpu/cpu1/online", W_OK))
		SKIP(return, "needs root and a second CPU that can be taken away");
	totals_take(&before);
	start_spawners(_metadata, self->device, &h, pids);
	for (i = 0; i < rounds; i++) {
		EXPECT_EQ(0, put_in(cpu, "online", "0"));
		EXPECT_TRUE(some_more(&h, 1));
		EXPECT_EQ(0, put_in(cpu, "online", "1"));
		EXPECT_TRUE(some_more(&h, 1));
	}
	end_spawners(_metadata, &h, pids);
	totals_take(&after);
	expect_totals(_metadata, &before, &after, rounds);
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
		spawn_init(&s, scratch_tiny);
		spawn_arg(&s, argument);
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
