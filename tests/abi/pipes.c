// SPDX-License-Identifier: LGPL-2.1-or-later
/* Descriptors that the start makes: pipes, pairs of sockets, files in memory. */
#include "lib/completion.h"
#include "lib/fixture.h"
#include "lib/userfault.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PAGE		4096UL
#define SETTLE_MS	20000
#define UNTOUCHED	0x5a5a5a5a
#define NEEDS_FAULTS	"no userfaultfd for faults of the kernel: %m"

/* All that comes until the end of file, with a NUL; -1 if that does not come. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t have = 0;

	for (;;) {
		struct pollfd entry = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (TEMP_FAILURE_RETRY(poll(&entry, 1, SETTLE_MS)) != 1)
			return -1;
		n = read(fd, to + have, size - 1 - have);
		if (n < 0)
			return -1;
		if (!n) {
			to[have] = '\0';
			return have;
		}
		have += n;
	}
}

static void expect_text(struct __test_metadata *_metadata, int fd, const char *wanted)
{
	char text[256];

	ASSERT_LE(0, read_all(fd, text, sizeof(text)));
	EXPECT_STREQ(wanted, text);
}

/* Nobody has the other end any more. */
static void expect_eof(struct __test_metadata *_metadata, int fd)
{
	expect_text(_metadata, fd, "");
}

/* A caller's end, as every one is. */
static void expect_end(struct __test_metadata *_metadata, int fd, int status_flags)
{
	ASSERT_LE(3, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(status_flags, fcntl(fd, F_GETFL));
}

/* A request without a program, for a builder or for what is done to it. */
static void plain_init(struct spawn *s)
{
	spawn_init(s, NULL);
	s->args.dirfd = 0;
	s->args.argv = 0;
	s->args.envp = 0;
}

TEST_F(spawn, pipe_from_the_child)
{
	DEFINE_SPAWN(s, "/bin/echo", "echo", "hello");
	int end = UNTOUCHED;

	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	expect_exit(_metadata, self->device, &s, 0);
	expect_end(_metadata, end, O_RDONLY);
	expect_text(_metadata, end, "hello\n");
	close(end);
}

TEST_F(spawn, pipes_to_and_from_the_child)
{
	DEFINE_SPAWN(s, scratch_child, "child", "cat");
	int to, from;
	pid_t pid;

	spawn_pipe(&s, 0, O_RDONLY, 0, &to);
	spawn_pipe(&s, 1, O_WRONLY, 0, &from);
	pid = assert_start(_metadata, self->device, &s);
	expect_end(_metadata, to, O_WRONLY);
	expect_end(_metadata, from, O_RDONLY);
	EXPECT_EQ(3, write(to, "abc", 3));
	close(to);
	expect_text(_metadata, from, "abc");
	EXPECT_EQ(0, own_wait(pid));
	close(from);
}

/* Which flag is about which end. */
TEST_F(spawn, flags_of_pipes)
{
	static const int flags[] = {
		0, O_CLOEXEC, O_NONBLOCK, O_DIRECT, O_CLOEXEC | O_NONBLOCK | O_DIRECT
	};
	int end[2 * ARRAY_SIZE(flags)];
	unsigned int i, writes;
	DEFINE_REPORT(s, r);

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		spawn_pipe(&s, 10 + 2 * i, O_RDONLY, flags[i], &end[2 * i]);
		spawn_pipe(&s, 11 + 2 * i, O_WRONLY, flags[i], &end[2 * i + 1]);
		/* A descriptor that exec would close is seen by its copy. */
		spawn_dup2(&s, 10 + 2 * i, 30 + 2 * i);
		spawn_dup2(&s, 11 + 2 * i, 31 + 2 * i);
	}
	expect_report_fds(_metadata, self->device, &s, &r,
			  "0 1 2 10 11 14 15 16 17 30 31 32 33 34 35 36 37 38 39");
	for (i = 0; i < ARRAY_SIZE(end); i++) {
		int both = flags[i / 2];
		struct report_fd fd;

		writes = i % 2;
		ASSERT_TRUE(report_fd(&r, 30 + i, &fd));
		EXPECT_TRUE(S_ISFIFO(fd.mode));
		EXPECT_EQ(writes ? O_WRONLY | (both & O_DIRECT) : O_RDONLY, (int)fd.flags)
			TH_LOG("flags %#x", both);
		expect_end(_metadata, end[i], (both & O_NONBLOCK) |
			   (writes ? O_RDONLY : O_WRONLY | (both & O_DIRECT)));
		close(end[i]);
	}
}

/* A packet is read as it was written. */
TEST_F(spawn, pipe_of_packets)
{
	DEFINE_SPAWN(s, "/bin/sh", "sh", "-c", "echo one; echo second");
	char text[64];
	int end;

	spawn_pipe(&s, 1, O_WRONLY, O_DIRECT, &end);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(4, read(end, text, sizeof(text)));
	EXPECT_EQ(7, read(end, text, sizeof(text)));
	EXPECT_EQ(0, read(end, text, sizeof(text)));
	close(end);
}

/* Each takes effect where it stands in the list. */
TEST_F(spawn, order_of_the_list)
{
	int moved, closed, swept, first, second, beyond;
	DEFINE_REPORT(s, r);

	spawn_close(&s, 2);
	spawn_pipe(&s, 7, O_WRONLY, O_CLOEXEC, &moved);
	spawn_dup2(&s, 7, 2);
	spawn_pipe(&s, 8, O_WRONLY, 0, &closed);
	spawn_close(&s, 8);
	spawn_pipe(&s, 9, O_WRONLY, 0, &first);
	spawn_pipe(&s, 9, O_WRONLY, 0, &second);
	spawn_pipe(&s, 700, O_WRONLY, 0, &beyond);
	spawn_dup2(&s, 700, 5);
	spawn_pipe(&s, 300, O_WRONLY, 0, &swept);
	spawn_closefrom(&s, 300);
	spawn_pipe(&s, 6, O_RDONLY, 0, &swept);
	spawn_close_range(&s, 6, 6);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5 9");
	expect_eof(_metadata, moved);
	expect_eof(_metadata, closed);
	expect_eof(_metadata, first);
	expect_eof(_metadata, second);
	expect_eof(_metadata, beyond);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(-1, write(swept, "x", 1));
	EXPECT_EQ(EPIPE, errno);
	syscall(SYS_close_range, 3, ~0U, 0);
}

/* An end that was closed is so for the caller while the program runs. */
TEST_F(spawn, closed_end_is_seen_at_once)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int closed, replaced, kept;
	struct pollfd entry = { .events = POLLIN };
	pid_t pid;

	spawn_pipe(&s, 9, O_WRONLY, 0, &closed);
	spawn_close(&s, 9);
	spawn_pipe(&s, 9, O_WRONLY, 0, &replaced);
	spawn_pipe(&s, 9, O_WRONLY, 0, &kept);
	pid = assert_start(_metadata, self->device, &s);
	expect_eof(_metadata, closed);
	expect_eof(_metadata, replaced);
	entry.fd = kept;
	EXPECT_EQ(0, poll(&entry, 1, 0));
	expect_killed(_metadata, pid);
	expect_eof(_metadata, kept);
	syscall(SYS_close_range, 3, ~0U, 0);
}

TEST_F(spawn, socket_pairs)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		socklen_t size = sizeof(int);
		int end = UNTOUCHED, type = 0;
		struct report_fd fd;
		struct ucred peer;
		DEFINE_REPORT(s, r);

		spawn_socketpair(&s, 9, types[i], i ? O_NONBLOCK : 0, &end);
		spawn_socketpair(&s, 10, types[i], O_CLOEXEC, &end);
		spawn_socketpair(&s, 11, types[i], 0, &end);
		spawn_close(&s, 11);
		expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 9");
		ASSERT_TRUE(report_fd(&r, 9, &fd));
		EXPECT_TRUE(S_ISSOCK(fd.mode));
		EXPECT_EQ(O_RDWR, (int)fd.flags);
		expect_end(_metadata, end, O_RDWR);
		EXPECT_EQ(0, getsockopt(end, SOL_SOCKET, SO_TYPE, &type, &size));
		EXPECT_EQ(types[i], type);
		/* As with socketpair(), whoever made them is the peer. */
		size = sizeof(peer);
		EXPECT_EQ(0, getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &size));
		if (types[i] != SOCK_DGRAM)
			EXPECT_EQ(getpid(), peer.pid);
		close(end);
		syscall(SYS_close_range, self->device + 1, ~0U, 0);
	}
}

TEST_F(spawn, socket_pair_carries_data)
{
	DEFINE_SPAWN(s, scratch_child, "child", "cat");
	int end = UNTOUCHED;
	pid_t pid;

	spawn_socketpair(&s, 0, SOCK_STREAM, O_NONBLOCK, &end);
	spawn_dup2(&s, 0, 1);
	pid = assert_start(_metadata, self->device, &s);
	expect_end(_metadata, end, O_RDWR | O_NONBLOCK);
	EXPECT_EQ(5, write(end, "there", 5));
	EXPECT_EQ(0, shutdown(end, SHUT_WR));
	expect_text(_metadata, end, "there");
	EXPECT_EQ(0, own_wait(pid));
	close(end);
}

TEST_F(spawn, file_in_memory)
{
	struct report_fd fd;
	DEFINE_REPORT(s, r);

	spawn_memfd(&s, 9, "some bytes", 10, 0);
	spawn_memfd(&s, 10, NULL, 0, 0);
	spawn_memfd(&s, 11, "x", 1, O_CLOEXEC);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 9 10");
	ASSERT_TRUE(report_fd(&r, 9, &fd));
	EXPECT_TRUE(S_ISREG(fd.mode));
	EXPECT_EQ(0666, fd.mode & 0777);
	EXPECT_EQ(0, fd.pos);
	EXPECT_EQ(O_RDWR | 0100000, (int)fd.flags);
	EXPECT_STREQ("/memfd:kspawn (deleted)", fd.target);
}

/* It is as memfd_create() with MFD_NOEXEC_SEAL has it, where there is that. */
TEST_F(spawn, seals_of_a_file_in_memory)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	int fd, seals, wanted = 0;
	char path[64];
	pid_t pid;

	fd = memfd_create("x", 0x8 /* MFD_NOEXEC_SEAL */);
	if (fd >= 0) {
		wanted = fcntl(fd, F_GET_SEALS);
		close(fd);
	}
	spawn_memfd(&s, 9, "x", 1, 0);
	pid = assert_start(_metadata, self->device, &s);
	snprintf(path, sizeof(path), "/proc/%d/fd/9", pid);
	fd = assert_fd(_metadata, open(path, O_RDWR | O_CLOEXEC));
	seals = fcntl(fd, F_GET_SEALS);
	EXPECT_EQ(wanted, seals);
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL))
		TH_LOG("%m");
	close(fd);
	expect_killed(_metadata, pid);
}

/* Any size, whatever the place in a page. */
TEST_F(spawn, contents_of_files_in_memory)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 1000003, KSPAWN_ACTION_BYTES_MAX };
	char *bytes = malloc(KSPAWN_ACTION_BYTES_MAX + 3);

	ASSERT_NE(NULL, bytes);
	for (size_t i = 0; i < KSPAWN_ACTION_BYTES_MAX + 3; i++)
		bytes[i] = i % 251;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		DEFINE_SPAWN(s, "/usr/bin/cmp", "cmp", "-", "wanted");

		unlink("wanted");
		ASSERT_EQ(0, scratch_file("wanted", bytes + 3, sizes[i], 0644));
		spawn_memfd(&s, 0, bytes + 3, sizes[i], 0);
		expect_exit(_metadata, self->device, &s, 0);
	}
	free(bytes);
}

/* A failure at any step leaves no descriptor, and no number but -1. */
TEST_F(spawn, failures_leave_nothing)
{
	int end, other;
	struct spawn s;

	end = other = UNTOUCHED;
	spawn_init(&s, "/no/such/program");
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(-1, end);
	/* The child finds it out. */
	end = UNTOUCHED;
	spawn_init(&s, "/no/such/program");
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	spawn_socketpair(&s, 0, SOCK_STREAM, 0, &other);
	spawn_chdir(&s, "/");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(-1, end);
	EXPECT_EQ(-1, other);
	/* An action before, and one after. */
	end = other = UNTOUCHED;
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	spawn_dup2(&s, 99, 98);
	spawn_pipe(&s, 1, O_WRONLY, 0, &other);
	spawn_memfd(&s, 1, "x", 1, 0);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	EXPECT_EQ(-1, end);
	EXPECT_EQ(-1, other);
	/* The clone, or what comes before it. */
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	spawn_setcgroup(&s, 99);
	expect_attribute_failure(_metadata, self->device, &s, EBADF, KSPAWN_ATTR_SETCGROUP);
	EXPECT_EQ(-1, end);
	/* The reading of the request. */
	end = other = UNTOUCHED;
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	spawn_action(&s, 0);
	spawn_pipe(&s, 1, O_WRONLY, 0, &other);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 1);
	EXPECT_EQ(-1, end);
	EXPECT_EQ(UNTOUCHED, other);
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	s.args.argv = 8;
	expect_failure(_metadata, self->device, &s, EFAULT, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV);
}

#define expect_bad(error, change) do {							\
	struct spawn s;									\
											\
	spawn_init(&s, scratch_tiny);							\
	spawn_close(&s, 9);								\
	change;										\
	expect_failure(_metadata, self->device, &s, error, KSPAWN_STEP_ACTION, 1);	\
} while (0)

TEST_F(spawn, wrong_actions)
{
	static char bytes[16];
	int end;
	void *unwritable = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, unwritable);
	expect_bad(EBADF, spawn_pipe(&s, -1, O_WRONLY, 0, &end));
	expect_bad(EBADF, spawn_pipe(&s, 1 << 30, O_WRONLY, 0, &end));
	expect_bad(EBADF, spawn_socketpair(&s, -1, SOCK_STREAM, 0, &end));
	expect_bad(EBADF, spawn_memfd(&s, -1, bytes, 1, 0));
	expect_bad(EINVAL, spawn_pipe(&s, 1, O_RDWR, 0, &end));
	expect_bad(EINVAL, spawn_pipe(&s, 1, 64, 0, &end));
	expect_bad(EINVAL, spawn_pipe(&s, 1, -1, 0, &end));
	expect_bad(EINVAL, spawn_pipe(&s, 1, O_WRONLY, O_APPEND, &end));
	expect_bad(EINVAL, spawn_pipe(&s, 1, O_WRONLY, O_EXCL, &end));
	expect_bad(EINVAL, spawn_pipe(&s, 1, O_WRONLY, -1, &end));
	expect_bad(EINVAL, spawn_socketpair(&s, 1, 0, 0, &end));
	expect_bad(EINVAL, spawn_socketpair(&s, 1, SOCK_RAW, 0, &end));
	expect_bad(EINVAL, spawn_socketpair(&s, 1, SOCK_STREAM | SOCK_CLOEXEC, 0, &end));
	expect_bad(EINVAL, spawn_socketpair(&s, 1, SOCK_STREAM, O_DIRECT, &end));
	expect_bad(EINVAL, spawn_memfd(&s, 1, bytes, 1, O_NONBLOCK));
	expect_bad(EFAULT, spawn_pipe(&s, 1, O_WRONLY, 0, NULL));
	expect_bad(EFAULT, spawn_pipe(&s, 1, O_WRONLY, 0, unwritable));
	expect_bad(EFAULT, spawn_socketpair(&s, 1, SOCK_STREAM, 0, unwritable));
	expect_bad(EFAULT, spawn_memfd(&s, 1, NULL, 1, 0));
	expect_bad(EFAULT, spawn_memfd(&s, 1, (void *)-4096L, 16, 0));
	/* The second half is not there. */
	ASSERT_EQ(0, mprotect(unwritable, PAGE, PROT_NONE));
	expect_bad(EFAULT, spawn_memfd(&s, 1, unwritable, 16, 0));
	expect_bad(E2BIG, spawn_memfd(&s, 1, bytes, KSPAWN_ACTION_BYTES_MAX + 1, 0));
	expect_bad(E2BIG, spawn_memfd(&s, 1, bytes, -1, 0));
	expect_bad(E2BIG, spawn_memfd(&s, 1, bytes, 1UL << 32, 0));
}

/* Contents count together, and with the paths. */
TEST_F(spawn, contents_of_all_actions_are_bounded)
{
	size_t half = KSPAWN_ACTION_BYTES_MAX / 2;
	char *bytes = calloc(1, half);
	struct spawn s;

	ASSERT_NE(NULL, bytes);
	spawn_init(&s, scratch_tiny);
	spawn_memfd(&s, 9, bytes, half, 0);
	spawn_memfd(&s, 9, bytes, half, 0);
	expect_exit(_metadata, self->device, &s, 0);
	spawn_memfd(&s, 9, bytes, 1, 0);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, 2);
	spawn_init(&s, scratch_tiny);
	spawn_memfd(&s, 9, bytes, half, 0);
	spawn_chdir(&s, "/");
	spawn_memfd(&s, 9, bytes, half, 0);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, 2);
	free(bytes);
}

TEST_F(spawn, number_is_bounded)
{
	struct kspawn_action *actions = calloc(KSPAWN_MADE_MAX + 1, sizeof(*actions));
	int *ends = calloc(KSPAWN_MADE_MAX + 1, sizeof(*ends)), i;
	struct rlimit files = { 8192, 8192 };
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_NE(NULL, actions);
	ASSERT_NE(NULL, ends);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i <= KSPAWN_MADE_MAX; i++) {
		actions[i].op = KSPAWN_ACTION_PIPE;
		actions[i].newfd = 10 + i;
		actions[i].path = spawn_pointer(&ends[i]);
	}
	spawn_set_actions(&s, actions, KSPAWN_MADE_MAX + 1);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, KSPAWN_MADE_MAX);
	s.args.action_count--;
	expect_exit(_metadata, self->device, &s, 0);
	for (i = 0; i < KSPAWN_MADE_MAX; i++) {
		expect_end(_metadata, ends[i], O_WRONLY);
		EXPECT_EQ(0, close(ends[i]));
	}
	free(actions);
	free(ends);
}

/* The caller's limit for its end; the child's number has the child's. */
TEST_F(spawn, limit_on_descriptors)
{
	struct rlimit files = { 6, 8192 };
	int first, second, third;
	struct spawn s;

	ASSERT_EQ(3, self->device);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 1, O_WRONLY, 0, &first);
	spawn_pipe(&s, 1, O_WRONLY, 0, &second);
	spawn_memfd(&s, 5, "x", 1, 0);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(4, first);
	EXPECT_EQ(5, second);
	close(first);
	close(second);
	spawn_pipe(&s, 1, O_WRONLY, 0, &third);
	expect_failure(_metadata, self->device, &s, EMFILE, KSPAWN_STEP_ACTION, 3);
	spawn_init(&s, scratch_tiny);
	spawn_pipe(&s, 6, O_WRONLY, 0, &first);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
}

/* As pipe() would: a user who has too many gets no more. */
TEST_F(spawn, limit_on_pipes)
{
	static const char hard[] = "/proc/sys/fs/pipe-user-pages-hard";
	pid_t pid;

	need_root(_metadata);
	ASSERT_EQ(0, put(hard, "1"));
	pid = assert_fork(_metadata);
	if (!pid) {
		DEFINE_SPAWN(s, scratch_tiny);
		int end, ends[2];

		if (own_drop_privileges() || !pipe(ends) || errno != ENFILE)
			_exit(1);
		spawn_pipe(&s, 1, O_WRONLY, 0, &end);
		if (spawn_start(self->device, &s) != -1 || errno != ENFILE)
			_exit(2);
		if (s.result.step != KSPAWN_STEP_ACTION || end != -1)
			_exit(3);
		/* The number that it was to have is free again. */
		_exit(dup(0) == self->device + 1 ? 0 : 4);
	}
	EXPECT_EQ(0, own_wait_exit(pid));
	EXPECT_EQ(0, put(hard, "0"));
}

/* The program may be found by a descriptor that is made. */
TEST_F(spawn, made_descriptor_is_where_the_path_begins)
{
	DEFINE_SPAWN(s, "/proc/self/fd/9");

	spawn_memfd(&s, 9, "#!/bin/true\n", 12, 0);
	/* It cannot be executed, and is there. */
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, asynchronous)
{
	int completion = completion_open(self->device, 2, 0), end = UNTOUCHED;
	struct kspawn_event event;
	struct spawn s;
	pid_t pid;

	ASSERT_LE(0, completion);
	spawn_init(&s, "/bin/echo", "echo", "later");
	completion_use(&s, completion, 1);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	pid = spawn_start(self->device, &s);
	ASSERT_LT(0, pid);
	expect_end(_metadata, end, O_RDONLY);
	expect_text(_metadata, end, "later\n");
	ASSERT_TRUE(completion_next(completion, &event));
	EXPECT_EQ(0, event.error);
	EXPECT_EQ(0, own_wait(pid));
	close(end);

	/* It fails later; once where the child has its end, once where it has not. */
	for (int first = 0; first < 2; first++) {
		end = UNTOUCHED;
		spawn_init(&s, scratch_tiny);
		completion_use(&s, completion, 2);
		if (first)
			spawn_dup2(&s, 99, 98);
		spawn_pipe(&s, 1, O_WRONLY, 0, &end);
		if (!first)
			spawn_dup2(&s, 99, 98);
		ASSERT_LT(0, spawn_start(self->device, &s));
		expect_end(_metadata, end, O_RDONLY);
		expect_eof(_metadata, end);
		ASSERT_TRUE(completion_next(completion, &event));
		EXPECT_EQ(EBADF, event.error);
		close(end);
	}
	/* And none if the call itself fails. */
	end = UNTOUCHED;
	spawn_init(&s, "/no/such/program");
	completion_use(&s, completion, 3);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	EXPECT_EQ(-1, end);
}

static void *read_from_the_end(void *argument)
{
	int *end = argument, fd;
	char *text = malloc(300000);

	while ((fd = __atomic_load_n(end, __ATOMIC_ACQUIRE)) < 0)
		own_sleep_ms(1);
	/* It is told just before it can be used. */
	while (fcntl(fd, F_GETFD) < 0)
		own_sleep_ms(1);
	return text && read_all(fd, text, 300000) == 200000 ? NULL : argument;
}

/* There while the program runs. */
TEST_F(spawn, start_and_wait)
{
	DEFINE_SPAWN(s, "/usr/bin/head", "head", "-c", "200000", "/dev/zero");
	pthread_t thread;
	int end = -1;
	void *wrong;

	s.args.flags = KSPAWN_WAIT;
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_from_the_end, &end));
	EXPECT_LT(0, spawn_start(self->device, &s));
	EXPECT_EQ(0, s.result.status);
	pthread_join(thread, &wrong);
	EXPECT_EQ(NULL, wrong);
	expect_end(_metadata, end, O_RDONLY);
	close(end);
	/* Output that fits the pipe stays in it. */
	spawn_init(&s, "/bin/echo", "echo", "kept");
	s.args.flags = KSPAWN_WAIT;
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	EXPECT_LT(0, spawn_start(self->device, &s));
	expect_text(_metadata, end, "kept\n");
	close(end);
}

/* The end is of whoever makes the call. */
TEST_F(spawn, of_a_builder)
{
	struct pollfd entry = { .events = POLLIN };
	int end = UNTOUCHED, error = UNTOUCHED, builder, failed, pair;
	struct spawn s;
	pid_t pid, other;

	plain_init(&s);
	spawn_pipe(&s, 0, O_RDONLY, 0, &end);
	builder = ioctl(self->device, KSPAWN_IOC_BUILDER, &s.args);
	ASSERT_LE(3, builder);
	pid = s.result.pid;
	expect_end(_metadata, end, O_WRONLY);
	/* One that fails has told of none; the child has its own, and can have another. */
	plain_init(&s);
	failed = UNTOUCHED;
	spawn_pipe(&s, 1, O_WRONLY, 0, &failed);
	spawn_dup2(&s, 99, 98);
	EXPECT_EQ(-1, ioctl(builder, KSPAWN_IOC_APPLY, &s.args));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, failed);
	/* Another process, which has a descriptor of the same number then. */
	other = assert_fork(_metadata);
	if (!other) {
		plain_init(&s);
		spawn_pipe(&s, 2, O_WRONLY, O_NONBLOCK, &error);
		if (ioctl(builder, KSPAWN_IOC_APPLY, &s.args))
			_exit(errno == EPERM ? 4 : 1);
		if (error < 3 || fcntl(error, F_GETFD) != FD_CLOEXEC)
			_exit(2);
		entry.fd = error;
		_exit(poll(&entry, 1, 0));
	}
	EXPECT_EQ(0, own_wait_exit(other));
	plain_init(&s);
	spawn_memfd(&s, 7, "x", 1, 0);
	spawn_socketpair(&s, 8, SOCK_STREAM, 0, &pair);
	EXPECT_EQ(0, ioctl(builder, KSPAWN_IOC_APPLY, &s.args));
	spawn_init(&s, scratch_child, "child", "cat");
	spawn_socketpair(&s, 1, SOCK_STREAM, 0, &error);
	EXPECT_EQ(pid, ioctl(builder, KSPAWN_IOC_START, &s.args));
	EXPECT_EQ(2, write(end, "hi", 2));
	close(end);
	expect_text(_metadata, error, "hi");
	expect_eof(_metadata, pair);
	EXPECT_EQ(0, own_wait(pid));
	syscall(SYS_close_range, 3, ~0U, 0);
}

/* A builder that is closed closes what its child has. */
TEST_F(spawn, of_a_builder_that_is_closed)
{
	int end, builder;
	struct spawn s;

	plain_init(&s);
	spawn_pipe(&s, 1, O_WRONLY, 0, &end);
	builder = ioctl(self->device, KSPAWN_IOC_BUILDER, &s.args);
	ASSERT_LE(3, builder);
	close(builder);
	expect_eof(_metadata, end);
	close(end);
}

/* A call that waits where it reads the contents, after a pipe has been made. */
struct held {
	struct spawn s;
	int device;
	int uffd;
	char *contents;
	int *end;
	pthread_t thread;
	pid_t pid;
	int error;
};

static void *start_held(void *argument)
{
	struct held *held = argument;

	held->pid = ioctl(held->device, KSPAWN_IOC_SPAWN, &held->s.args);
	held->error = errno;
	return NULL;
}

static bool hold(struct __test_metadata *_metadata, int device, struct held *held)
{
	held->device = device;
	held->uffd = userfault_open();
	held->contents = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	held->end = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (held->uffd < 0 || held->contents == MAP_FAILED || held->end == MAP_FAILED)
		return false;
	spawn_init(&held->s, scratch_child, "child", "pause");
	spawn_pipe(&held->s, 1, O_WRONLY, 0, held->end);
	spawn_memfd(&held->s, 9, held->contents, 1, 0);
	EXPECT_EQ(0, userfault_watch(held->uffd, held->contents, PAGE));
	EXPECT_EQ(0, pthread_create(&held->thread, NULL, start_held, held));
	EXPECT_EQ(0, userfault_wait(held->uffd));
	return true;
}

static void go_on(struct __test_metadata *_metadata, struct held *held)
{
	static const char page[PAGE];

	EXPECT_EQ(0, userfault_answer(held->uffd, held->contents, page, PAGE));
	pthread_join(held->thread, NULL);
}

/* Until the start has succeeded the number is nobody's. */
TEST_F(spawn, reserved_number)
{
	struct held held;
	int number;
	pid_t pid;

	if (!hold(_metadata, self->device, &held))
		SKIP(return, NEEDS_FAULTS);
	/* The next one, which is open()'s in turn. */
	number = held.uffd + 1;
	EXPECT_EQ(-1, *held.end);
	EXPECT_EQ(-1, fcntl(number, F_GETFD));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, close(number));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, dup2(0, number));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(number + 1, dup(0));
	EXPECT_EQ(0, close(number + 1));
	syscall(SYS_close_range, number, ~0U, 0);
	/* A process that is forked now can have that number itself. */
	pid = assert_fork(_metadata);
	if (!pid)
		_exit(dup(0) == number ? 0 : 1);
	EXPECT_EQ(0, own_wait_exit(pid));
	go_on(_metadata, &held);
	EXPECT_LT(0, held.pid);
	EXPECT_EQ(number, *held.end);
	expect_end(_metadata, number, O_RDONLY);
	expect_killed(_metadata, held.pid);
	expect_eof(_metadata, number);
}

/* A number that cannot be told is nobody's, and is closed. */
TEST_F(spawn, memory_for_the_number_goes)
{
	struct held held;
	int descriptors;

	if (!hold(_metadata, self->device, &held))
		SKIP(return, NEEDS_FAULTS);
	descriptors = own_descriptor_count();
	EXPECT_EQ(0, munmap(held.end, PAGE));
	go_on(_metadata, &held);
	EXPECT_LT(0, held.pid);
	EXPECT_EQ(held.pid, held.s.result.pid);
	EXPECT_EQ(descriptors, own_descriptor_count());
	EXPECT_EQ(held.uffd + 1, dup(0));
	expect_killed(_metadata, held.pid);
}

/* The contents are not there any more: as if the call had not been made. */
TEST_F(spawn, contents_go)
{
	struct held held;
	int descriptors;

	if (!hold(_metadata, self->device, &held))
		SKIP(return, NEEDS_FAULTS);
	descriptors = own_descriptor_count();
	EXPECT_EQ(0, munmap(held.contents, PAGE));
	/* Whoever waits looks again. */
	close(held.uffd);
	pthread_join(held.thread, NULL);
	EXPECT_EQ(-1, held.pid);
	EXPECT_EQ(EFAULT, held.error);
	EXPECT_EQ(KSPAWN_STEP_ACTION, held.s.result.step);
	EXPECT_EQ(1, held.s.result.index);
	EXPECT_EQ(-1, *held.end);
	EXPECT_EQ(descriptors - 1, own_descriptor_count());
	EXPECT_EQ(held.uffd, dup(0));
	EXPECT_EQ(held.uffd + 1, dup(0));
}

/* A caller that is killed meanwhile leaves nothing. */
TEST_F(spawn, caller_is_killed)
{
	struct idle before;
	int told[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	idle_take(&before);
	pid = assert_fork(_metadata);
	if (!pid) {
		struct held held;

		if (hold(_metadata, self->device, &held))
			byte = 1;
		else
			byte = 0;
		_exit(write(told[1], &byte, 1) == 1 ? pause() : 1);
	}
	ASSERT_EQ(1, read(told[0], &byte, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, own_wait(pid));
	if (!byte)
		SKIP(return, NEEDS_FAULTS);
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
