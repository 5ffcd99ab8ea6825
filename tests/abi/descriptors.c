// SPDX-License-Identifier: LGPL-2.1-or-later
/* The child's descriptor table: what of the caller's is in it, and what not. */
#include "lib/fixture.h"

#include <mqueue.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void raise_limit(struct __test_metadata *_metadata, rlim_t count)
{
	if (own_allow_descriptors(count))
		SKIP(exit(KSFT_SKIP), "no %llu descriptors for this user",
		     (unsigned long long)count);
}

TEST_F(spawn, only_inheritable_ones)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(10, fcntl(0, F_DUPFD, 10));
	ASSERT_EQ(11, fcntl(0, F_DUPFD_CLOEXEC, 11));
	ASSERT_EQ(12, fcntl(0, F_DUPFD, 12));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 12");
}

/* Around the first word of the bitmap, and around the first table's size. */
TEST_F(spawn, mixed_above_the_first_word)
{
	static const int kept[] = { 62, 63, 64, 65, 127, 128, 129, 191, 255, 256, 257, 300, 511,
				    512, 1000, 1023 };
	char expected[256] = "0 1 2";
	size_t used = 5;
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(60, 1023, F_DUPFD_CLOEXEC));
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++) {
		ASSERT_EQ(0, fcntl(kept[i], F_SETFD, 0));
		used += snprintf(expected + used, sizeof(expected) - used, " %d", kept[i]);
	}
	expect_report_fds(_metadata, self->device, &s, &r, expected);
}

TEST_F(spawn, all_of_a_full_table)
{
	DEFINE_REPORT(s, r);
	int fd;

	close(self->device);
	self->device = open(KSPAWN_DEVICE, O_RDWR);
	ASSERT_EQ(3, self->device);
	ASSERT_EQ(0, own_duplicate(4, 1023, F_DUPFD));
	/* Room for the child's own look at them. */
	raise_limit(_metadata, 2048);
	expect_exit(_metadata, self->device, &s, 0);
	for (fd = 4; fd < 1024; fd++)
		close(fd);
	ASSERT_EQ(0, report_load(&r));
	EXPECT_EQ(1024, report_fd_count(&r));
}

TEST_F(spawn, twenty_thousand_close_on_exec)
{
	DEFINE_REPORT(s, r);

	raise_limit(_metadata, 30000);
	ASSERT_EQ(0, own_duplicate(10, 20009, F_DUPFD_CLOEXEC));
	ASSERT_EQ(0, fcntl(15000, F_SETFD, 0));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 15000");
	/* And what is named of them. */
	report_init(_metadata, &s, &r);
	spawn_dup2(&s, 19999, 5);
	spawn_dup2(&s, 19998, 19998);
	spawn_dup2(&s, 77, 29999);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5 15000 19998 29999");
	EXPECT_EQ(20000 + 4, own_descriptor_count());
}

TEST_F(spawn, ten_thousand_inherited)
{
	DEFINE_REPORT(s, r);
	int fd;

	raise_limit(_metadata, 30000);
	for (fd = 4; fd < 20000; fd += 2)
		ASSERT_EQ(fd, fcntl(0, F_DUPFD, fd));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(3 + 9998, report_fd_count(&r));
}

/*
 * A table of which most is inherited is copied whole; what is close-on-exec is
 * no more in the child for it, and what is named of it no less.
 */
TEST_F(spawn, mostly_inherited)
{
	static const int edges[] = { 63, 64, 127, 128, 1023 };
	char expected[8192] = "0 1 2";
	struct report_fd seen;
	size_t used = 5;
	DEFINE_REPORT(s, r);
	int fd, zero;

	raise_limit(_metadata, 3000);
	zero = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	for (fd = zero + 1; fd < 1024; fd++)
		ASSERT_EQ(fd, fcntl(0, fd % 5 ? F_DUPFD : F_DUPFD_CLOEXEC, fd));
	for (unsigned int i = 0; i < ARRAY_SIZE(edges); i++)
		ASSERT_EQ(0, fcntl(edges[i], F_SETFD, FD_CLOEXEC));
	ASSERT_EQ(805, dup3(zero, 805, O_CLOEXEC));
	for (fd = zero + 1; fd < 1024; fd++) {
		bool kept = fd % 5;

		for (unsigned int i = 0; i < ARRAY_SIZE(edges); i++)
			kept = kept && fd != edges[i];
		if (kept || fd == 64)
			used += snprintf(expected + used, sizeof(expected) - used, " %d", fd);
	}
	snprintf(expected + used, sizeof(expected) - used, " 2000");
	spawn_dup2(&s, 805, 2000);
	spawn_dup2(&s, 64, 64);
	expect_report_fds(_metadata, self->device, &s, &r, expected);
	ASSERT_TRUE(report_fd(&r, 2000, &seen));
	EXPECT_STREQ("/dev/zero", seen.target);
}

/* Most of the table is close-on-exec, and most of that is named. */
TEST_F(spawn, mostly_named)
{
	static struct kspawn_action actions[60];
	char expected[1024] = "";
	size_t used = 0;
	struct report r;
	struct spawn s;
	int fd, i;

	for (fd = self->device + 1; fd < 128; fd++)
		ASSERT_EQ(fd, fcntl(0, F_DUPFD_CLOEXEC, fd));
	for (i = 0; i < (int)ARRAY_SIZE(actions); i++) {
		actions[i].op = KSPAWN_ACTION_DUP2;
		actions[i].fd = 64 + i;
		actions[i].newfd = 64 + i;
		used += snprintf(expected + used, sizeof(expected) - used, "%s%d",
				 i ? " " : "", 64 + i);
	}
	report_init(_metadata, &s, &r);
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_set_actions(&s, actions, ARRAY_SIZE(actions));
	expect_report_fds(_metadata, self->device, &s, &r, expected);
}

TEST_F(spawn, sparse_and_high)
{
	DEFINE_REPORT(s, r);

	raise_limit(_metadata, 200000);
	ASSERT_EQ(100000, fcntl(0, F_DUPFD, 100000));
	ASSERT_EQ(150000, fcntl(0, F_DUPFD_CLOEXEC, 150000));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 100000");
	report_init(_metadata, &s, &r);
	spawn_dup2(&s, 150000, 199999);
	spawn_close(&s, 100000);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 199999");
}

/* Open when the limit was lowered: fork() copies them, so do we. */
TEST_F(spawn, above_a_lowered_limit)
{
	struct rlimit limit = { .rlim_cur = 20, .rlim_max = 1024 }, seen;
	DEFINE_REPORT(s, r);

	ASSERT_EQ(50, fcntl(0, F_DUPFD, 50));
	ASSERT_EQ(70, fcntl(0, F_DUPFD, 70));
	ASSERT_EQ(71, fcntl(0, F_DUPFD_CLOEXEC, 71));
	ASSERT_EQ(900, fcntl(0, F_DUPFD, 900));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 50 70 900");
	/* The limit is as it was, for the caller and for the child. */
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &seen));
	EXPECT_EQ(20, seen.rlim_cur);
	EXPECT_NE(NULL, strstr(report_section(&r, "limits", NULL),
			       "Max open files            20                   1024 "));
}

TEST_F(spawn, no_limit_left_at_all)
{
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = 1024 };
	DEFINE_REPORT(s, r);

	ASSERT_EQ(70, fcntl(0, F_DUPFD, 70));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(0, own_wait(expect_start(_metadata, self->device, &s)));
	limit.rlim_cur = 1024;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	/* The child cannot even list them, but it raised its limit to write. */
	EXPECT_EQ(0, report_load(&r));
}

TEST_F(spawn, none_at_all)
{
	DEFINE_REPORT(s, r);

	close(0);
	close(1);
	/* Standard error is needed to report a failure; the child is without. */
	ASSERT_EQ(0, fcntl(2, F_SETFD, FD_CLOEXEC));
	expect_report_fds(_metadata, self->device, &s, &r, "");
}

/* Each kind of file is the same file in the child. */
TEST_F(spawn, of_every_kind)
{
	struct report_fd seen;
	int fds[8], pair[2];
	unsigned int i, n = 0;
	DEFINE_REPORT(s, r);
	struct stat st;

	ASSERT_EQ(0, pipe(pair));
	fds[n++] = pair[0];
	fds[n++] = pair[1];
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[n++] = pair[0];
	fds[n++] = pair[1];
	fds[n++] = eventfd(5, 0);
	fds[n++] = epoll_create1(0);
	fds[n++] = open("/", O_PATH);
	fds[n++] = open("/dev/zero", O_RDWR);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(3 + n, report_fd_count(&r));
	for (i = 0; i < n; i++) {
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, fstat(fds[i], &st));
		ASSERT_TRUE(report_fd(&r, fds[i], &seen));
		EXPECT_EQ(st.st_ino, seen.ino);
		EXPECT_EQ(st.st_dev, seen.dev);
		EXPECT_EQ(fcntl(fds[i], F_GETFL), (int)seen.flags);
		EXPECT_FALSE(seen.cloexec);
	}
}

TEST_F(spawn, cloexec_default_keeps_what_actions_make)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(10, fcntl(0, F_DUPFD, 10));
	ASSERT_EQ(11, fcntl(0, F_DUPFD, 11));
	ASSERT_EQ(70, fcntl(0, F_DUPFD, 70));
	ASSERT_EQ(12, fcntl(0, F_DUPFD_CLOEXEC, 12));
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_dup2(&s, 12, 20);
	spawn_open(&s, 21, "/dev/null", O_RDONLY, 0);
	spawn_dup2(&s, 2, 2);
	expect_report_fds(_metadata, self->device, &s, &r, "2 20 21");
}

TEST_F(spawn, cloexec_default_without_actions)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(70, fcntl(0, F_DUPFD, 70));
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	expect_report_fds(_metadata, self->device, &s, &r, "");
	/* The caller's are as they were. */
	EXPECT_EQ(0, fcntl(0, F_GETFD));
	EXPECT_EQ(0, fcntl(70, F_GETFD));
}

/* A descriptor that an action names keeps the flag that it has. */
TEST_F(spawn, cloexec_default_and_named_sources)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(10, fcntl(0, F_DUPFD, 10));
	ASSERT_EQ(11, fcntl(0, F_DUPFD_CLOEXEC, 11));
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_dup2(&s, 10, 20);
	spawn_dup2(&s, 11, 21);
	expect_report_fds(_metadata, self->device, &s, &r, "10 20 21");
}

/* The table is passed over by words; here are some between those that are named. */
TEST_F(spawn, cloexec_default_and_named_far_apart)
{
	static const int sources[] = { 640, 64, 127, 320, 319, 321 };
	DEFINE_REPORT(s, r);
	int fd;

	for (fd = 60; fd < 700; fd++)
		ASSERT_EQ(fd, fcntl(0, fd % 2 ? F_DUPFD : F_DUPFD_CLOEXEC, fd));
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	for (unsigned int i = 0; i < ARRAY_SIZE(sources); i++)
		spawn_dup2(&s, sources[i], 10 + i);
	expect_report_fds(_metadata, self->device, &s, &r, "10 11 12 13 14 15 127 319 321");

	/* One that is not open, before and after others, within the table and beyond. */
	for (unsigned int i = 0; i < 2; i++) {
		report_init(_metadata, &s, &r);
		s.args.attr_flags = i ? KSPAWN_ATTR_CLOEXEC_DEFAULT : 0;
		spawn_dup2(&s, 640, 10);
		spawn_dup2(&s, 900, 11);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
		s.args.action_count = 0;
		spawn_dup2(&s, 1 << 20, 11);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	}
}

/* Seven words, not eight: the largest table that this limit lets be. */
TEST_F(spawn, a_table_of_odd_size)
{
	DEFINE_REPORT(s, r);
	int fd;

	if (put("/proc/sys/fs/nr_open", "448"))
		SKIP(return, NEEDS_ROOT);
	for (fd = 60; fd < 448; fd++)
		EXPECT_EQ(fd, fcntl(0, F_DUPFD_CLOEXEC, fd));
	EXPECT_EQ(0, fcntl(447, F_SETFD, 0));
	EXPECT_EQ(0, fcntl(383, F_SETFD, 0));
	EXPECT_EQ(0, put("/proc/sys/fs/nr_open", "1048576"));
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 383 447");
}

TEST_F(spawn, locks_stay_with_the_caller)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	struct spawn s;
	pid_t other;
	int fd = assert_fd(_metadata, open("locked", O_RDWR | O_CREAT, 0600));

	ASSERT_EQ(0, fcntl(fd, F_SETLK, &lock));
	/* The child's descriptors are closed as it ends: its lock, not ours. */
	spawn_init(&s, scratch_tiny);
	expect_exit(_metadata, self->device, &s, 0);
	other = fork();
	if (!other) {
		lock.l_pid = 0;
		_exit(fcntl(fd, F_GETLK, &lock) || lock.l_pid != getppid());
	}
	EXPECT_EQ(0, own_wait(other));
}

/*
 * Some files end what their process has asked for when it closes any descriptor
 * of them.  A file that is removed from a child's table is not closed by the caller.
 */
TEST_F(spawn, notifications_stay_with_the_caller)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct spawn s;
	mqd_t queue;
	int fd, dense;

	mq_unlink("/kspawn-test");
	queue = mq_open("/kspawn-test", O_RDWR | O_CREAT, 0600, NULL);
	if (queue < 0)
		SKIP(return, "no POSIX message queues: %m");
	ASSERT_GT(64, queue);
	ASSERT_EQ(0, fcntl(queue, F_SETFD, 0));
	ASSERT_EQ(0, mq_notify(queue, &none));
	for (dense = 0; dense <= 1; dense++) {
		for (fd = 100; dense && fd < 300; fd++)
			ASSERT_EQ(fd, fcntl(queue, F_DUPFD, fd));
		spawn_init(&s, scratch_tiny);
		expect_exit(_metadata, self->device, &s, 0);
		/* One that fails when it has the descriptors already. */
		spawn_setcgroup(&s, -1);
		expect_attribute_failure(_metadata, self->device, &s, EINVAL,
					 KSPAWN_ATTR_SETCGROUP);
		EXPECT_EQ(-1, mq_notify(queue, &none));
		EXPECT_EQ(EBUSY, errno)
			TH_LOG("the registration is gone, dense: %d", dense);
	}
	mq_unlink("/kspawn-test");
}

struct churner {
	int stop;
	unsigned int rounds;
};

/*
 * Opens close-on-exec and inheritable descriptors in pairs, the second by
 * dup2() over the first: no child may ever see one of the kind it must not.
 */
static void *churn(void *argument)
{
	struct churner *churner = argument;

	while (!__atomic_load_n(&churner->stop, __ATOMIC_RELAXED)) {
		int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
		int high = fcntl(low, F_DUPFD_CLOEXEC, 100 + churner->rounds % 900);

		close(high);
		close(low);
		churner->rounds++;
	}
	return NULL;
}

TEST_F(spawn, close_on_exec_never_leaks)
{
	unsigned int i, t, rounds = scratch_scale(200);
	struct churner churners[3] = {};
	pthread_t threads[3];
	DEFINE_REPORT(s, r);

	for (t = 0; t < ARRAY_SIZE(threads); t++)
		ASSERT_EQ(0, pthread_create(&threads[t], NULL, churn, &churners[t]));
	for (i = 0; i < rounds; i++)
		expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
	for (t = 0; t < ARRAY_SIZE(threads); t++) {
		__atomic_store_n(&churners[t].stop, 1, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_join(threads[t], NULL));
		EXPECT_LT(0, churners[t].rounds);
	}
}

#define FIRST_PLACE	100
#define SECOND_PLACE	250

/* A descriptor is at one of two places, or at both, but never at none. */
static void *move(void *argument)
{
	struct churner *churner = argument;

	while (!__atomic_load_n(&churner->stop, __ATOMIC_RELAXED)) {
		dup2(0, SECOND_PLACE);
		close(FIRST_PLACE);
		dup2(0, FIRST_PLACE);
		close(SECOND_PLACE);
		/* An emulator may run one CPU at a time, for long. */
		if (!(++churner->rounds % 64))
			usleep(300);
	}
	return NULL;
}

static void expect_one_moment(struct __test_metadata *_metadata, int device)
{
	unsigned int i, rounds = scratch_scale(50);
	struct churner churner = {};
	struct report_fd seen;
	pthread_t thread;
	DEFINE_REPORT(s, r);

	raise_limit(_metadata, 3000);
	ASSERT_EQ(FIRST_PLACE, dup2(0, FIRST_PLACE));
	ASSERT_EQ(0, pthread_create(&thread, NULL, move, &churner));
	for (i = 0; i < rounds; i++) {
		expect_report(_metadata, device, &s, &r);
		EXPECT_TRUE(report_fd(&r, FIRST_PLACE, &seen) ||
			    report_fd(&r, SECOND_PLACE, &seen));
	}
	__atomic_store_n(&churner.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LT(0, churner.rounds);
}

TEST_F(spawn, of_one_moment)
{
	expect_one_moment(_metadata, self->device);
}

TEST_F(spawn, of_one_moment_where_most_are_inherited)
{
	ASSERT_EQ(0, own_duplicate(110, 239, F_DUPFD));
	expect_one_moment(_metadata, self->device);
}

static void *open_the_fifo(void *unused)
{
	close(open("fifo", O_RDONLY));
	return unused;
}

/*
 * A number that another thread has set apart for a file that it is still opening
 * is free in the program, which gets the lowest one that is.
 */
TEST_F(spawn, number_that_is_being_opened)
{
	char text[256] = {};
	pthread_t thread;
	DEFINE_SPAWN(s, "/bin/ls", "ls", "/proc/self/fd");
	int fd, writer;

	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_EQ(3, self->device);
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_the_fifo, NULL));
	/*
	 * The next one is 5: it has number 4, and no file.  We must not have that
	 * number when it looks for one.
	 */
	do {
		own_sleep_ms(100);
		fd = fcntl(0, F_DUPFD_CLOEXEC, 0);
		close(fd);
	} while (fd == 4);
	ASSERT_EQ(5, fd);

	/* A process that lists a directory has it open meanwhile. */
	spawn_dup2(&s, 0, 3);
	spawn_open(&s, 1, "numbers", O_WRONLY | O_CREAT, 0600);
	expect_exit(_metadata, self->device, &s, 0);
	fd = assert_fd(_metadata, open("numbers", O_RDONLY | O_CLOEXEC));
	ASSERT_LT(0, read(fd, text, sizeof(text) - 1));
	EXPECT_STREQ("0\n1\n2\n3\n4\n", text);
	close(fd);
	writer = open("fifo", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	close(writer);
}

static bool is_open(const struct report *r, int fd)
{
	struct report_fd found;

	return report_fd(r, fd, &found);
}

/* All of a word of the table, and one in the next. */
TEST_F(spawn, highest_begins_a_word)
{
	static const int highest[] = { 63, 64, 65, 127, 128, 255, 256, 960 };

	for (unsigned int i = 0; i < ARRAY_SIZE(highest); i++) {
		struct report r;
		struct spawn s;

		ASSERT_EQ(highest[i], fcntl(0, F_DUPFD, highest[i]));
		report_init(_metadata, &s, &r);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_TRUE(is_open(&r, highest[i]))
			TH_LOG("%d", highest[i]);
		close(highest[i]);
	}
}

TEST_HARNESS_MAIN
