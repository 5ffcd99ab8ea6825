// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_IOC_BATCH: what is asked for, and what is told of each start. */
#include "lib/batches.h"
#include "lib/completion.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

TEST_F(spawn, one)
{
	struct batch b;

	batch_init(&b, 1, 0);
	expect_all_exit(_metadata, self->device, &b);
}

TEST_F(spawn, several)
{
	pid_t stored[BATCH_STARTS];
	struct batch b;
	int i;

	batch_init(&b, BATCH_STARTS, KSPAWN_BATCH_FLAGS_ALL);
	for (i = 0; i < BATCH_STARTS; i++)
		b.starts[i].args.pid = spawn_pointer(&stored[i]);
	expect_all_exit(_metadata, self->device, &b);
	for (i = 0; i < BATCH_STARTS; i++)
		EXPECT_EQ(b.starts[i].result.pid, stored[i]);
}

TEST_F(spawn, as_many_as_there_can_be)
{
	static struct spawn starts[KSPAWN_BATCH_MAX + 1];
	static __u64 addresses[KSPAWN_BATCH_MAX + 1];
	struct batch b;
	int i;

	batch_init(&b, KSPAWN_BATCH_MAX, KSPAWN_BATCH_FLAGS_ALL);
	b.args.starts = spawn_pointer(addresses);
	for (i = 0; i <= KSPAWN_BATCH_MAX; i++) {
		spawn_init(&starts[i], scratch_tiny);
		addresses[i] = spawn_pointer(&starts[i].args);
	}
	ASSERT_EQ(KSPAWN_BATCH_MAX, batch_start(self->device, &b));
	for (i = 0; i < KSPAWN_BATCH_MAX; i++)
		EXPECT_EQ(0, own_wait(starts[i].result.pid));
	b.args.count++;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(E2BIG, errno);
}

/* The structure itself: no start is looked at. */
TEST_F(spawn, structures_that_are_wrong)
{
	char page[8192] = {};
	struct batch b;

	batch_init(&b, 2, 0);
#define EXPECT_REFUSED(error)							\
	do {									\
		EXPECT_EQ(-1, batch_start(self->device, &b));			\
		EXPECT_EQ(error, errno);					\
		EXPECT_EQ(UNTOLD, b.failed);					\
		EXPECT_EQ(UNTOLD, (__u32)b.starts[0].result.pid);		\
		batch_init(&b, 2, 0);						\
	} while (0)

	b.args.size = KSPAWN_BATCH_SIZE_VER0 - 1;
	EXPECT_REFUSED(EINVAL);
	b.args.size = KSPAWN_SIZE_MAX + 1;
	EXPECT_REFUSED(E2BIG);
	b.args.flags = KSPAWN_BATCH_FLAGS_ALL + 1;
	EXPECT_REFUSED(EINVAL);
	b.args.reserved = 1;
	EXPECT_REFUSED(EINVAL);
	b.args.count = 0;
	EXPECT_REFUSED(EINVAL);
	b.args.count = ~0U;
	EXPECT_REFUSED(E2BIG);
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_BATCH, NULL));
	EXPECT_EQ(EFAULT, errno);

	/* A part that is not known here must be zero. */
	memcpy(page, &b.args, sizeof(b.args));
	((struct kspawn_batch *)page)->size = sizeof(b.args) + 8;
	page[sizeof(b.args) + 7] = 1;
	EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_BATCH, page));
	EXPECT_EQ(E2BIG, errno);
	page[sizeof(b.args) + 7] = 0;
	EXPECT_EQ(2, ioctl(self->device, KSPAWN_IOC_BATCH, page));
	EXPECT_EQ(0, own_wait(b.starts[0].result.pid));
	EXPECT_EQ(0, own_wait(b.starts[1].result.pid));
}

/* One start that is wrong ends the call before there is a child. */
TEST_F(spawn, starts_that_are_wrong)
{
	struct batch b;

	batch_init(&b, 3, 0);
	b.starts[1].args.flags = 0x80000000;
	expect_batch_failed(_metadata, self->device, &b, 1, EINVAL, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_ARGS);
	expect_given_up(_metadata, &b, 0);
	/* Not read. */
	EXPECT_EQ(UNTOLD, (__u32)b.starts[2].result.pid);

	batch_init(&b, 3, 0);
	b.starts[2].args.path = 0;
	expect_batch_failed(_metadata, self->device, &b, 2, EFAULT, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_PATH);
	expect_given_up(_metadata, &b, 0);
	expect_given_up(_metadata, &b, 1);

	/* All have been read when lists are. */
	batch_init(&b, 3, 0);
	b.starts[0].args.argv = 8;
	expect_batch_failed(_metadata, self->device, &b, 0, EFAULT, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_ARGV);
	expect_given_up(_metadata, &b, 1);
	expect_given_up(_metadata, &b, 2);

	batch_init(&b, 2, 0);
	b.addresses[1] = 8;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, (int)b.failed);
	batch_init(&b, 2, 0);
	b.args.starts = 8;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, (int)b.failed);
}

TEST_F(spawn, flags_of_all_or_of_none)
{
	static const __u32 flags[] = { KSPAWN_WAIT, KSPAWN_ASYNC };
	struct batch b;
	int completion = completion_open(self->device, 4, 0);

	ASSERT_LE(0, completion);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		batch_init(&b, 2, 0);
		b.starts[i].args.flags = flags[i];
		if (flags[i] == KSPAWN_ASYNC)
			b.starts[i].args.completion = completion;
		expect_batch_failed(_metadata, self->device, &b, 1, EINVAL, KSPAWN_STEP_COPY,
				    KSPAWN_ARG_ARGS);
	}
	close(completion);
}

/* No memory to tell which: the errno is told. */
TEST_F(spawn, nowhere_to_tell_the_place)
{
	struct batch b;

	batch_init(&b, 2, KSPAWN_BATCH_ALL_OR_NONE);
	b.starts[1].args.path = spawn_pointer("/no/such/program");
	b.args.failed = 8;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(ENOENT, errno);
	b.args.failed = 0;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(ENOENT, errno);
}

/* Without ALL_OR_NONE each stands for itself. */
TEST_F(spawn, some_fail)
{
	struct before before;
	struct batch b;

	batch_init(&b, 5, 0);
	b.starts[0].args.path = spawn_pointer("/no/such/program");
	spawn_dup2(&b.starts[2], 99, 98);
	b.starts[4].args.path = spawn_pointer("/etc/passwd");
	before_call(&before);
	ASSERT_EQ(2, batch_start(self->device, &b));
	EXPECT_EQ(UNTOLD, b.failed);
	expect_start_failed(_metadata, &b, 0, ENOENT, KSPAWN_STEP_EXEC, 0);
	expect_start_failed(_metadata, &b, 2, EBADF, KSPAWN_STEP_ACTION, 0);
	expect_start_failed(_metadata, &b, 4, EACCES, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(0, own_wait(b.starts[1].result.pid));
	EXPECT_EQ(0, own_wait(b.starts[3].result.pid));
	EXPECT_TRUE(own_no_child());
	EXPECT_EQ(before.descriptors, own_descriptor_count());
	EXPECT_LT(before.sigchld, own_sigchld_count());
}

TEST_F(spawn, all_fail)
{
	struct before before;
	struct batch b;

	batch_init(&b, 2, KSPAWN_BATCH_PIPES | KSPAWN_BATCH_PGROUP);
	b.starts[0].args.path = spawn_pointer("/no/such/program");
	spawn_dup2(&b.starts[1], 99, 98);
	before_call(&before);
	EXPECT_EQ(0, batch_start(self->device, &b));
	expect_start_failed(_metadata, &b, 0, ENOENT, KSPAWN_STEP_EXEC, 0);
	expect_start_failed(_metadata, &b, 1, EBADF, KSPAWN_STEP_ACTION, 0);
	expect_nothing_left(_metadata, &before);
}

/* Which start it was is that of which the errno is, though another has failed as well. */
TEST_F(spawn, fails_because_of_another)
{
	struct batch b;

	batch_init(&b, 3, 0);
	b.starts[0].args.path = spawn_pointer("/no/such/program");
	b.starts[2].args.argv = 8;
	expect_batch_failed(_metadata, self->device, &b, 2, EFAULT, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_ARGV);
	expect_start_failed(_metadata, &b, 0, ENOENT, KSPAWN_STEP_EXEC, 0);
	expect_given_up(_metadata, &b, 1);
}

/* All that a batch brings with it is bounded, not only that of each start. */
TEST_F(spawn, too_many_bytes)
{
	static struct kspawn_action list[KSPAWN_ACTIONS_MAX];
	static char contents[4 << 20];
	struct batch b;

	batch_init(&b, BATCH_STARTS, 0);
	for (int i = 0; i < BATCH_STARTS; i++)
		for (int j = 0; j < 2; j++)
			spawn_memfd(&b.starts[i], 10 + j, contents, sizeof(contents) - 64, 0);
	expect_all_exit(_metadata, self->device, &b);
	for (int i = 0; i < KSPAWN_ACTIONS_MAX; i++)
		list[i] = (struct kspawn_action){ .op = KSPAWN_ACTION_CLOSE, .fd = 99 };
	memcpy(list, b.starts[0].actions, 2 * sizeof(*list));
	for (int i = 0; i < BATCH_STARTS; i++)
		spawn_set_actions(&b.starts[i], list, KSPAWN_ACTIONS_MAX);
	expect_batch_failed(_metadata, self->device, &b, 5, E2BIG, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_ARGS);
}

/* The first child would be the init of a namespace, which goes with it. */
TEST_F(spawn, new_pid_namespace)
{
	struct batch b;
	DEFINE_SPAWN(init, scratch_child, "child", "pause");
	pid_t pid;

	need_root(_metadata);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	batch_init(&b, 2, KSPAWN_BATCH_ALL_OR_NONE);
	expect_batch_failed(_metadata, self->device, &b, 0, EINVAL, KSPAWN_STEP_CLONE, 0);
	pid = assert_start(_metadata, self->device, &init);
	b.args.flags = KSPAWN_BATCH_FLAGS_ALL;
	expect_all_exit(_metadata, self->device, &b);
	expect_killed(_metadata, pid);
}

/* Too many processes: before any has done anything. */
TEST_F(spawn, no_child_for_one)
{
	struct rlimit limit = { .rlim_cur = 2, .rlim_max = 2 };
	struct before before;
	struct batch b;
	int tries;

	need_root(_metadata);
	batch_init(&b, 3, KSPAWN_BATCH_ALL_OR_NONE);
	spawn_open(&b.starts[0], 9, "made", O_CREAT | O_WRONLY, 0666);
	/* A user of this test alone: what others have left counts as long as it is there. */
	ASSERT_EQ(0, setresuid(100000 + getpid(), 100000 + getpid(), 100000 + getpid()));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	expect_batch_failed(_metadata, self->device, &b, 1, EAGAIN, KSPAWN_STEP_CLONE, 0);
	expect_given_up(_metadata, &b, 0);
	expect_given_up(_metadata, &b, 2);
	EXPECT_EQ(-1, access("made", F_OK));

	b.args.flags = KSPAWN_BATCH_PIPES;
	before_call(&before);
	/* A child that was given up counts until it is gone. */
	for (tries = 0; tries < 1000 && !batch_start(self->device, &b); tries++)
		own_sleep_ms(10);
	ASSERT_LT(0, b.starts[0].result.pid);
	expect_start_failed(_metadata, &b, 1, EAGAIN, KSPAWN_STEP_CLONE, 0);
	expect_start_failed(_metadata, &b, 2, EAGAIN, KSPAWN_STEP_CLONE, 0);
	EXPECT_EQ(0, own_wait(b.starts[0].result.pid));
	EXPECT_EQ(0, access("made", F_OK));
	EXPECT_EQ(before.descriptors, own_descriptor_count());
}

TEST_F(spawn, pidfds)
{
	struct batch b;

	batch_init(&b, 3, 0);
	batch_flags(&b, KSPAWN_PIDFD);
	b.starts[1].args.path = spawn_pointer("/no/such/program");
	ASSERT_EQ(2, batch_start(self->device, &b));
	EXPECT_EQ(-1, b.starts[1].result.pidfd);
	for (int i = 0; i < 3; i += 2) {
		struct pollfd end = { .fd = b.starts[i].result.pidfd, .events = POLLIN };

		ASSERT_LE(3, end.fd);
		EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&end, 1, 20000)));
		EXPECT_EQ(0, own_wait(b.starts[i].result.pid));
		close(end.fd);
	}
	b.args.flags = KSPAWN_BATCH_ALL_OR_NONE;
	expect_batch_failed(_metadata, self->device, &b, 1, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* There are numbers for two pidfds, not for three. */
TEST_F(spawn, too_few_descriptors)
{
	struct batch b;

	batch_init(&b, 3, 0);
	batch_flags(&b, KSPAWN_PIDFD);
	ASSERT_EQ(0, own_allow_descriptors(own_descriptor_count() + 2));
	expect_batch_failed(_metadata, self->device, &b, 2, EMFILE, KSPAWN_STEP_PIDFD, 0);
}

/* The ends that a start makes for the caller are there if that start succeeds. */
TEST_F(spawn, ends_for_the_caller)
{
	int ends[3] = { 77, 77, 77 };
	char text[8] = {};
	struct batch b;

	batch_init(&b, 3, 0);
	for (int i = 0; i < 3; i++) {
		batch_shell(&b, i, "echo hi");
		spawn_pipe(&b.starts[i], 1, O_WRONLY, 0, &ends[i]);
	}
	spawn_dup2(&b.starts[1], 99, 98);
	ASSERT_EQ(2, batch_start(self->device, &b));
	EXPECT_EQ(-1, ends[1]);
	for (int i = 0; i < 3; i += 2) {
		EXPECT_EQ(0, own_wait(b.starts[i].result.pid));
		EXPECT_EQ(3, read(ends[i], text, sizeof(text)));
		EXPECT_EQ(0, read(ends[i], text, sizeof(text)));
		close(ends[i]);
	}
	b.args.flags = KSPAWN_BATCH_ALL_OR_NONE;
	expect_batch_failed(_metadata, self->device, &b, 1, EBADF, KSPAWN_STEP_ACTION, 1);
	EXPECT_EQ(-1, ends[0]);
}

TEST_F(spawn, waits_for_all)
{
	struct rusage usage[3];
	struct batch b;

	batch_init(&b, 3, 0);
	batch_flags(&b, KSPAWN_WAIT);
	batch_shell(&b, 0, "exit 3");
	batch_shell(&b, 2, "kill -TERM $$");
	memset(usage, 0xa5, sizeof(usage));
	for (int i = 0; i < 3; i++)
		b.starts[i].args.rusage = spawn_pointer(&usage[i]);
	expect_all_started(_metadata, self->device, &b);
	EXPECT_EQ(3 << 8, b.starts[0].result.status);
	EXPECT_EQ(0, b.starts[1].result.status);
	EXPECT_EQ(SIGTERM, b.starts[2].result.status);
	for (int i = 0; i < 3; i++)
		EXPECT_LT(0, usage[i].ru_minflt);
	EXPECT_TRUE(own_no_child());
	/* They come together, when the call returns. */
	EXPECT_LT(0, own_sigchld_count());
}

static void note(int signal)
{
	(void)signal;
}

/* Those that have not been waited for are told, for waitpid(). */
TEST_F(spawn, wait_that_is_interrupted)
{
	struct sigaction action = { .sa_handler = note };
	struct itimerval timer = { .it_value = { .tv_usec = 300000 },
				   .it_interval = { .tv_sec = 1 } };
	struct batch b;
	int i;

	batch_init(&b, 4, 0);
	batch_flags(&b, KSPAWN_WAIT);
	for (i = 1; i < 4; i += 2) {
		spawn_init(&b.starts[i], scratch_child, "child", "pause");
		b.starts[i].args.flags = KSPAWN_WAIT;
	}
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(EINTR, errno);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(1, (int)b.failed);
	EXPECT_EQ(0, b.starts[0].result.error);
	EXPECT_EQ(0, b.starts[0].result.status);
	for (i = 1; i < 4; i++) {
		EXPECT_EQ(EINTR, b.starts[i].result.error);
		EXPECT_EQ(KSPAWN_STEP_WAIT, b.starts[i].result.step);
		ASSERT_LT(0, b.starts[i].result.pid);
	}
	expect_killed(_metadata, b.starts[1].result.pid);
	EXPECT_EQ(0, own_wait(b.starts[2].result.pid));
	expect_killed(_metadata, b.starts[3].result.pid);
}

/* One status is lost; the others are told. */
TEST_F(spawn, wait_by_somebody_who_ignores_sigchld)
{
	struct batch b;

	signal(SIGCHLD, SIG_IGN);
	batch_init(&b, 2, KSPAWN_BATCH_FLAGS_ALL);
	batch_flags(&b, KSPAWN_WAIT);
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_EQ(0, (int)b.failed);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(ECHILD, b.starts[i].result.error);
		EXPECT_EQ(KSPAWN_STEP_WAIT, b.starts[i].result.step);
	}
}

static void batch_async(struct batch *b, int completion)
{
	batch_flags(b, KSPAWN_ASYNC);
	for (int i = 0; i < BATCH_STARTS; i++) {
		b->starts[i].args.completion = completion;
		b->starts[i].args.cookie = 100 + i;
	}
}

/* Read as many events, in whatever order; by their cookie. */
static void read_events(struct __test_metadata *_metadata, int completion,
			struct kspawn_event *events, int count)
{
	struct kspawn_event event;

	memset(events, 0, count * sizeof(*events));
	for (int i = 0; i < count; i++) {
		ASSERT_TRUE(completion_next(completion, &event));
		ASSERT_LE(100, event.cookie);
		ASSERT_GT(100 + count, (int)event.cookie);
		events[event.cookie - 100] = event;
	}
	EXPECT_FALSE(completion_ready(completion, 0));
}

TEST_F(spawn, asynchronous)
{
	struct kspawn_event events[3];
	struct batch b;
	int completion = completion_open(self->device, 3, 0);
	int i;

	ASSERT_LE(0, completion);
	for (int round = 0; round < 2; round++) {
		batch_init(&b, 3, KSPAWN_BATCH_FLAGS_ALL);
		batch_async(&b, completion);
		expect_all_started(_metadata, self->device, &b);
		read_events(_metadata, completion, events, 3);
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(0, events[i].error);
			EXPECT_EQ(b.starts[i].result.pid, events[i].pid);
			EXPECT_EQ(0, own_wait(events[i].pid));
		}
	}
	close(completion);
}

/* Failures after the return of the call are told by events. */
TEST_F(spawn, asynchronous_failures)
{
	struct kspawn_event events[3];
	struct before before;
	struct batch b;
	int completion = completion_open(self->device, 3, 0);

	ASSERT_LE(0, completion);
	batch_init(&b, 3, 0);
	batch_async(&b, completion);
	spawn_dup2(&b.starts[1], 99, 98);
	ASSERT_EQ(3, batch_start(self->device, &b));
	read_events(_metadata, completion, events, 3);
	EXPECT_EQ(EBADF, events[1].error);
	EXPECT_EQ(KSPAWN_STEP_ACTION, events[1].step);
	EXPECT_EQ(0, own_wait(events[0].pid));
	EXPECT_EQ(0, own_wait(events[2].pid));
	EXPECT_TRUE(own_no_child());

	b.args.flags = KSPAWN_BATCH_ALL_OR_NONE;
	before_call(&before);
	ASSERT_EQ(3, batch_start(self->device, &b));
	read_events(_metadata, completion, events, 3);
	EXPECT_EQ(EBADF, events[1].error);
	for (int i = 0; i < 3; i += 2) {
		EXPECT_EQ(ECANCELED, events[i].error);
		EXPECT_EQ(KSPAWN_STEP_BATCH, events[i].step);
		EXPECT_EQ(KSPAWN_BATCH_ALL_OR_NONE, events[i].index);
	}
	expect_nothing_left(_metadata, &before);
	close(completion);
}

/* A call that fails has no events: the places are free again. */
TEST_F(spawn, asynchronous_call_that_fails)
{
	struct batch b;
	int completion = completion_open(self->device, 3, 0);

	ASSERT_LE(0, completion);
	batch_init(&b, 4, KSPAWN_BATCH_ALL_OR_NONE);
	batch_async(&b, completion);
	expect_batch_failed(_metadata, self->device, &b, 3, EAGAIN, KSPAWN_STEP_COPY,
			    KSPAWN_ARG_COMPLETION);
	b.args.count = 3;
	b.starts[2].args.path = spawn_pointer("/no/such/program");
	expect_batch_failed(_metadata, self->device, &b, 2, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_FALSE(completion_ready(completion, 0));
	b.starts[2].args.path = spawn_pointer(scratch_tiny);
	expect_all_started(_metadata, self->device, &b);
	for (int i = 0; i < 3; i++) {
		struct kspawn_event event;

		ASSERT_TRUE(completion_next(completion, &event));
		EXPECT_EQ(0, own_wait(event.pid));
	}
	close(completion);
}

TEST_HARNESS_MAIN
