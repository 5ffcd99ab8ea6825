// SPDX-License-Identifier: LGPL-2.1-or-later
/* The open action takes what openat2() takes, and refuses what it refuses. */
#include "lib/fixture.h"

#include <linux/openat2.h>

static struct kspawn_action *how_init(struct spawn *s, int dirfd, const char *path, __u64 resolve)
{
	spawn_init(s, scratch_tiny);
	spawn_open(s, 9, path, O_RDONLY, 0);
	s->actions[0].dirfd = dirfd;
	s->actions[0].resolve = resolve;
	return &s->actions[0];
}

/* openat2() here, and the action in a child, say the same. */
static void expect_same(struct __test_metadata *_metadata, int device, int dirfd,
			const char *path, __u64 flags, __u64 resolve, int expected)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	struct spawn s;
	int fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	EXPECT_EQ(expected, fd < 0 ? errno : 0)
		TH_LOG("openat2 of %s: %m", path);
	if (fd >= 0)
		close(fd);
	how_init(&s, dirfd, path, resolve)->oflag = flags;
	if (expected)
		expect_failure(_metadata, device, &s, expected, KSPAWN_STEP_ACTION, 0);
	else
		expect_exit(_metadata, device, &s, 0);
}

TEST_F(spawn, resolve)
{
	int device = self->device, fd;

	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, scratch_file("one/file", "1", 1, 0644));
	ASSERT_EQ(0, scratch_file("outside", "1", 1, 0644));
	ASSERT_EQ(0, symlink("file", "one/link"));
	ASSERT_EQ(0, symlink("../outside", "one/up"));
	ASSERT_EQ(0, symlink("/dev/null", "one/absolute"));
	fd = assert_fd(_metadata, open("one", O_PATH | O_CLOEXEC));

	expect_same(_metadata, device, fd, "file", O_RDONLY, RESOLVE_BENEATH, 0);
	expect_same(_metadata, device, fd, "link", O_RDONLY, RESOLVE_BENEATH, 0);
	expect_same(_metadata, device, fd, "up", O_RDONLY, 0, 0);
	expect_same(_metadata, device, fd, "up", O_RDONLY, RESOLVE_BENEATH, EXDEV);
	expect_same(_metadata, device, fd, "../outside", O_RDONLY, RESOLVE_BENEATH, EXDEV);
	expect_same(_metadata, device, fd, "absolute", O_RDONLY, RESOLVE_BENEATH, EXDEV);
	expect_same(_metadata, device, fd, "/dev/null", O_RDONLY, RESOLVE_BENEATH, EXDEV);
	expect_same(_metadata, device, fd, "link", O_RDONLY, RESOLVE_NO_SYMLINKS, ELOOP);
	expect_same(_metadata, device, fd, "file", O_RDONLY, RESOLVE_NO_SYMLINKS, 0);
	expect_same(_metadata, device, fd, "link", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS, 0);
	expect_same(_metadata, device, fd, "/file", O_RDONLY, RESOLVE_IN_ROOT, 0);
	expect_same(_metadata, device, fd, "../file", O_RDONLY, RESOLVE_IN_ROOT, 0);
	expect_same(_metadata, device, fd, "absolute", O_RDONLY, RESOLVE_IN_ROOT, ENOENT);
	expect_same(_metadata, device, AT_FDCWD, "/proc/self/status", O_RDONLY, RESOLVE_NO_XDEV,
		    EXDEV);
	expect_same(_metadata, device, AT_FDCWD, "one/file", O_RDONLY, RESOLVE_NO_XDEV, 0);
	expect_same(_metadata, device, AT_FDCWD, "/proc/self/exe", O_RDONLY,
		    RESOLVE_NO_MAGICLINKS, ELOOP);
	expect_same(_metadata, device, AT_FDCWD, "one/file", O_RDONLY,
		    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, 0);
}

TEST_F(spawn, unknown_bits)
{
	static const __u64 flags[] = { 04, 010000000000, 1ULL << 32, 1ULL << 63, ~0ULL };
	static const __u64 resolves[] = { 0x40, 1ULL << 32, 1ULL << 63 };
	static const __u64 modes[] = { 010000, 1ULL << 31, 1ULL << 32, 0170000 | 0644 };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		how_init(&s, AT_FDCWD, "/dev/null", 0)->oflag = flags[i];
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(resolves); i++) {
		how_init(&s, AT_FDCWD, "/dev/null", resolves[i]);
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		struct kspawn_action *action = how_init(&s, AT_FDCWD, "new", 0);

		action->oflag = O_WRONLY | O_CREAT;
		action->mode = modes[i];
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	}
	/* A mode without anything to give it to. */
	how_init(&s, AT_FDCWD, "/dev/null", 0)->mode = 0644;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	EXPECT_EQ(-1, access("new", F_OK));
}

/* Combinations that only openat2() itself knows to be wrong, with and without dirfd. */
TEST_F(spawn, wrong_combinations)
{
	int fd = open(".", O_PATH | O_CLOEXEC);

	expect_same(_metadata, self->device, fd, "file", O_RDONLY,
		    RESOLVE_BENEATH | RESOLVE_IN_ROOT, EINVAL);
	expect_same(_metadata, self->device, fd, ".", O_TMPFILE & ~O_DIRECTORY, 0, EINVAL);
	expect_same(_metadata, self->device, fd, ".", O_PATH | O_RDWR, 0, EINVAL);
	expect_same(_metadata, self->device, AT_FDCWD, ".", O_PATH | O_RDWR, RESOLVE_BENEATH,
		    EINVAL);
	expect_same(_metadata, self->device, AT_FDCWD, ".", O_PATH | O_RDWR, 0, EINVAL);
	expect_same(_metadata, self->device, AT_FDCWD, ".", O_PATH | O_APPEND, 0, EINVAL);
	expect_same(_metadata, self->device, AT_FDCWD, ".", O_TMPFILE | O_RDONLY, RESOLVE_BENEATH,
		    EINVAL);
}

TEST_F(spawn, unnamed_file)
{
	struct kspawn_action *action;
	struct report_fd nine;
	int fd = open(".", O_PATH | O_CLOEXEC), probe;
	struct report r;
	struct spawn s;

	probe = open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (probe < 0)
		SKIP(return, "no O_TMPFILE in %s: %m", self->directory);
	close(probe);
	report_init(_metadata, &s, &r);
	spawn_open(&s, 9, ".", O_RDWR | O_TMPFILE, 0640);
	action = &s.actions[0];
	action->dirfd = fd;
	action->resolve = RESOLVE_BENEATH;
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_TRUE(report_fd(&r, 9, &nine));
	EXPECT_EQ(S_IFREG | 0640, nine.mode);
	EXPECT_EQ(O_RDWR, nine.flags & O_ACCMODE);
}

/* The whole of a name, in one piece with a dirfd; umask and mode count. */
TEST_F(spawn, creates_with_resolve)
{
	struct stat st;
	struct spawn s;
	int fd;

	ASSERT_EQ(0, mkdir("one", 0755));
	fd = open("one", O_PATH | O_CLOEXEC);
	how_init(&s, fd, "new", RESOLVE_BENEATH)->oflag = O_WRONLY | O_CREAT | O_EXCL;
	s.actions[0].mode = 0666;
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, stat("one/new", &st));
	EXPECT_EQ(0644, st.st_mode & 07777);
	expect_failure(_metadata, self->device, &s, EEXIST, KSPAWN_STEP_ACTION, 0);
}

TEST_HARNESS_MAIN
