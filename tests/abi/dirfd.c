// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where paths begin: dirfd of the program and of file actions. */
#include "lib/fixture.h"

#include <sys/resource.h>

static int open_directory(const char *path, int flags)
{
	return open(path, O_DIRECTORY | O_CLOEXEC | flags);
}

/* "one/prog" exits with 7, "one/file" holds "one". */
static void make_directory(struct __test_metadata *_metadata)
{
	static const char script[] = "#!/bin/sh\nexit 7\n";

	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, scratch_file("one/script", script, sizeof(script) - 1, 0755));
	ASSERT_EQ(0, scratch_copy_child("one/prog", 0755));
	ASSERT_EQ(0, scratch_file("one/file", "one", 3, 0644));
	ASSERT_EQ(0, mkdir("one/deep", 0755));
}

static void exit_init(struct spawn *s, int dirfd, const char *path)
{
	spawn_init(s, path, "prog", "exit", "5");
	s->args.dirfd = dirfd;
}

TEST_F(spawn, program)
{
	static const int kinds[] = { O_RDONLY, O_PATH };
	struct spawn s;
	int fd;

	make_directory(_metadata);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = open_directory("one", kinds[i]);
		ASSERT_LE(0, fd);
		exit_init(&s, fd, "prog");
		expect_exit(_metadata, self->device, &s, 5);
		exit_init(&s, fd, "../one/./prog");
		expect_exit(_metadata, self->device, &s, 5);
		exit_init(&s, fd, "missing");
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
		exit_init(&s, fd, "deep");
		expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
		/* The working directory of an action has no say. */
		exit_init(&s, fd, "prog");
		spawn_chdir(&s, "/");
		expect_exit(_metadata, self->device, &s, 5);
		close(fd);
	}
}

TEST_F(spawn, absolute_path_of_the_program)
{
	static const int any[] = { -1, 99, 0, INT_MIN };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(any); i++) {
		exit_init(&s, any[i], scratch_child);
		expect_exit(_metadata, self->device, &s, 5);
	}
}

TEST_F(spawn, no_directory)
{
	static const int bad[] = { -1, 99, INT_MAX, INT_MIN };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		exit_init(&s, bad[i], "prog");
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_EXEC, 0);
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 9, "file", O_RDONLY, 0);
		s.actions[0].dirfd = bad[i];
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
		spawn_init(&s, scratch_tiny);
		spawn_chdir(&s, "one");
		s.actions[0].dirfd = bad[i];
		expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	}
	/* /dev/null */
	exit_init(&s, 0, "prog");
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_EXEC, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "file", O_RDONLY, 0);
	s.actions[0].dirfd = 0;
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "one");
	s.actions[0].dirfd = 0;
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
}

/* One that an action makes is as good, and one that it closes is gone. */
TEST_F(spawn, directory_of_an_action)
{
	struct spawn s;
	int fd;

	make_directory(_metadata);
	exit_init(&s, 20, "prog");
	spawn_open(&s, 20, "one", O_RDONLY | O_DIRECTORY, 0);
	expect_exit(_metadata, self->device, &s, 5);
	fd = open_directory("one", O_RDONLY);
	ASSERT_LE(0, fd);
	exit_init(&s, fd, "prog");
	spawn_close(&s, fd);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, open_action)
{
	struct report_fd nine;
	DEFINE_REPORT(s, r);
	int fd;

	make_directory(_metadata);
	fd = open_directory("one", O_PATH);
	ASSERT_LE(0, fd);
	spawn_open(&s, 9, "file", O_RDONLY, 0);
	s.actions[0].dirfd = fd;
	spawn_open(&s, 10, "/dev/zero", O_RDONLY, 0);
	s.actions[1].dirfd = fd;
	spawn_open(&s, 11, "new", O_WRONLY | O_CREAT | O_EXCL, 0640);
	s.actions[2].dirfd = fd;
	expect_report(_metadata, self->device, &s, &r);
	/* The directory itself was close-on-exec. */
	expect_fds(_metadata, &r, "0 1 2 9 10 11");
	ASSERT_TRUE(report_fd(&r, 9, &nine));
	EXPECT_NE(NULL, strstr(nine.target, "/one/file"));
	EXPECT_EQ(O_RDONLY, nine.flags & O_ACCMODE);
	EXPECT_FALSE(nine.cloexec);
	EXPECT_EQ(0, access("one/new", F_OK));
	/* Onto the directory's own number. */
	report_init(_metadata, &s, &r);
	spawn_open(&s, fd, "file", O_RDONLY, 0);
	s.actions[0].dirfd = fd;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_dup2(&s, 0, 20);
	s.actions[0].fd = 70;
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 20 70");
}

TEST_F(spawn, open_action_that_is_close_on_exec)
{
	DEFINE_REPORT(s, r);
	int fd;

	make_directory(_metadata);
	fd = open_directory("one", O_RDONLY);
	spawn_open(&s, 9, "file", O_RDONLY | O_CLOEXEC, 0);
	s.actions[0].dirfd = fd;
	spawn_open(&s, 200, "file", O_RDONLY, 0);
	s.actions[1].dirfd = fd;
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 200");
}

TEST_F(spawn, chdir_action)
{
	char expected[PATH_MAX];
	DEFINE_REPORT(s, r);
	int fd;

	make_directory(_metadata);
	fd = open_directory("one", O_PATH);
	spawn_chdir(&s, "/");
	spawn_chdir(&s, "deep");
	s.actions[1].dirfd = fd;
	spawn_open(&s, 9, "../file", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	snprintf(expected, sizeof(expected), "%s/one/deep", self->directory);
	EXPECT_STREQ(expected, report_section(&r, "cwd", NULL));
	report_init(_metadata, &s, &r);
	spawn_chdir(&s, "/tmp");
	s.actions[0].dirfd = -7;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("/tmp", report_section(&r, "cwd", NULL));
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "file");
	s.actions[0].dirfd = fd;
	expect_failure(_metadata, self->device, &s, ENOTDIR, KSPAWN_STEP_ACTION, 0);
	s.actions[0].path = spawn_pointer("missing");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 0);
	s.actions[0].path = spawn_pointer("");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 0);
}

/* With a search there is no place to begin. */
TEST_F(spawn, search_excludes_dirfd)
{
	struct spawn s;

	exit_init(&s, 0, "prog");
	s.args.search = spawn_pointer("/bin");
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
	exit_init(&s, AT_FDCWD, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	s.args.search = spawn_pointer("/bin");
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
}

static void expect_executed(struct __test_metadata *_metadata, int device, int fd, int status)
{
	struct spawn s;

	exit_init(&s, fd, "");
	expect_failure(_metadata, device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_exit(_metadata, device, &s, status);
	spawn_chdir(&s, "/");
	expect_exit(_metadata, device, &s, status);
}

TEST_F(spawn, descriptor_itself)
{
	static const int kinds[] = {
		O_RDONLY, O_RDONLY | O_CLOEXEC, O_PATH, O_PATH | O_CLOEXEC,
	};
	unsigned int i;

	make_directory(_metadata);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd = open("one/prog", kinds[i]);

		ASSERT_LE(0, fd);
		expect_executed(_metadata, self->device, fd, 5);
		close(fd);
	}
	/* Its file may have no name any more. */
	i = open("one/prog", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, unlink("one/prog"));
	expect_executed(_metadata, self->device, i, 5);
}

/* The interpreter must be able to open it, as execveat(2) says. */
TEST_F(spawn, script_by_descriptor)
{
	struct spawn s;
	int fd;

	make_directory(_metadata);
	fd = assert_fd(_metadata, open("one/script", O_RDONLY));
	expect_executed(_metadata, self->device, fd, 7);
	ASSERT_EQ(0, fcntl(fd, F_SETFD, FD_CLOEXEC));
	exit_init(&s, fd, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	/* So is a script in a directory that is close-on-exec. */
	fd = open_directory("one", O_PATH);
	exit_init(&s, fd, "script");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = fd;
	expect_exit(_metadata, self->device, &s, 7);
}

TEST_F(spawn, no_program_behind_the_descriptor)
{
	struct spawn s;
	int fd;

	exit_init(&s, 99, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_EXEC, 0);
	exit_init(&s, 0, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	/* The working directory is no program either. */
	exit_init(&s, AT_FDCWD, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	ASSERT_EQ(0, scratch_file("data", "data", 4, 0644));
	fd = open("data", O_RDONLY | O_CLOEXEC);
	exit_init(&s, fd, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
}

/* The flag says that there is no path. */
TEST_F(spawn, flag_without_an_empty_path)
{
	struct spawn s;
	int fd;

	make_directory(_metadata);
	fd = open_directory("one", O_PATH);
	exit_init(&s, fd, "prog");
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_PATH);
	exit_init(&s, fd, scratch_child);
	s.args.flags = KSPAWN_EMPTY_PATH;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_PATH);
}

/* The program sees what execveat() makes of its name, its arguments and all. */
TEST_F(spawn, arguments_of_a_program_by_descriptor)
{
	struct report_fd found;
	char name[64];
	DEFINE_REPORT(s, r);
	int fd;

	make_directory(_metadata);
	fd = open("one/prog", O_PATH | O_CLOEXEC);
	s.args.path = spawn_pointer("");
	s.args.dirfd = fd;
	s.args.flags = KSPAWN_EMPTY_PATH;
	spawn_arg(&s, "0");
	spawn_arg(&s, "last");
	spawn_env(&s, "A=b");
	spawn_env(&s, "C=d");
	spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(5, report_argc(&r));
	EXPECT_STREQ("last", report_arg(&r, 4));
	EXPECT_STREQ("A=b", report_env(&r, 0));
	EXPECT_STREQ("C=d", report_env(&r, 1));
	EXPECT_EQ(NULL, report_env(&r, 2));
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	EXPECT_STREQ(name, report_section(&r, "execfn", NULL));
	expect_fds(_metadata, &r, "0 1 2 9");
	EXPECT_FALSE(report_fd(&r, fd, &found));
	EXPECT_NE(NULL, strstr(report_section(&r, "exe", NULL), "/one/prog"));
}

TEST_F(spawn, close_on_exec_by_default)
{
	char expected[32];
	DEFINE_REPORT(s, r);
	int fd, prog;

	make_directory(_metadata);
	fd = open("one", O_RDONLY | O_DIRECTORY);
	prog = open("one/prog", O_PATH);
	s.args.path = spawn_pointer("");
	s.args.dirfd = prog;
	s.args.flags = KSPAWN_EMPTY_PATH;
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_open(&s, 9, "file", O_RDONLY, 0);
	s.actions[0].dirfd = fd;
	expect_report(_metadata, self->device, &s, &r);
	/* An action names the directory; the program only is reached by the other. */
	snprintf(expected, sizeof(expected), "%d 9", fd);
	expect_fds(_metadata, &r, expected);

	report_init(_metadata, &s, &r);
	s.args.path = spawn_pointer("prog");
	s.args.dirfd = fd;
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	expect_report_fds(_metadata, self->device, &s, &r, "");
	/* An action that names it as well has its way. */
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = fd;
	expect_report(_metadata, self->device, &s, &r);
	snprintf(expected, sizeof(expected), "%d", fd);
	expect_fds(_metadata, &r, expected);
}

/* A directory that is not used is not named either. */
TEST_F(spawn, close_on_exec_by_default_and_absolute_paths)
{
	DEFINE_REPORT(s, r);

	s.args.dirfd = 0;
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	spawn_chdir(&s, "/");
	s.actions[0].dirfd = 1;
	expect_report_fds(_metadata, self->device, &s, &r, "");
}

/* Its interpreter finds the script closed, as one that was close-on-exec. */
TEST_F(spawn, close_on_exec_by_default_of_a_script)
{
	struct spawn s;
	int fd;

	make_directory(_metadata);
	fd = assert_fd(_metadata, open("one/script", O_RDONLY));
	exit_init(&s, fd, "");
	s.args.flags = KSPAWN_EMPTY_PATH;
	s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_action(&s, KSPAWN_ACTION_INHERIT)->fd = fd;
	expect_exit(_metadata, self->device, &s, 7);
}

#define MANY	4000

/* Memory for the path of an action is given back after the action. */
TEST_F(spawn, many_actions_in_little_memory)
{
	struct kspawn_action *actions = calloc(MANY, sizeof(*actions));
	/* The child's: two pages an action would be 32 MiB. */
	struct rlimit space = { 8 << 20, 8 << 20 };
	DEFINE_SPAWN(s, scratch_tiny);
	int fd, i;

	ASSERT_NE(NULL, actions);
	make_directory(_metadata);
	fd = open_directory("one", O_PATH);
	ASSERT_LE(0, fd);
	for (i = 0; i < MANY; i++) {
		actions[i].op = i % 2 ? KSPAWN_ACTION_OPEN : KSPAWN_ACTION_CHDIR;
		actions[i].fd = i % 2 ? 9 : 0;
		actions[i].dirfd = fd;
		actions[i].path = spawn_pointer(i % 2 ? "file" : "deep");
	}
	spawn_set_actions(&s, actions, MANY);
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &space));
	expect_exit(_metadata, self->device, &s, 0);
	free(actions);
}

TEST_HARNESS_MAIN
