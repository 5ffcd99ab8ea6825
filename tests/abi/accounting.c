// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory is charged to the cgroup of the process that it is for. */
#include "lib/batches.h"
#include "lib/cgroups.h"
#include "lib/completion.h"
#include "lib/userfault.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define PIPES		"2000"
/* The least that a pipe takes: its buffers. */
#define PIPES_BYTES	(2000 * 640L)

enum way { FORK, SPAWN, SPAWN_WITH_THREAD, SPAWN_WITH_ACTIONS, SPAWN_INTO, SPAWN_IN_BATCH };

/* Before another, which it waits for: it is not charged for what comes after that. */
static pid_t start_in_batch(int device, struct spawn *s)
{
	struct batch b;

	batch_init(&b, 2, KSPAWN_BATCH_FLAGS_ALL & ~KSPAWN_BATCH_PIPES);
	b.addresses[0] = spawn_pointer(&s->args);
	if (batch_start(device, &b) != 2)
		return -1;
	own_wait(b.starts[1].result.pid);
	return s->result.pid;
}

/* A caller in the group, or with SPAWN_INTO outside it, that starts "child pipes". */
static void start_pipes(int device, const char *cgroup, enum way way, int ready)
{
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DEFINE_SPAWN(s, scratch_child, "child", "pipes");
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (way != SPAWN_INTO && put_in(cgroup, "cgroup.procs", "0"))
		_exit(2);
	if (way == SPAWN_WITH_THREAD && own_start_idle_thread())
		_exit(3);
	spawn_arg(&s, PIPES);
	spawn_dup2(&s, ready, 1);
	if (way == SPAWN_WITH_ACTIONS) {
		spawn_chdir(&s, "/");
		spawn_open(&s, 9, "dev/null", O_RDONLY, 0);
	}
	if (way == SPAWN_INTO)
		spawn_setcgroup(&s, fd);
	if (way == FORK) {
		pid = fork();
		if (!pid) {
			dup2(ready, 1);
			execl(scratch_child, "child", "pipes", PIPES, NULL);
			_exit(127);
		}
	} else if (way == SPAWN_IN_BATCH) {
		pid = start_in_batch(device, &s);
	} else {
		pid = spawn_start(device, &s);
	}
	if (pid < 0)
		_exit(4);
	for (;;)
		pause();
}

static void expect_pipes_charged(struct __test_metadata *_metadata, int device, enum way way)
{
	struct rlimit files = { 8192, 8192 };
	char cgroup[64], byte;
	pid_t caller, child;
	int ready[2];
	long before;

	if (!make_cgroup_with("memory", cgroup))
		SKIP(return, NEEDS_CONTROLLER);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	before = bytes_of(cgroup);
	caller = assert_fork(_metadata);
	if (!caller)
		start_pipes(device, cgroup, way, ready[1]);
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_LE(PIPES_BYTES, bytes_of(cgroup) - before)
		TH_LOG("%ld bytes", bytes_of(cgroup) - before);
	child = own_wait_child_of(caller);
	kill(child, SIGKILL);
	kill(caller, SIGKILL);
	EXPECT_EQ(SIGKILL, own_wait(caller));
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	while (rmdir(cgroup) && errno == EBUSY)
		own_sleep_ms(10);
}

/* The measure itself: a fork()ed child is charged. */
TEST_F(spawn, pipes_of_a_forked_program)
{
	expect_pipes_charged(_metadata, self->device, FORK);
}

TEST_F(spawn, pipes_of_a_program)
{
	expect_pipes_charged(_metadata, self->device, SPAWN);
}

TEST_F(spawn, pipes_of_a_program_of_a_caller_with_threads)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_WITH_THREAD);
}

TEST_F(spawn, pipes_of_a_program_after_actions)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_WITH_ACTIONS);
}

TEST_F(spawn, pipes_of_a_program_in_another_cgroup)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_INTO);
}

TEST_F(spawn, pipes_of_a_program_in_a_batch)
{
	expect_pipes_charged(_metadata, self->device, SPAWN_IN_BATCH);
}

#define BIG_ACTIONS	60000
#define BIG_REQUESTS	8

/* Requests that are under way are the caller's memory. */
TEST_F(spawn, requests)
{
	int completion = completion_open(self->device, BIG_REQUESTS, 0), i;
	struct kspawn_action *actions = calloc(BIG_ACTIONS, sizeof(*actions));
	pid_t pids[BIG_REQUESTS], caller;
	char cgroup[64];

	ASSERT_LE(0, completion);
	if (!make_cgroup_with("memory", cgroup))
		SKIP(return, NEEDS_CONTROLLER);
	mkfifo("fifo", 0600);
	for (i = 0; i < BIG_ACTIONS; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 100;
	}
	actions[0].op = KSPAWN_ACTION_OPEN;
	actions[0].dirfd = AT_FDCWD;
	actions[0].path = spawn_pointer("fifo");
	caller = assert_fork(_metadata);
	if (!caller) {
		long before, after;
		int fifo;

		if (put_in(cgroup, "cgroup.procs", "0"))
			_exit(2);
		before = bytes_of(cgroup);
		for (i = 0; i < BIG_REQUESTS; i++) {
			DEFINE_SPAWN(s, scratch_tiny);

			spawn_set_actions(&s, actions, BIG_ACTIONS);
			completion_use(&s, completion, i);
			pids[i] = spawn_start(self->device, &s);
			if (pids[i] < 0)
				_exit(3);
		}
		after = bytes_of(cgroup);
		for (i = 0; i < BIG_REQUESTS; i++)
			if (!own_wait_state(pids[i], 'S'))
				_exit(4);
		fifo = open("fifo", O_WRONLY | O_CLOEXEC);
		for (i = 0; i < BIG_REQUESTS; i++)
			if (own_wait(pids[i]))
				_exit(5);
		close(fifo);
		/* An action takes 32 bytes there at least. */
		_exit(after - before < 32L * BIG_ACTIONS * BIG_REQUESTS ? 1 : 0);
	}
	EXPECT_EQ(0, own_wait(caller));
	while (rmdir(cgroup) && errno == EBUSY)
		own_sleep_ms(10);
	free(actions);
}

/* A caller in a group of its own; @work tells by how many bytes that has grown. */
struct caller {
	int device;
	int completion;
	int uffd;
	char *page;
	char cgroup[64];
	long bytes;
};

static void expect_charged(struct __test_metadata *_metadata, int device,
			   long (*work)(struct caller *caller), long least)
{
	struct caller *caller = mmap(NULL, sizeof(*caller), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rlimit files = { 1 << 19, 1 << 19 };
	pid_t pid;

	ASSERT_NE(MAP_FAILED, caller);
	if (!make_cgroup_with("memory", caller->cgroup))
		SKIP(return, NEEDS_CONTROLLER);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	caller->device = device;
	caller->bytes = -1;
	pid = assert_fork(_metadata);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		caller->completion = completion_open(device, KSPAWN_EVENTS_MAX, 0);
		if (!put_in(caller->cgroup, "cgroup.procs", "0"))
			caller->bytes = work(caller);
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_LE(least, caller->bytes);
	TH_LOG("%ld bytes", caller->bytes);
	/* Its children, which are ours now. */
	put_in(caller->cgroup, "cgroup.kill", "1");
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	while (rmdir(caller->cgroup) && errno == EBUSY)
		own_sleep_ms(10);
}

#define HELD	4
#define HIGH	262143

/* The tables of children that are on their way to their program. */
static long hold_tables(struct caller *caller)
{
	struct spawn s;
	long before;

	if (fcntl(0, F_DUPFD, HIGH) != HIGH)
		return -1;
	before = bytes_of(caller->cgroup);
	for (int i = 0; i < HELD; i++) {
		completion_hold(&s, caller->completion, i);
		if (spawn_start(caller->device, &s) < 0)
			return -1;
	}
	return bytes_of(caller->cgroup) - before;
}

TEST_F(spawn, tables_of_descriptors)
{
	expect_charged(_metadata, self->device, hold_tables, HELD * HIGH * 8L);
}

/* The memory that an action takes before the child has any of its own. */
static long grow_tables(struct caller *caller)
{
	long before = bytes_of(caller->cgroup);
	struct spawn s;

	for (int i = 0; i < HELD; i++) {
		spawn_init(&s, scratch_child, "child", "pause");
		spawn_dup2(&s, 0, HIGH);
		if (spawn_start(caller->device, &s) < 0)
			return -1;
	}
	return bytes_of(caller->cgroup) - before;
}

TEST_F(spawn, tables_that_an_action_grows)
{
	expect_charged(_metadata, self->device, grow_tables, HELD * HIGH * 8L);
}

#define THREADS	256

struct worker {
	struct caller *caller;
	int *ready;
	int *go;
};

/* Once for its stack, and once with a path that cannot be read yet. */
static void *wait_in_the_copy(void *argument)
{
	struct worker *worker = argument;
	DEFINE_SPAWN(s, "/no/such/program");

	spawn_start(worker->caller->device, &s);
	__atomic_add_fetch(worker->ready, 1, __ATOMIC_ACQ_REL);
	while (!__atomic_load_n(worker->go, __ATOMIC_ACQUIRE))
		own_sleep_ms(10);
	spawn_init(&s, worker->caller->page);
	spawn_start(worker->caller->device, &s);
	return NULL;
}

static long hold_requests(struct caller *caller)
{
	size_t size = sysconf(_SC_PAGESIZE);
	struct worker worker = { .caller = caller };
	char *content = calloc(1, size);
	int ready = 0, go = 0, i;
	pthread_t threads[THREADS];
	long before, after;

	caller->uffd = userfault_open();
	caller->page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!content || caller->uffd < 0 || caller->page == MAP_FAILED ||
	    userfault_watch(caller->uffd, caller->page, size))
		return -1;
	worker.ready = &ready;
	worker.go = &go;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, wait_in_the_copy, &worker))
			return -1;
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < THREADS)
		own_sleep_ms(10);
	before = bytes_of(caller->cgroup);
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++)
		if (userfault_wait(caller->uffd))
			return -1;
	after = bytes_of(caller->cgroup);
	snprintf(content, size, "/no/such/program");
	if (userfault_answer(caller->uffd, caller->page, content, size))
		return -1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return after - before;
}

/* Requests of less than a page are the caller's memory, too. */
TEST_F(spawn, small_requests)
{
	int uffd = userfault_open();

	if (uffd < 0)
		SKIP(return, "no userfaultfd for faults of the kernel: %m");
	close(uffd);
	expect_charged(_metadata, self->device, hold_requests, THREADS * 3000L);
}

#define UNREAD	8000

static long leave_events(struct caller *caller)
{
	long before = 0;

	for (int i = -100; i < UNREAD; i++) {
		DEFINE_SPAWN(s, scratch_tiny);

		/* The memory of failed children is given back late. */
		if (!i) {
			own_sleep_ms(2000);
			before = bytes_of(caller->cgroup);
		}
		spawn_dup2(&s, 99, 98);
		completion_use(&s, caller->completion, i);
		if (spawn_start(caller->device, &s) < 0)
			return -1;
	}
	return bytes_of(caller->cgroup) - before;
}

TEST_F(spawn, events_that_nobody_reads)
{
	/* 64 bytes each. */
	expect_charged(_metadata, self->device, leave_events, UNREAD * 16L);
}

/* "read" holds the program back until it is in the other group. */
static long make_pipes_elsewhere(struct caller *caller)
{
	char command[PATH_MAX + 64], other[96], pid_text[16], byte;
	int go[2], ready[2];
	struct spawn s;
	long before;
	pid_t pid;

	snprintf(other, sizeof(other), "%s-other", caller->cgroup);
	if (mkdir(other, 0755) || pipe2(go, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		return -1;
	snprintf(command, sizeof(command), "read line; exec %s pipes " PIPES, scratch_child);
	spawn_init(&s, "/bin/sh", "sh", "-c", command);
	spawn_dup2(&s, go[0], 0);
	spawn_dup2(&s, ready[1], 1);
	pid = spawn_start(caller->device, &s);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	if (pid < 0 || put_in(other, "cgroup.procs", pid_text))
		return -1;
	before = bytes_of(other);
	if (write(go[1], "\n", 1) != 1 || read(ready[0], &byte, 1) != 1)
		return -1;
	before = bytes_of(other) - before;
	kill(pid, SIGKILL);
	own_wait(pid);
	while (rmdir(other) && errno == EBUSY)
		own_sleep_ms(10);
	return before;
}

TEST_F(spawn, pipes_of_a_program_that_is_moved)
{
	expect_charged(_metadata, self->device, make_pipes_elsewhere, PIPES_BYTES);
}

#define MADE	450

/* The bytes by which a start makes the caller's cgroup grow; -1: it failed. */
static long bytes_of_start(struct caller *caller, struct spawn *s)
{
	long before = bytes_of(caller->cgroup), grown;
	pid_t pid = spawn_start(caller->device, s);

	grown = bytes_of(caller->cgroup) - before;
	if (pid < 0)
		return -1;
	kill(pid, SIGKILL);
	own_wait(pid);
	return grown;
}

/* Pipes that the start makes are charged to its caller, whoever's the program is. */
static long have_pipes_made(struct caller *caller)
{
	struct kspawn_action *actions = calloc(MADE, sizeof(*actions));
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int *ends = calloc(MADE, sizeof(*ends));

	if (!actions || !ends)
		return -1;
	for (int i = 0; i < MADE; i++) {
		actions[i].op = KSPAWN_ACTION_PIPE;
		actions[i].newfd = 10 + i;
		actions[i].path = spawn_pointer(&ends[i]);
	}
	spawn_set_actions(&s, actions, MADE);
	return bytes_of_start(caller, &s);
}

TEST_F(spawn, pipes_that_are_made)
{
	expect_charged(_metadata, self->device, have_pipes_made, MADE * 640L);
}

/* Each CPU charges MEMCG_CHARGE_BATCH pages at once.  A group has not grown by what it takes of
 * those that were charged before.
 */
#define STOCK_BYTES	(64 * 4096L)

static long have_contents_copied(struct caller *caller)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	char *bytes = malloc(KSPAWN_ACTION_BYTES_MAX);

	if (!bytes)
		return -1;
	memset(bytes, 1, KSPAWN_ACTION_BYTES_MAX);
	spawn_memfd(&s, 9, bytes, KSPAWN_ACTION_BYTES_MAX, 0);
	return bytes_of_start(caller, &s);
}

TEST_F(spawn, contents_of_a_file_in_memory)
{
	long stocks = STOCK_BYTES * sysconf(_SC_NPROCESSORS_ONLN);

	expect_charged(_metadata, self->device, have_contents_copied,
		       KSPAWN_ACTION_BYTES_MAX - stocks);
}

static long dying_cgroups(void)
{
	FILE *file = fopen(CGROUP_ROOT "/cgroup.stat", "re");
	char line[128];
	long dying = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "nr_dying_descendants %ld", &dying) == 1)
			break;
	if (file)
		fclose(file);
	return dying;
}

static long start_some(struct caller *caller)
{
	for (int i = 0; i < 20; i++) {
		DEFINE_SPAWN(s, scratch_tiny);

		if (i % 2)
			spawn_dup2(&s, 99, 98);
		s.args.flags = KSPAWN_WAIT;
		if ((spawn_start(caller->device, &s) < 0) != i % 2)
			return -1;
	}
	return 0;
}

/* Pages of files that its processes have read keep a group, too, until they are dropped. */
static long fewest_dying_cgroups(long enough)
{
	unsigned long long end = own_clock_ms() + 5000;
	long fewest = dying_cgroups();

	while (fewest > enough && own_clock_ms() < end) {
		long now;

		put("/proc/sys/vm/drop_caches", "3");
		own_sleep_ms(100);
		now = dying_cgroups();
		fewest = now < fewest ? now : fewest;
	}
	return fewest;
}

/* A group that has been removed is freed: no start has kept it. */
TEST_F(spawn, removed_groups)
{
	long before;

	if (geteuid())
		SKIP(return, NEEDS_CONTROLLER);
	before = fewest_dying_cgroups(0);
	for (int i = 0; i < 5; i++)
		expect_charged(_metadata, self->device, start_some, 0);
	EXPECT_GE(before, fewest_dying_cgroups(before));
}

TEST_HARNESS_MAIN
