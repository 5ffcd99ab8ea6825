// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_ACTION_OPEN: what open(2) promises, on exactly the descriptor asked for. */
#include "lib/fixture.h"

#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static void expect_same_file(struct __test_metadata *_metadata, const struct report *r, int fd,
			     const char *path)
{
	struct report_fd seen;
	struct stat st;

	ASSERT_EQ(0, stat(path, &st));
	ASSERT_TRUE(report_fd(r, fd, &seen));
	EXPECT_EQ(st.st_dev, seen.dev);
	EXPECT_EQ(st.st_ino, seen.ino);
	EXPECT_FALSE(seen.cloexec);
}

TEST_F(spawn, lands_on_its_descriptor)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	spawn_open(&s, 7, "data", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 7");
	expect_same_file(_metadata, &r, 7, "data");
}

TEST_F(spawn, lands_far_above_the_table)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 1000, "/dev/null", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 1000");
	expect_same_file(_metadata, &r, 1000, "/dev/null");
}

TEST_F(spawn, replaces_an_open_descriptor)
{
	DEFINE_REPORT(s, r);
	int fd;

	ASSERT_EQ(0, scratch_file("old", "x", 1, 0644));
	ASSERT_EQ(0, scratch_file("new", "x", 1, 0644));
	fd = assert_fd(_metadata, open("old", O_RDONLY));
	spawn_open(&s, fd, "new", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, fd, "new");
	EXPECT_EQ(4, report_fd_count(&r));
}

TEST_F(spawn, replaces_a_close_on_exec_descriptor)
{
	DEFINE_REPORT(s, r);
	int fd = assert_fd(_metadata, open("/dev/zero", O_RDONLY | O_CLOEXEC));

	spawn_open(&s, fd, "/dev/null", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, fd, "/dev/null");
}

TEST_F(spawn, replaces_standard_streams)
{
	struct report_fd seen;
	struct report r;
	struct spawn s;
	int fd;

	ASSERT_EQ(0, scratch_file("in", "from in", 7, 0644));
	for (fd = 0; fd < 3; fd++) {
		report_init(_metadata, &s, &r);
		spawn_open(&s, fd, "in", fd ? O_WRONLY | O_APPEND : O_RDONLY, 0);
		expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
		expect_same_file(_metadata, &r, fd, "in");
		ASSERT_TRUE(report_fd(&r, fd, &seen));
		EXPECT_EQ(fd ? O_WRONLY | O_APPEND : O_RDONLY,
			  seen.flags & (O_ACCMODE | O_APPEND));
	}
}

/* Data flows through both ends: not only the table's look is right. */
TEST_F(spawn, redirects_a_copy)
{
	char copy[32] = "";
	DEFINE_SPAWN(s, scratch_child, "child", "cat");
	int fd;

	ASSERT_EQ(0, scratch_file("in", "some data\n", 10, 0644));
	spawn_open(&s, 0, "in", O_RDONLY, 0);
	spawn_open(&s, 1, "out", O_WRONLY | O_CREAT | O_EXCL, 0644);
	expect_exit(_metadata, self->device, &s, 0);
	fd = assert_fd(_metadata, open("out", O_RDONLY));
	EXPECT_EQ(10, read(fd, copy, sizeof(copy) - 1));
	EXPECT_STREQ("some data\n", copy);
}

/*
 * The target is closed first, so a full table has room for it.  A lower free
 * slot must not be kept by what was opened, either.
 */
TEST_F(spawn, closes_its_target_first)
{
	struct rlimit limit = { .rlim_cur = 10, .rlim_max = 64 };
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(4, 9, F_DUPFD));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	spawn_open(&s, 5, "/dev/zero", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
	limit.rlim_cur = 64;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(0, report_load(&r));
	expect_same_file(_metadata, &r, 5, "/dev/zero");
	EXPECT_EQ(9, report_fd_count(&r))
		TH_LOG("%s", report_fd_list(&r));
}

TEST_F(spawn, opens_into_the_last_free_slot)
{
	struct rlimit limit = { .rlim_cur = 10, .rlim_max = 64 };
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, own_duplicate(4, 8, F_DUPFD));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	spawn_open(&s, 9, "/dev/zero", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 9, "/dev/zero");
}

TEST_F(spawn, creates_with_mode_and_umask)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct stat st;

	umask(027);
	spawn_open(&s, 1, "made", O_WRONLY | O_CREAT, 0666);
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, stat("made", &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TEST_F(spawn, creates_with_special_mode_bits)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct stat st;

	umask(0);
	/* As openat2(2), which knows the low twelve bits and refuses the others. */
	spawn_open(&s, 1, "made", O_WRONLY | O_CREAT, 0107751);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	s.actions[0].mode = 07751;
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, stat("made", &st));
	EXPECT_EQ(S_IFREG | 07751, st.st_mode);
}

TEST_F(spawn, refuses_a_mode_without_creation)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_open(&s, 0, "/dev/null", O_RDONLY, 0644);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, refuses_unknown_flags_as_openat2_does)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_open(&s, 0, "/dev/null", O_RDONLY | 0x40000000, 0);
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	s.actions[0].oflag = O_RDONLY | 1ULL << 40;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, exclusive_creation_fails_on_an_existing_file)
{
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, scratch_file("there", "x", 1, 0644));
	spawn_open(&s, 4, "made", O_WRONLY | O_CREAT | O_EXCL, 0644);
	spawn_open(&s, 5, "there", O_WRONLY | O_CREAT | O_EXCL, 0644);
	expect_failure(_metadata, self->device, &s, EEXIST, KSPAWN_STEP_ACTION, 1);
	/* Changes by earlier actions to the file system stay, as with fork(). */
	EXPECT_EQ(0, access("made", F_OK));
}

TEST_F(spawn, truncates)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct stat st;

	ASSERT_EQ(0, scratch_file("full", "12345", 5, 0644));
	spawn_open(&s, 1, "full", O_WRONLY | O_TRUNC, 0);
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, stat("full", &st));
	EXPECT_EQ(0, st.st_size);
}

TEST_F(spawn, makes_an_unnamed_file)
{
	struct report_fd seen;
	struct report r;
	struct spawn s;
	int fd = open(self->directory, O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		SKIP(return, "no O_TMPFILE in %s: %m", self->directory);
	close(fd);
	report_init(_metadata, &s, &r);
	spawn_open(&s, 6, self->directory, O_TMPFILE | O_RDWR, 0600);
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_TRUE(report_fd(&r, 6, &seen));
	EXPECT_EQ(S_IFREG | 0600, seen.mode);
	EXPECT_NE(NULL, strstr(seen.target, "(deleted)"))
		TH_LOG("target %s", seen.target);
}

/* The flags that the child's descriptor has are those that open() gives us. */
TEST_F(spawn, keeps_status_flags)
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_WRONLY | O_NONBLOCK,
		O_RDWR | O_SYNC, O_RDWR | O_DSYNC, O_RDONLY | O_NOATIME, O_PATH,
		O_RDONLY | O_NOFOLLOW,
	};
	struct report_fd seen;
	struct report r;
	struct spawn s;
	int fd;

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = assert_fd(_metadata, open("data", flags[i] | O_CLOEXEC));
		report_init(_metadata, &s, &r);
		spawn_open(&s, 9, "data", flags[i], 0);
		expect_report(_metadata, self->device, &s, &r);
		ASSERT_TRUE(report_fd(&r, 9, &seen));
		EXPECT_EQ(fcntl(fd, F_GETFL), (int)seen.flags)
			TH_LOG("opened with %#o", flags[i]);
		close(fd);
	}
}

/* Close-on-exec works whether or not the first free slot was the right one. */
TEST_F(spawn, honours_close_on_exec)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 3, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	spawn_open(&s, 40, "/dev/zero", O_RDONLY | O_CLOEXEC, 0);
	spawn_dup2(&s, 40, 41);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 41");
	expect_same_file(_metadata, &r, 41, "/dev/zero");
}

TEST_F(spawn, opens_a_large_file)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int fd = assert_fd(_metadata, open("large", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));

	if (ftruncate(fd, 3ULL << 30))
		SKIP(return, "no file of 3 GiB here: %m");
	spawn_open(&s, 0, "large", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, fifo_without_waiting)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, mkfifo("fifo", 0600));
	spawn_open(&s, 8, "fifo", O_RDONLY | O_NONBLOCK, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 8, "fifo");

	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 8, "fifo", O_WRONLY | O_NONBLOCK, 0);
	expect_failure(_metadata, self->device, &s, ENXIO, KSPAWN_STEP_ACTION, 0);
}

/* Both ends are opened by the child itself: O_RDWR does not block. */
TEST_F(spawn, fifo_both_ways)
{
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_EQ(0, mkfifo("fifo", 0600));
	spawn_open(&s, 8, "fifo", O_RDWR, 0);
	spawn_open(&s, 9, "fifo", O_WRONLY, 0);
	spawn_open(&s, 10, "fifo", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, directories)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	spawn_open(&s, 5, "/", O_RDONLY | O_DIRECTORY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 5, "/");

	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 5, self->directory, O_WRONLY, 0);
	expect_failure(_metadata, self->device, &s, EISDIR, KSPAWN_STEP_ACTION, 0);

	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 5, "data", O_RDONLY | O_DIRECTORY, 0);
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, errors_of_the_path)
{
	char longest[PATH_MAX], component[300];
	struct spawn s;
	struct {
		const char *path;
		int flags;
		int error;
	} const cases[] = {
		{ "no/such/file", O_RDONLY, ENOENT },
		{ "", O_RDONLY, ENOENT },
		{ "data/below", O_RDONLY, ENOTDIR },
		{ "data/", O_RDONLY, ENOTDIR },
		{ "loop", O_RDONLY, ELOOP },
		{ "link", O_RDONLY | O_NOFOLLOW, ELOOP },
		{ "dangling", O_RDONLY, ENOENT },
		{ "new/", O_WRONLY | O_CREAT, EISDIR },
		{ "socket", O_RDWR, ENXIO },
		{ "data", O_WRONLY | O_CREAT | O_DIRECTORY | O_EXCL, -1 },
		{ longest, O_RDONLY, ENOENT },
		{ component, O_RDONLY, ENAMETOOLONG },
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd;

	/* PATH_MAX counts the NUL. */
	for (unsigned int i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 100 ? 'x' : '/';
	longest[sizeof(longest) - 1] = '\0';
	memset(component, 'y', sizeof(component) - 1);
	component[sizeof(component) - 1] = '\0';
	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	ASSERT_EQ(0, symlink("loop", "loop"));
	ASSERT_EQ(0, symlink("data", "link"));
	ASSERT_EQ(0, symlink("nowhere", "dangling"));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int error = cases[i].error;

		/* Where kernels differ, this one's open() is the judge. */
		if (error == -1) {
			ASSERT_EQ(-1, open(cases[i].path, cases[i].flags, 0600));
			error = errno;
		}
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, 50);
		spawn_open(&s, 51, cases[i].path, cases[i].flags, 0);
		if (cases[i].flags & O_CREAT)
			s.actions[1].mode = 0600;
		expect_failure(_metadata, self->device, &s, error, KSPAWN_STEP_ACTION, 1);
	}
}

TEST_F(spawn, descriptor_out_of_range)
{
	static const int bad[] = { -1, INT_MIN, INT_MAX, 64, 65, -100 /* AT_FDCWD */ };
	struct spawn s;

	ASSERT_EQ(0, own_allow_descriptors(64));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, bad[i], "/dev/null", O_RDONLY, 0);
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	}
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 63, "/dev/null", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, permission_denied)
{
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_file("secret", "x", 1, 0600));
	ASSERT_EQ(0, mkdir("closed", 0700));
	ASSERT_EQ(0, scratch_file("closed/data", "x", 1, 0644));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_open(&s, 0, "secret", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 0, "closed/data", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
	/* O_NOATIME is for owners only. */
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 0, scratch_tiny, O_RDONLY | O_NOATIME, 0);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, a_program_being_run_is_not_written_to)
{
	DEFINE_SPAWN(s, "./busy", "busy", "pause");
	pid_t pid;

	ASSERT_EQ(0, scratch_copy_child("busy", 0755));
	pid = assert_start(_metadata, self->device, &s);
	if (open("busy", O_WRONLY | O_CLOEXEC) < 0) {
		struct before before;

		EXPECT_EQ(ETXTBSY, errno);
		before_call(&before);
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 0, "busy", O_WRONLY, 0);
		expect_step(_metadata, self->device, &s, ETXTBSY, KSPAWN_STEP_ACTION);
		EXPECT_EQ(before.descriptors, own_descriptor_count());
		EXPECT_EQ(before.sigchld, own_sigchld_count());
	}
	expect_killed(_metadata, pid);
}

/* /proc/self is the child: its descriptor table, after earlier actions. */
TEST_F(spawn, through_its_own_table)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	spawn_open(&s, 20, "data", O_RDONLY, 0);
	spawn_open(&s, 21, "/proc/self/fd/20", O_RDONLY, 0);
	spawn_open(&s, 22, "/dev/fd/21", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 21, "data");
	expect_same_file(_metadata, &r, 22, "data");
	expect_fds(_metadata, &r, "0 1 2 20 21 22");
}

/*
 * A path that leads through a descriptor names it: the child has it, as after
 * fork(), until exec closes it.
 */
TEST_F(spawn, through_a_close_on_exec_descriptor)
{
	char path[64];
	DEFINE_REPORT(s, r);
	int fd;

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	fd = assert_fd(_metadata, open("data", O_RDONLY | O_CLOEXEC));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	spawn_open(&s, 21, path, O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 21, "data");
	expect_fds(_metadata, &r, "0 1 2 21");
}

TEST_F(spawn, relative_to_the_directory_of_earlier_actions)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("a/b", 0755));
	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	ASSERT_EQ(0, scratch_file("a/data", "x", 1, 0644));
	ASSERT_EQ(0, scratch_file("a/b/data", "x", 1, 0644));
	spawn_open(&s, 10, "data", O_RDONLY, 0);
	spawn_chdir(&s, "a");
	spawn_open(&s, 11, "data", O_RDONLY, 0);
	spawn_chdir(&s, "b");
	spawn_open(&s, 12, "data", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_same_file(_metadata, &r, 10, "data");
	expect_same_file(_metadata, &r, 11, "a/data");
	expect_same_file(_metadata, &r, 12, "a/b/data");
}

TEST_F(spawn, same_target_twice)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 5, "/dev/null", O_RDONLY, 0);
	spawn_open(&s, 5, "/dev/zero", O_RDONLY, 0);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 5");
	expect_same_file(_metadata, &r, 5, "/dev/zero");
}

/* A session leader without a terminal gets the one it opens, unless O_NOCTTY. */
TEST_F(spawn, terminal_becomes_controlling)
{
	static const int flags[] = { O_RDWR, O_RDWR | O_NOCTTY };
	struct report r;
	struct spawn s;
	char *slave;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		SKIP(return, "no pseudo-terminals: %m");
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	slave = ptsname(master);
	ASSERT_NE(NULL, slave);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		report_init(_metadata, &s, &r);
		s.args.attr_flags = KSPAWN_ATTR_SETSID;
		spawn_open(&s, 0, slave, flags[i], 0);
		expect_report(_metadata, self->device, &s, &r);
		if (flags[i] & O_NOCTTY) {
			EXPECT_EQ(0, report_stat(&r, 7));
		} else {
			EXPECT_NE(0, report_stat(&r, 7));
			EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 8))
				TH_LOG("the new leader's group is not in the foreground");
		}
	}
}

/* A watcher of a file sees that it is opened. */
TEST_F(spawn, is_seen_by_who_watches)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct inotify_event event = {};
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_LE(0, watch);
	ASSERT_EQ(0, scratch_file("file", "x", 1, 0644));
	ASSERT_LT(0, inotify_add_watch(watch, "file", IN_OPEN));
	spawn_open(&s, 9, "file", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(sizeof(event), read(watch, &event, sizeof(event)));
	EXPECT_EQ(IN_OPEN, event.mask);
	close(watch);
}

TEST_HARNESS_MAIN
