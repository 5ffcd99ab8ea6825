// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The request's memory changes while it is read.  Whatever the moment, the
 * outcome must be that of the one content or the other, and never a mixture:
 * each thing is changed by a single store.
 */
#include "lib/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

#define STOP(flag)	__atomic_load_n(&(flag), __ATOMIC_RELAXED)

/*
 * An emulator may run one CPU at a time, for long: both sides sleep now and
 * then, or hundreds of rounds would go by without a change.
 */
#define PAUSE_US	300

struct flipper {
	pthread_t thread;
	int stop;
	unsigned long flips;
	/* One of these is changed, between the two values. */
	char *byte;
	__u32 *word;
	__u64 *pointer;
	__u64 values[2];
};

static void *flip(void *argument)
{
	struct flipper *f = argument;
	unsigned int left = 0, random = 1;

	while (!STOP(f->stop)) {
		__u64 value = f->values[++f->flips & 1];

		if (f->byte)
			__atomic_store_n(f->byte, value, __ATOMIC_RELAXED);
		if (f->word)
			__atomic_store_n(f->word, value, __ATOMIC_RELAXED);
		if (f->pointer)
			__atomic_store_n(f->pointer, value, __ATOMIC_RELAXED);
		if (!left--) {
			random = random * 1103515245 + 12345;
			left = random >> 16 & 1023;
			usleep(PAUSE_US);
		}
	}
	return NULL;
}

static void flip_start(struct __test_metadata *_metadata, struct flipper *f)
{
	ASSERT_EQ(0, pthread_create(&f->thread, NULL, flip, f));
}

static void flip_end(struct __test_metadata *_metadata, struct flipper *f)
{
	__atomic_store_n(&f->stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(f->thread, NULL));
	EXPECT_LT(2, f->flips);
}

/* One call: the child's exit status, or -errno. */
static int outcome(struct __test_metadata *_metadata, int device, struct spawn *s)
{
	int status;
	pid_t pid;

	usleep(PAUSE_US);
	pid = spawn_start(device, s);
	if (pid < 0) {
		int error = errno;

		EXPECT_TRUE(own_no_child());
		return -error;
	}
	status = own_wait_exit(pid);
	EXPECT_LE(0, status);
	return status;
}

/* Rounds of calls, meanwhile, that may end in two ways only; both should be seen. */
static void expect_either(struct __test_metadata *_metadata, int device, struct spawn *s,
			  struct flipper *f, int one, int other)
{
	unsigned int i, rounds = scratch_scale(100), seen[2] = {};
	struct before before;

	flip_start(_metadata, f);
	before_call(&before);
	for (i = 0; i < rounds; i++) {
		int end = outcome(_metadata, device, s);

		EXPECT_TRUE(end == one || end == other)
			TH_LOG("round %u ended with %d", i, end);
		if (end != one && end != other)
			break;
		seen[end == other]++;
	}
	EXPECT_EQ(before.descriptors, own_descriptor_count());
	/* With few rounds the other content may never have been there. */
	if (rounds >= 50)
		EXPECT_TRUE(seen[0] && seen[1])
			TH_LOG("%u and %u times", seen[0], seen[1]);
	flip_end(_metadata, f);
}

static void exit_init(struct spawn *s, const char *status)
{
	spawn_init(s, scratch_child, "child", "exit", status);
}

TEST_F(spawn, byte_of_the_path)
{
	char path[] = "./prog-a";
	struct flipper f = { .byte = path + 7, .values = { 'a', 'b' } };
	struct spawn s;

	ASSERT_EQ(0, symlink(scratch_tiny, "prog-a"));
	ASSERT_EQ(0, scratch_copy_child("prog-b", 0755));
	exit_init(&s, "20");
	s.args.path = spawn_pointer(path);
	expect_either(_metadata, self->device, &s, &f, 0, 20);
}

/* One is found, the other is not: the caller's lookup and the child's agree. */
TEST_F(spawn, byte_of_the_path_that_is_missing)
{
	char path[64];
	struct flipper f = { .values = { 'y', '?' } };
	struct spawn s;

	snprintf(path, sizeof(path), "%s", scratch_tiny);
	f.byte = path + strlen(path) - 1;
	spawn_init(&s, path);
	expect_either(_metadata, self->device, &s, &f, 0, -ENOENT);
}

TEST_F(spawn, length_of_the_path)
{
	char path[64];
	struct flipper f = { .values = { '\0', '/' } };
	struct spawn s;

	/* "tiny" and "tiny/x": the NUL comes and goes. */
	snprintf(path, sizeof(path), "%s/x", scratch_tiny);
	f.byte = path + strlen(path) - 2;
	spawn_init(&s, path);
	expect_either(_metadata, self->device, &s, &f, 0, -ENOTDIR);
}

TEST_F(spawn, byte_of_an_argument)
{
	char status[] = "10";
	struct flipper f = { .byte = status, .values = { '1', '2' } };
	struct spawn s;

	exit_init(&s, status);
	expect_either(_metadata, self->device, &s, &f, 10, 20);
}

/* A string that grows and shrinks around the size of what it is copied to. */
TEST_F(spawn, length_of_an_argument)
{
	size_t size = 100000;
	char *text = malloc(size);
	struct flipper f = { .byte = text, .values = { '0', '\0' } };
	struct spawn s;

	ASSERT_NE(NULL, text);
	memset(text, '0', size);
	text[size - 2] = '7';
	text[size - 1] = '\0';
	exit_init(&s, text);
	/* "" and "000...7". */
	expect_either(_metadata, self->device, &s, &f, 0, 7);
	free(text);
}

TEST_F(spawn, pointer_to_an_argument)
{
	struct spawn s;
	struct flipper f = {
		.pointer = (__u64 *)&s.argv[2],
		.values = { spawn_pointer("10"), spawn_pointer("20") },
	};

	exit_init(&s, "10");
	expect_either(_metadata, self->device, &s, &f, 10, 20);
}

/* The list ends there, or it does not. */
TEST_F(spawn, end_of_the_list)
{
	struct spawn s;
	struct flipper f = {
		.pointer = (__u64 *)&s.argv[2],
		.values = { spawn_pointer("10"), 0 },
	};

	exit_init(&s, "10");
	/* child/exit without its status is a wrong use. */
	expect_either(_metadata, self->device, &s, &f, 10, 120);
}

TEST_F(spawn, bad_pointer_in_the_list)
{
	struct spawn s;
	struct flipper f = {
		.pointer = (__u64 *)&s.argv[2],
		.values = { spawn_pointer("10"), 8 },
	};

	exit_init(&s, "10");
	expect_either(_metadata, self->device, &s, &f, 10, -EFAULT);
}

TEST_F(spawn, size_of_the_args)
{
	struct {
		struct spawn s;
		struct kspawn_args args;
		__u64 tail[4];
	} big;
	struct flipper f = { .values = { sizeof(struct kspawn_args),
					 sizeof(struct kspawn_args) + 32 } };
	unsigned int i, rounds = scratch_scale(100);

	memset(&big, 0, sizeof(big));
	spawn_init(&big.s, scratch_tiny);
	big.args = big.s.args;
	big.tail[3] = 1;
	f.word = &big.args.size;
	flip_start(_metadata, &f);
	for (i = 0; i < rounds; i++) {
		pid_t pid;

		usleep(PAUSE_US);
		pid = ioctl(self->device, KSPAWN_IOC_SPAWN, &big.args);
		if (pid < 0) {
			EXPECT_EQ(E2BIG, errno);
			continue;
		}
		EXPECT_EQ(0, own_wait(pid));
	}
	flip_end(_metadata, &f);
}

TEST_F(spawn, flags_and_attributes)
{
	struct spawn s;
	struct flipper f = { .word = &s.args.attr_flags, .values = { 0, 0x40 } };

	spawn_init(&s, scratch_tiny);
	expect_either(_metadata, self->device, &s, &f, 0, -EINVAL);
}

TEST_F(spawn, number_of_actions)
{
	struct spawn s;
	struct flipper f = { .word = &s.args.action_count,
			     .values = { 1, KSPAWN_ACTIONS_MAX + 1 } };

	spawn_init(&s, scratch_tiny);
	spawn_close(&s, 9);
	expect_either(_metadata, self->device, &s, &f, 0, -E2BIG);
}

/* The last of the actions that are counted is good or bad. */
TEST_F(spawn, operation_of_an_action)
{
	struct spawn s;
	struct flipper f = { .word = &s.actions[1].op,
			     .values = { KSPAWN_ACTION_CLOSE, KSPAWN_ACTION_OPEN } };

	spawn_init(&s, scratch_tiny);
	spawn_close(&s, 9);
	spawn_close(&s, 9);
	/* OPEN without a path. */
	expect_either(_metadata, self->device, &s, &f, 0, -EFAULT);
}

TEST_F(spawn, descriptor_of_an_action)
{
	struct spawn s;
	struct flipper f = { .word = (__u32 *)&s.actions[0].fd, .values = { 0, 500 } };

	spawn_init(&s, scratch_tiny);
	spawn_dup2(&s, 0, 9);
	expect_either(_metadata, self->device, &s, &f, 0, -EBADF);
}

TEST_F(spawn, unused_field_of_an_action)
{
	struct spawn s;
	struct flipper f = { .word = (__u32 *)&s.actions[0].newfd, .values = { 0, 1 } };

	spawn_init(&s, scratch_tiny);
	spawn_close(&s, 9);
	expect_either(_metadata, self->device, &s, &f, 0, -EINVAL);
}

TEST_F(spawn, path_of_an_action)
{
	char path[] = "./a";
	DEFINE_SPAWN(s, scratch_tiny);
	struct flipper f = { .byte = path + 2, .values = { 'a', 'b' } };

	ASSERT_EQ(0, mkdir("a", 0755));
	spawn_chdir(&s, path);
	expect_either(_metadata, self->device, &s, &f, 0, -ENOENT);
}

TEST_F(spawn, search_list)
{
	char list[] = "./a";
	struct spawn s;
	struct flipper f = { .byte = list + 2, .values = { 'a', 'b' } };

	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	ASSERT_EQ(0, symlink(scratch_child, "a/prog"));
	ASSERT_EQ(0, symlink(scratch_tiny, "b/prog"));
	exit_init(&s, "10");
	s.args.path = spawn_pointer("prog");
	s.args.search = spawn_pointer(list);
	expect_either(_metadata, self->device, &s, &f, 10, 0);
}

struct mapper {
	pthread_t thread;
	int stop;
	unsigned long rounds;
	char *page;
	const char *content;
	size_t size;
};

/* The page is there with its content, there without, or not there. */
static void *remap(void *argument)
{
	struct mapper *m = argument;

	while (!STOP(m->stop)) {
		munmap(m->page, 4096);
		if (mmap(m->page, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		memcpy(m->page, m->content, m->size);
		m->rounds++;
		usleep(m->rounds % 5 ? 0 : PAUSE_US);
	}
	return NULL;
}

static void map_start(struct __test_metadata *_metadata, struct mapper *m, const void *content,
		      size_t size)
{
	/* Its own place, into which nothing else is mapped meanwhile. */
	m->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, m->page);
	m->content = content;
	m->size = size;
	memcpy(m->page, content, size);
	ASSERT_EQ(0, pthread_create(&m->thread, NULL, remap, m));
}

static void map_end(struct __test_metadata *_metadata, struct mapper *m)
{
	__atomic_store_n(&m->stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(m->thread, NULL));
	EXPECT_LT(2, m->rounds);
}

/* Each round ends with status @one, or with one of @others, negated. */
static void expect_mapped_outcomes(struct __test_metadata *_metadata, int device,
				   struct spawn *s, int one, const int *others)
{
	unsigned int i, rounds = scratch_scale(100);
	struct before before;

	before_call(&before);
	for (i = 0; i < rounds; i++) {
		int end = outcome(_metadata, device, s);
		int known = end == one;
		const int *other;

		for (other = others; *other; other++)
			known |= end == -*other;
		EXPECT_TRUE(known)
			TH_LOG("round %u ended with %d", i, end);
		if (!known)
			break;
	}
	EXPECT_EQ(before.descriptors, own_descriptor_count());
}

TEST_F(spawn, path_is_unmapped)
{
	/* A page of zeros is an empty path. */
	static const int errors[] = { EFAULT, ENOENT, 0 };
	struct mapper m = {};
	struct spawn s;

	map_start(_metadata, &m, scratch_tiny, strlen(scratch_tiny) + 1);
	spawn_init(&s, m.page);
	expect_mapped_outcomes(_metadata, self->device, &s, 0, errors);
	map_end(_metadata, &m);
}

TEST_F(spawn, argument_list_is_unmapped)
{
	/* An empty list lets the child report to nowhere; a short one is wrong. */
	static const int others[] = { EFAULT, -120, -10, 0 };
	struct mapper m = {};
	struct spawn s;

	exit_init(&s, "10");
	spawn_env(&s, "KSPAWN_REPORT=/dev/null");
	map_start(_metadata, &m, s.argv, 4 * sizeof(s.argv[0]));
	s.args.argv = spawn_pointer(m.page);
	expect_mapped_outcomes(_metadata, self->device, &s, 0, others);
	map_end(_metadata, &m);
}

TEST_F(spawn, actions_are_unmapped)
{
	static const int errors[] = { EFAULT, EINVAL, 0 };
	struct mapper m = {};
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_dup2(&s, 0, 9);
	spawn_close(&s, 9);
	map_start(_metadata, &m, s.actions, 2 * sizeof(s.actions[0]));
	s.args.actions = spawn_pointer(m.page);
	expect_mapped_outcomes(_metadata, self->device, &s, 0, errors);
	map_end(_metadata, &m);
}

/*
 * The result is written before the child exists and again at the end.  If it
 * goes away between the two, the call succeeds all the same, and its return
 * value says what the result would have.
 */
TEST_F(spawn, result_is_unmapped)
{
	static const int errors[] = { EFAULT, 0 };
	struct mapper m = {};
	DEFINE_SPAWN(s, scratch_tiny);

	map_start(_metadata, &m, "", 1);
	s.args.result = spawn_pointer(m.page);
	expect_mapped_outcomes(_metadata, self->device, &s, 0, errors);
	map_end(_metadata, &m);
}

/*
 * A caller that takes the result away while the child starts has its pidfd all the same, as
 * with clone3(); there is just one, and it is where the next descriptor would be.
 */
TEST_F(spawn, result_with_a_pidfd_is_unmapped)
{
	unsigned int i, rounds = scratch_scale(100), blind = 0;
	struct mapper m = {};
	DEFINE_SPAWN(s, scratch_tiny);
	int count;

	map_start(_metadata, &m, "", 1);
	s.args.result = spawn_pointer(m.page);
	s.args.flags = KSPAWN_PIDFD;
	/* A place that the pidfd can be told by. */
	count = own_descriptor_count();
	for (i = 0; i < rounds; i++) {
		int pidfd = 3;
		pid_t pid;

		usleep(PAUSE_US);
		pid = spawn_start(self->device, &s);
		if (pid < 0) {
			EXPECT_EQ(EFAULT, errno);
			EXPECT_TRUE(own_no_child());
			continue;
		}
		EXPECT_EQ(0, own_wait(pid));
		/* The lowest free number, so we know it without the result. */
		while (pidfd == self->device)
			pidfd++;
		if (close(pidfd))
			blind++;
	}
	EXPECT_EQ(count, own_descriptor_count());
	map_end(_metadata, &m);
	/* Most of them had one. */
	EXPECT_GT(rounds, blind);
}

/* The args themselves. */
TEST_F(spawn, args_are_unmapped)
{
	unsigned int i, rounds = scratch_scale(100);
	struct before before;
	struct mapper m = {};
	DEFINE_SPAWN(s, scratch_tiny);

	map_start(_metadata, &m, (const char *)&s.args, sizeof(s.args));
	before_call(&before);
	for (i = 0; i < rounds; i++) {
		pid_t pid;

		usleep(PAUSE_US);
		pid = ioctl(self->device, KSPAWN_IOC_SPAWN, m.page);
		/* All zeros: EINVAL for the size, EFAULT for the path. */
		if (pid < 0) {
			EXPECT_TRUE(errno == EFAULT || errno == EINVAL)
				TH_LOG("%m");
		} else {
			EXPECT_EQ(0, own_wait(pid));
		}
	}
	EXPECT_TRUE(own_no_child());
	EXPECT_EQ(before.descriptors, own_descriptor_count());
	map_end(_metadata, &m);
}

struct blocked {
	int device;
	struct spawn s;
	pid_t pid;
	int error;
	int status;
};

static int start_blocked(void *argument)
{
	struct blocked *b = argument;

	b->pid = spawn_start(b->device, &b->s);
	b->error = errno;
	if (b->pid > 0)
		b->status = own_wait(b->pid);
	return 0;
}

static void *start_blocked_in_thread(void *argument)
{
	start_blocked(argument);
	return NULL;
}

#define BLOCKED_STACK	(256 << 10)

/* Whoever shares the memory: a thread, or a process as vfork() makes one. */
static void overwrite_while_blocked(struct __test_metadata *_metadata, int device, bool thread)
{
	static char path[64], fifo[] = "fifo", second[] = "second", argument[] = "before";
	struct kspawn_action *actions;
	pid_t caller = getpid();
	struct blocked b = {};
	struct report_fd seen;
	pthread_t handle;
	struct report r;
	char *stack;

	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_EQ(0, scratch_file("second", "x", 1, 0644));
	report_init(_metadata, &b.s, &r);
	snprintf(path, sizeof(path), "%s", scratch_child);
	b.device = device;
	b.s.args.path = spawn_pointer(path);
	spawn_arg(&b.s, "0");
	spawn_arg(&b.s, argument);
	spawn_env(&b.s, argument);
	spawn_open(&b.s, 20, fifo, O_RDONLY, 0);
	spawn_open(&b.s, 21, second, O_RDONLY, 0);
	actions = b.s.actions;
	if (thread) {
		ASSERT_EQ(0, pthread_create(&handle, NULL, start_blocked_in_thread, &b));
	} else {
		stack = mmap(NULL, BLOCKED_STACK, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, stack);
		caller = clone(start_blocked, stack + BLOCKED_STACK, CLONE_VM | SIGCHLD, &b);
		ASSERT_LT(0, caller);
	}
	ASSERT_TRUE(own_wait_state(own_wait_child_of(caller), 'S'));

	memset(path, 'X', sizeof(path) - 1);
	memset(second, 'X', sizeof(second) - 1);
	memset(argument, 'X', sizeof(argument) - 1);
	memset(fifo, 'X', sizeof(fifo) - 1);
	memset(actions, 0xff, 2 * sizeof(*actions));
	memset(b.s.argv, 0xff, sizeof(b.s.argv));
	memset(b.s.envp, 0xff, sizeof(b.s.envp));
	memset(&b.s.args, 0xff, sizeof(b.s.args));

	assert_fd(_metadata, open("fifo", O_WRONLY));
	ASSERT_EQ(0, thread ? pthread_join(handle, NULL) : own_wait(caller));
	ASSERT_LT(0, b.pid)
		TH_LOG("%s", strerrorname_np(b.error));
	EXPECT_EQ(b.pid, b.s.result.pid);
	EXPECT_EQ(0, b.status);
	ASSERT_EQ(0, report_load(&r));
	EXPECT_STREQ("before", report_arg(&r, 4));
	EXPECT_STREQ("before", report_env(&r, 0));
	ASSERT_TRUE(report_fd(&r, 21, &seen));
	EXPECT_NE(NULL, strstr(seen.target, "/second"));
}

/*
 * Without a race: the child waits for a FIFO's other end while everything in
 * the request is overwritten.  The child does what was asked for: the hazard
 * of vfork() with shared memory is not here.
 */
TEST_F(spawn, nothing_is_read_after_the_child_exists)
{
	overwrite_while_blocked(_metadata, self->device, true);
}

TEST_F(spawn, nothing_is_read_for_a_process_that_shares_memory)
{
	overwrite_while_blocked(_metadata, self->device, false);
}

/* The argument that the program saw; it was changed while an action waited. */
static void start_alone(struct __test_metadata *_metadata, int device, char *argument,
			char seen[16])
{
	struct report r;
	int fd, ready[2];
	pid_t caller;
	char c;

	memcpy(argument, "before", sizeof("before"));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, report_prepare(&r));
	caller = assert_fork(_metadata);
	if (!caller) {
		struct spawn s;
		pid_t pid;

		spawn_init(&s, scratch_child, "child", "report", r.path, "0", argument);
		spawn_open(&s, 20, "fifo", O_RDONLY, 0);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pid = spawn_start(device, &s);
		_exit(pid < 0 ? errno : own_wait(pid));
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	own_sleep_ms(100);
	ASSERT_TRUE(own_wait_state(own_wait_child_of(caller), 'S'));
	memcpy(argument, "and after", sizeof("and after"));
	fd = assert_fd(_metadata, open("fifo", O_WRONLY));
	EXPECT_EQ(0, own_wait(caller));
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(5, report_argc(&r));
	snprintf(seen, 16, "%s", report_arg(&r, 4));
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* A caller that is alone in its memory has its lists copied, too. */
TEST_F(spawn, nothing_is_read_for_a_lone_caller)
{
	char *argument = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	char seen[16];

	ASSERT_NE(MAP_FAILED, argument);
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	start_alone(_metadata, self->device, argument, seen);
	EXPECT_STREQ("before", seen);
}

TEST_HARNESS_MAIN
