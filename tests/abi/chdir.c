// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_ACTION_CHDIR and FCHDIR. */
#include "lib/fixture.h"

static const char *cwd(const struct report *r)
{
	const char *path = report_section(r, "cwd", NULL);

	return path ? path : "";
}

TEST_F(spawn, chdir_changes_the_child_only)
{
	char before[PATH_MAX], after[PATH_MAX];
	DEFINE_REPORT(s, r);

	ASSERT_NE(NULL, getcwd(before, sizeof(before)));
	spawn_chdir(&s, "/usr");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("/usr", cwd(&r));
	ASSERT_NE(NULL, getcwd(after, sizeof(after)));
	EXPECT_STREQ(before, after);
}

TEST_F(spawn, chdir_relative_step_by_step)
{
	char expected[PATH_MAX];
	struct report r;
	struct spawn s;

	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("a/b", 0755));
	ASSERT_EQ(0, symlink("a/b", "link"));
	snprintf(expected, sizeof(expected), "%s/a", self->directory);
	report_init(_metadata, &s, &r);
	spawn_chdir(&s, "link");
	spawn_chdir(&s, "..");
	spawn_chdir(&s, ".");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(expected, cwd(&r));
}

TEST_F(spawn, chdir_errors)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {
		{ "nowhere", ENOENT },
		{ "", ENOENT },
		{ "data", ENOTDIR },
		{ "data/x", ENOTDIR },
		{ "loop", ELOOP },
	};
	struct spawn s;

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	ASSERT_EQ(0, symlink("loop", "loop"));
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_chdir(&s, cases[i].path);
		expect_failure(_metadata, self->device, &s, cases[i].error, KSPAWN_STEP_ACTION, 0);
	}
}

TEST_F(spawn, chdir_permission_denied)
{
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	/* Readable is not searchable. */
	ASSERT_EQ(0, mkdir("closed", 0744));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_chdir(&s, "closed");
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
}

/* A relative program is looked for where the actions have led. */
TEST_F(spawn, chdir_decides_where_the_program_is)
{
	DEFINE_SPAWN(s, "./program", "program", "exit", "3");

	ASSERT_EQ(0, mkdir("bin", 0755));
	ASSERT_EQ(0, scratch_copy_child("bin/program", 0755));
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_chdir(&s, "bin");
	expect_exit(_metadata, self->device, &s, 3);
}

TEST_F(spawn, chdir_may_hide_the_program)
{
	DEFINE_SPAWN(s, "./program");

	ASSERT_EQ(0, mkdir("empty", 0755));
	ASSERT_EQ(0, scratch_copy_child("program", 0755));
	spawn_chdir(&s, "empty");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, chdir_from_a_removed_directory)
{
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, mkdir("gone", 0755));
	ASSERT_EQ(0, chdir("gone"));
	ASSERT_EQ(0, rmdir("../gone"));
	spawn_chdir(&s, self->directory);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(self->directory, cwd(&r));

	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "sub");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, fchdir_with_each_kind_of_descriptor)
{
	static const int flags[] = {
		O_RDONLY | O_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		O_PATH | O_DIRECTORY, O_PATH | O_CLOEXEC,
	};
	char expected[PATH_MAX];
	struct report r;
	struct spawn s;
	int fd;

	ASSERT_EQ(0, mkdir("sub", 0755));
	snprintf(expected, sizeof(expected), "%s/sub", self->directory);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = assert_fd(_metadata, open("sub", flags[i]));
		report_init(_metadata, &s, &r);
		spawn_fchdir(&s, fd);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_STREQ(expected, cwd(&r));
		EXPECT_EQ(flags[i] & O_CLOEXEC ? 3 : 4, report_fd_count(&r));

		/* Above the first word of the table, too. */
		ASSERT_EQ(130, fcntl(fd, flags[i] & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 130));
		report_init(_metadata, &s, &r);
		spawn_fchdir(&s, 130);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_STREQ(expected, cwd(&r));
		close(130);
		close(fd);
	}
}

TEST_F(spawn, fchdir_to_what_an_action_opened)
{
	DEFINE_REPORT(s, r);

	spawn_open(&s, 9, "/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	spawn_fchdir(&s, 9);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("/usr", cwd(&r));
	expect_fds(_metadata, &r, "0 1 2");
}

TEST_F(spawn, fchdir_errors)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int fd;

	ASSERT_EQ(0, scratch_file("data", "x", 1, 0644));
	fd = assert_fd(_metadata, open("data", O_RDONLY | O_CLOEXEC));
	spawn_fchdir(&s, fd);
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_fchdir(&s, 99);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_fchdir(&s, -1);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	/* Not a name for the working directory here. */
	spawn_init(&s, scratch_tiny);
	spawn_fchdir(&s, AT_FDCWD);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_close(&s, fd);
	spawn_fchdir(&s, fd);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
}

TEST_F(spawn, fchdir_permission_denied)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int fd;

	need_root(_metadata);
	ASSERT_EQ(0, mkdir("closed", 0744));
	fd = assert_fd(_metadata, open("closed", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_fchdir(&s, fd);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
}

TEST_HARNESS_MAIN
