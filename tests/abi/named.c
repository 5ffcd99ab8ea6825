// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A descriptor that a path names is there for that path, close-on-exec or not,
 * and gone in the program.
 */
#include "lib/fixture.h"

#include <sys/wait.h>

static const char * const prefixes[] = { "/proc/self/fd", "/proc/thread-self/fd", "/dev/fd" };

#define NAME	64

static void path_of(char name[NAME], unsigned int prefix, int fd, const char *rest)
{
	snprintf(name, NAME, "%s/%d%s", prefixes[prefix], fd, rest);
}

/* "one/prog" is a program. */
static void make_directory(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, scratch_copy_child("one/prog", 0755));
}

static void exit_init(struct spawn *s, const char *path)
{
	spawn_init(s, path, "prog", "exit", "5");
}

TEST_F(spawn, program)
{
	char name[NAME];
	struct spawn s;
	int fd, high, directory;

	make_directory(_metadata);
	fd = open("one/prog", O_RDONLY | O_CLOEXEC);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 700);
	ASSERT_EQ(700, high);
	directory = open("one", O_PATH | O_CLOEXEC);
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		path_of(name, i, fd, "");
		exit_init(&s, name);
		expect_exit(_metadata, self->device, &s, 5);
		spawn_chdir(&s, "/");
		expect_exit(_metadata, self->device, &s, 5);
		s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
		expect_exit(_metadata, self->device, &s, 5);
		path_of(name, i, high, "");
		exit_init(&s, name);
		expect_exit(_metadata, self->device, &s, 5);
		path_of(name, i, directory, "/prog");
		exit_init(&s, name);
		expect_exit(_metadata, self->device, &s, 5);
		path_of(name, i, directory, "/missing");
		exit_init(&s, name);
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
		path_of(name, i, 99, "");
		exit_init(&s, name);
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	}
}

TEST_F(spawn, is_gone_in_the_program)
{
	char name[NAME];
	DEFINE_REPORT(s, r);
	int fd;

	make_directory(_metadata);
	fd = open("one/prog", O_RDONLY | O_CLOEXEC);
	path_of(name, 0, fd, "");
	s.args.path = spawn_pointer(name);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2");
}

/* By default: also one that was not close-on-exec, in each place of a path. */
TEST_F(spawn, is_closed_by_default)
{
	char name[NAME];
	struct report r;
	struct spawn s;
	int fd, directory;

	make_directory(_metadata);
	fd = open("one/prog", O_PATH);
	directory = open("one", O_PATH);
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		report_init(_metadata, &s, &r);
		s.args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
		path_of(name, i, fd, "");
		s.args.path = spawn_pointer(name);
		expect_report_fds(_metadata, self->device, &s, &r, "");
		path_of(name, i, directory, "");
		s.args.path = spawn_pointer("prog");
		s.args.search = spawn_pointer(name);
		expect_report_fds(_metadata, self->device, &s, &r, "");
	}
}

TEST_F(spawn, actions)
{
	char name[NAME], inside[NAME], expected[PATH_MAX];
	struct report_fd nine;
	struct report r;
	struct spawn s;
	int directory, file;

	make_directory(_metadata);
	ASSERT_EQ(0, scratch_file("one/file", "x", 1, 0644));
	directory = open("one", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = open("one/file", O_RDONLY | O_CLOEXEC);
	snprintf(expected, sizeof(expected), "%s/one", self->directory);
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		report_init(_metadata, &s, &r);
		path_of(name, i, file, "");
		spawn_open(&s, 9, name, O_RDONLY, 0);
		path_of(inside, i, directory, "");
		spawn_chdir(&s, inside);
		spawn_open(&s, 10, "file", O_RDONLY, 0);
		expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 9 10");
		ASSERT_TRUE(report_fd(&r, 9, &nine));
		EXPECT_NE(NULL, strstr(nine.target, "/one/file"));
		EXPECT_STREQ(expected, report_section(&r, "cwd", NULL));

		path_of(name, i, directory, "/file");
		spawn_init(&s, scratch_tiny);
		spawn_open(&s, 9, name, O_RDONLY, 0);
		expect_exit(_metadata, self->device, &s, 0);
		/* As glibc's child, it has closed it before it looks. */
		path_of(name, i, file, "");
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, file);
		spawn_open(&s, 9, name, O_RDONLY, 0);
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 1);
	}
}

TEST_F(spawn, elements_of_a_search)
{
	char list[3 * NAME];
	struct spawn s;
	int directory;

	make_directory(_metadata);
	directory = open("one", O_PATH | O_CLOEXEC);
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		static const char * const before[] = { "", "/nowhere:", ":" };
		unsigned int n;

		for (n = 0; n < ARRAY_SIZE(before); n++) {
			snprintf(list, sizeof(list), "%s%s/%d%s", before[n], prefixes[i],
				 directory, n ? "" : ":/no");
			exit_init(&s, "prog");
			s.args.search = spawn_pointer(list);
			expect_exit(_metadata, self->device, &s, 5);
			spawn_chdir(&s, "/");
			expect_exit(_metadata, self->device, &s, 5);
		}
		snprintf(list, sizeof(list), "%s/%d", prefixes[i], directory);
		exit_init(&s, "other");
		s.args.search = spawn_pointer(list);
		expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	}
}

/* A path that only looks like the name of a descriptor is the path that it is. */
TEST_F(spawn, other_names)
{
	static const char * const names[] = {
		"/proc/self/fd/", "/proc/self/fd/x", "/proc/self/fd/99999999999999999999",
		"/proc/self/fd/4294967299", "/dev/fd/-1", "/dev/fd/3x", "/proc/self/fdinfo/3",
		"/proc/self/fd/2147483648",
	};
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		spawn_init(&s, names[i]);
		EXPECT_EQ(-1, spawn_start(self->device, &s));
		EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
		spawn_init(&s, scratch_tiny);
		spawn_chdir(&s, names[i]);
		if (i) {
			EXPECT_EQ(-1, spawn_start(self->device, &s));
			EXPECT_EQ(KSPAWN_STEP_ACTION, s.result.step);
		}
	}
	EXPECT_TRUE(own_no_child());
}

/*
 * The caller's own program, for a caller that is a copy of the helper: its
 * child is to run the same file, whatever it is called now.
 */
static void expect_own_program(struct __test_metadata *_metadata, int device, const char *path,
			       bool by_action)
{
	struct report_fd nine;
	struct report r;
	struct spawn s;
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	ASSERT_LT(0, n);
	own[n] = '\0';
	if (by_action) {
		report_init(_metadata, &s, &r);
		spawn_open(&s, 9, path, O_RDONLY, 0);
		expect_report(_metadata, device, &s, &r);
		ASSERT_TRUE(report_fd(&r, 9, &nine));
		EXPECT_STREQ(own, nine.target);
		return;
	}
	/* This program again, which then only says so. */
	spawn_init(&s, path, "named");
	spawn_env(&s, "KSPAWN_NAMED_AGAIN=1");
	expect_exit(_metadata, device, &s, 66);
	spawn_chdir(&s, "/");
	expect_exit(_metadata, device, &s, 66);
}

static void __attribute__((constructor)) say_so(void)
{
	if (getenv("KSPAWN_NAMED_AGAIN"))
		_exit(66);
}

TEST_F(spawn, program_of_the_caller)
{
	expect_own_program(_metadata, self->device, "/proc/self/exe", false);
	expect_own_program(_metadata, self->device, "/proc/thread-self/exe", false);
}

/* For glibc's child, which still shares its caller's memory, it is that too. */
TEST_F(spawn, program_of_the_caller_in_an_action)
{
	expect_own_program(_metadata, self->device, "/proc/self/exe", true);
}

TEST_HARNESS_MAIN
