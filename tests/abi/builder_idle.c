// SPDX-License-Identifier: LGPL-2.1-or-later
/* A builder that waits costs no time, is no load, and takes little memory. */
#include "lib/builders.h"
#include "lib/cgroups.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#define BUILDERS	100
/*
 * Beside the kernel's stack, which has 16 KiB.  The task takes 10 of that, and the page table
 * of an empty memory, which the kernel makes twice as large as one page, 8.
 */
#define MOST_BYTES	((28 + 16) << 10)

/* Lists and actions that are of no use any more once they have been carried out. */
static void large_init(struct spawn *s)
{
	static char path[4000];

	memset(path, '/', sizeof(path) - 2);
	path[sizeof(path) - 2] = '.';
	plain_init(s);
	for (int i = 0; i < 15; i++)
		spawn_chdir(s, path);
}

/* A process in the group makes them, so that only what is theirs is charged to it. */
static void make_many(int device, const char *cgroup, bool with_actions, int ready, int go)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (put_in(cgroup, "cgroup.procs", "0"))
		_exit(2);
	for (int i = 0; i < BUILDERS + 1; i++) {
		struct spawn s;

		plain_init(&s);
		if (with_actions)
			large_init(&s);
		if (call(device, KSPAWN_IOC_BUILDER, &s) < 0)
			_exit(3);
		/* The first fills caches. */
		if ((!i || i == BUILDERS) &&
		    (write(ready, "x", 1) != 1 || read(go, &byte, 1) != 1))
			_exit(4);
	}
	_exit(0);
}

static void expect_little_memory(struct __test_metadata *_metadata, int device, bool with_actions)
{
	const char *kernel = getenv("KSPAWN_KERNEL");
	int ready[2], go[2];
	long before, each;
	char path[64], byte;
	pid_t maker;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	maker = assert_fork(_metadata);
	if (!maker)
		make_many(device, path, with_actions, ready[1], go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	before = bytes_of(path);
	ASSERT_EQ(1, write(go[1], "x", 1));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	own_sleep_ms(100);
	each = (bytes_of(path) - before) / BUILDERS;
	TH_LOG("%ld bytes each, with the stack", each);
	/* A kernel that checks itself has more beside each object. */
	if (!kernel || strcmp(kernel, "debug"))
		EXPECT_GE(MOST_BYTES, each);
	EXPECT_LT(16 << 10, each)
		TH_LOG("not even a stack was charged");
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, own_wait(maker));
	remove_cgroup(_metadata, path);
}

TEST_F(spawn, memory)
{
	expect_little_memory(_metadata, self->device, false);
}

TEST_F(spawn, memory_after_many_actions)
{
	expect_little_memory(_metadata, self->device, true);
}

/* Nanoseconds that it has run. */
static unsigned long long cpu_time_of(pid_t pid)
{
	char path[64], text[128];
	unsigned long long time = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file))
		time = strtoull(text, NULL, 10);
	fclose(file);
	return time;
}

/* It sleeps: not a moment of a CPU, and in no state that counts as load. */
TEST_F(spawn, no_time)
{
	unsigned long long before;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_TRUE(own_wait_state(pid, 'S'));
	own_sleep_ms(200);
	before = cpu_time_of(pid);
	if (!before)
		SKIP(return, "this kernel does not account the time of a task (CONFIG_SCHED_INFO)");
	own_sleep_ms(1500);
	EXPECT_EQ(before, cpu_time_of(pid));
	EXPECT_TRUE(own_wait_state(pid, 'S'));
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
}

/* It is a process of its user's, and counts as one. */
TEST_F(spawn, limit_of_processes)
{
	struct rlimit limit = { 2, 2 };
	struct idle before;
	struct spawn s;
	pid_t caller, pid;
	int builder;

	need_root(_metadata);
	idle_take(&before);
	caller = assert_fork(_metadata);
	if (caller) {
		EXPECT_EQ(0, own_wait(caller));
		expect_idle(_metadata, &before);
		return;
	}
	if (own_drop_privileges() || setrlimit(RLIMIT_NPROC, &limit))
		_exit(1);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	if (call(self->device, KSPAWN_IOC_BUILDER, &s) != -1 || errno != EAGAIN ||
	    s.result.step != KSPAWN_STEP_CLONE)
		_exit(2);
	close(builder);
	if (!wait_gone(pid))
		_exit(3);
	builder = assert_builder(_metadata, self->device, &pid);
	spawn_init(&s, scratch_tiny);
	if (start(builder, &s) != pid)
		_exit(4);
	_exit(own_wait(pid) ? 5 : 0);
}

/* Each call is counted as what it is, and a close as no kill. */
TEST_F(spawn, counters)
{
	static const char *const names[] = {
		"spawns", "builders", "applies", "starts", "clones", "killed", "closed",
		"fail_builder", "fail_exec", "in_flight",
	};
	static const long wanted[] = { 0, 3, 1, 3, 3, 1, 1, 1, 1, 0 };
	long before[ARRAY_SIZE(names)];
	DEFINE_SPAWN(program, scratch_tiny);
	DEFINE_SPAWN(missing, "/no/such/program");
	char path[128];
	struct spawn s;
	int builder;
	pid_t pid;

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/class/misc/kspawn/stats/%s", names[i]);
		before[i] = totals_number(path);
		EXPECT_LE(0, before[i])
			TH_LOG("%s", names[i]);
	}
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_chdir(&s, "/");
	EXPECT_EQ(0, apply(builder, &s));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &missing, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(pid, start(builder, &program));
	EXPECT_EQ(0, own_wait(pid));
	expect_call(_metadata, builder, KSPAWN_IOC_START, &program, ESRCH, KSPAWN_STEP_BUILDER, 0);
	close(builder);
	builder = assert_builder(_metadata, self->device, &pid);
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_gone(pid));
	close(builder);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/class/misc/kspawn/stats/%s", names[i]);
		EXPECT_TRUE(totals_settle(path, before[i] + wanted[i], TOTALS_SETTLE_MS))
			TH_LOG("%s: %ld, was %ld", names[i], totals_number(path), before[i]);
	}
}

TEST_HARNESS_MAIN
