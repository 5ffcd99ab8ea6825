// SPDX-License-Identifier: LGPL-2.1-or-later
/* The search for a program: execvp()'s rules without its shell. */
#include "lib/fixture.h"


/* NAME/prog that exits with @status. */
static void put_program(struct __test_metadata *_metadata, const char *directory, const char *name,
			int status)
{
	char path[64], text[64];

	mkdir(directory, 0755);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(text, sizeof(text), "#!/bin/sh\nexit %d\n", status);
	ASSERT_EQ(0, scratch_file(path, text, strlen(text), 0755));
}

static void search_init(struct spawn *s, const char *name, const char *list)
{
	spawn_init(s, name, name);
	s->args.search = spawn_pointer(list);
}

/*
 * Twice: where the caller can find out alone, and where only the child can,
 * because an action might change it.
 */
static void expect_found(struct __test_metadata *_metadata, int device, const char *name,
			 const char *list, int status)
{
	struct spawn s;

	search_init(&s, name, list);
	expect_exit(_metadata, device, &s, status);
	spawn_chdir(&s, ".");
	expect_exit(_metadata, device, &s, status);
}

static void expect_not_found(struct __test_metadata *_metadata, int device, const char *name,
			     const char *list, int error)
{
	struct spawn s;

	search_init(&s, name, list);
	expect_failure(_metadata, device, &s, error, KSPAWN_STEP_EXEC, 0);
	spawn_chdir(&s, ".");
	expect_failure(_metadata, device, &s, error, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, first_directory_wins)
{
	put_program(_metadata, "one", "prog", 1);
	put_program(_metadata, "two", "prog", 2);
	put_program(_metadata, "two", "only", 3);
	expect_found(_metadata, self->device, "prog", "one:two", 1);
	expect_found(_metadata, self->device, "prog", "two:one", 2);
	expect_found(_metadata, self->device, "only", "one:two", 3);
	expect_found(_metadata, self->device, "prog", "one", 1);
	expect_found(_metadata, self->device, "prog", "one/:two/", 1);
}

TEST_F(spawn, missing_directories_are_passed_over)
{
	put_program(_metadata, "one", "prog", 1);
	ASSERT_EQ(0, scratch_file("file", "x", 1, 0755));
	expect_found(_metadata, self->device, "prog", "nowhere:/no/such:one", 1);
	expect_found(_metadata, self->device, "prog", "file:file/below:one", 1);
}

TEST_F(spawn, empty_element_is_the_working_directory)
{
	static const char * const lists[] = { "", ":nowhere", "nowhere:", "nowhere::nowhere" };

	put_program(_metadata, ".", "prog", 5);
	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++)
		expect_found(_metadata, self->device, "prog", lists[i], 5);
	expect_not_found(_metadata, self->device, "prog", "nowhere", ENOENT);
}

/* That is the child's working directory, after the actions. */
TEST_F(spawn, relative_elements_follow_chdir)
{
	struct spawn s;

	put_program(_metadata, "one", "prog", 1);
	put_program(_metadata, ".", "prog", 2);
	ASSERT_EQ(0, mkdir("one/bin", 0755));
	put_program(_metadata, "one/bin", "deep", 3);
	search_init(&s, "prog", ":");
	spawn_chdir(&s, "one");
	expect_exit(_metadata, self->device, &s, 1);
	search_init(&s, "deep", "bin");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	spawn_chdir(&s, "one");
	expect_exit(_metadata, self->device, &s, 3);
}

TEST_F(spawn, with_a_slash_is_not_searched)
{
	put_program(_metadata, "one", "prog", 1);
	expect_found(_metadata, self->device, "one/prog", "nowhere", 1);
	expect_found(_metadata, self->device, "./one/prog", "one", 1);
	expect_not_found(_metadata, self->device, "./prog", "one", ENOENT);
	expect_not_found(_metadata, self->device, "one/nothing", "one", ENOENT);
}

TEST_F(spawn, without_a_list_is_not_searched)
{
	struct spawn s;

	put_program(_metadata, ".", "prog", 4);
	search_init(&s, "prog", NULL);
	expect_exit(_metadata, self->device, &s, 4);
	search_init(&s, "sh", NULL);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* One that may not be executed is remembered, in case nothing else is found. */
TEST_F(spawn, denied_but_found_later)
{
	put_program(_metadata, "one", "prog", 1);
	put_program(_metadata, "two", "prog", 2);
	ASSERT_EQ(0, chmod("one/prog", 0644));
	expect_found(_metadata, self->device, "prog", "one:two", 2);
	expect_not_found(_metadata, self->device, "prog", "one", EACCES);
	expect_not_found(_metadata, self->device, "prog", "nowhere:one:nowhere", EACCES);
}

TEST_F(spawn, directory_of_that_name)
{
	put_program(_metadata, "two", "prog", 2);
	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, mkdir("one/prog", 0755));
	expect_found(_metadata, self->device, "prog", "one:two", 2);
	expect_not_found(_metadata, self->device, "prog", "one", EACCES);
}

TEST_F(spawn, closed_directory)
{
	need_root(_metadata);
	put_program(_metadata, "one", "prog", 1);
	put_program(_metadata, "two", "prog", 2);
	ASSERT_EQ(0, chmod("one", 0700));
	ASSERT_EQ(0, own_drop_privileges());
	expect_found(_metadata, self->device, "prog", "one:two", 2);
	expect_not_found(_metadata, self->device, "prog", "one:nowhere", EACCES);
	expect_not_found(_metadata, self->device, "nothing", "one:two", EACCES);
}

/* A file that is there and is no program ends the search: no shell, no next. */
TEST_F(spawn, other_errors_end_the_search)
{
	put_program(_metadata, "two", "prog", 2);
	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, scratch_file("one/prog", "exit 1\n", 7, 0755));
	expect_not_found(_metadata, self->device, "prog", "one:two", ENOEXEC);
	ASSERT_EQ(0, unlink("one/prog"));
	ASSERT_EQ(0, symlink("prog", "one/prog"));
	expect_not_found(_metadata, self->device, "prog", "one:two", ELOOP);
}

/* A script whose interpreter is missing says ENOENT, and the search goes on. */
TEST_F(spawn, missing_interpreter)
{
	put_program(_metadata, "two", "prog", 2);
	ASSERT_EQ(0, mkdir("one", 0755));
	ASSERT_EQ(0, scratch_file("one/prog", "#!/no/such/interpreter\n", 23, 0755));
	expect_found(_metadata, self->device, "prog", "one:two", 2);
	expect_not_found(_metadata, self->device, "prog", "one", ENOENT);
}

/* Nothing found, nothing denied: the last directory's error, as in glibc. */
TEST_F(spawn, last_error_of_many)
{
	ASSERT_EQ(0, scratch_file("file", "x", 1, 0755));
	expect_not_found(_metadata, self->device, "prog", "file", ENOTDIR);
	expect_not_found(_metadata, self->device, "prog", "nowhere:file", ENOTDIR);
	expect_not_found(_metadata, self->device, "prog", "file:nowhere", ENOENT);
}

TEST_F(spawn, long_names)
{
	char name[300], list[PATH_MAX + 300];

	put_program(_metadata, "one", "prog", 1);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	expect_not_found(_metadata, self->device, name, "one", ENAMETOOLONG);
	/* An element that is no path at all is passed over. */
	memset(list, 'd', sizeof(list));
	snprintf(list + PATH_MAX + 10, 100, ":one");
	expect_found(_metadata, self->device, "prog", list, 1);
}

/* Directories may be many. */
TEST_F(spawn, many_directories)
{
	char *list = malloc(KSPAWN_SEARCH_MAX);
	size_t used = 0;

	ASSERT_NE(NULL, list);
	put_program(_metadata, "last", "prog", 7);
	while (used < KSPAWN_SEARCH_MAX - 100)
		used += snprintf(list + used, 64, "no/%zu:", used);
	snprintf(list + used, 64, "last");
	expect_found(_metadata, self->device, "prog", list, 7);
	list[used] = '\0';
	/* The empty element at its end is the working directory. */
	expect_not_found(_metadata, self->device, "prog", list, ENOENT);
	free(list);
}

TEST_F(spawn, the_program_sees_the_path_that_was_found)
{
	char list[PATH_MAX];
	struct report r;
	struct spawn s;

	snprintf(list, sizeof(list), "/nowhere:%s", scratch_directory);
	report_init(_metadata, &s, &r);
	s.args.path = spawn_pointer("child");
	s.args.search = spawn_pointer(list);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(scratch_child, report_section(&r, "execfn", NULL));
	EXPECT_STREQ("child", report_arg(&r, 0));
}

/* The environment's PATH has no say here, not even the child's. */
TEST_F(spawn, environment_is_not_consulted)
{
	struct spawn s;

	search_init(&s, "tiny", "/nowhere");
	spawn_env(&s, "PATH=/tmp");
	ASSERT_EQ(0, setenv("PATH", scratch_directory, 1));
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	search_init(&s, "tiny", scratch_directory);
	spawn_env(&s, "PATH=/nowhere");
	expect_exit(_metadata, self->device, &s, 0);
}

/* Where each look-up is a whole one: names that are not in the cache. */
static void search_for_long(int device, char *list)
{
	DEFINE_SPAWN(s, "no-such-program");

	s.args.search = spawn_pointer(list);
	spawn_start(device, &s);
}

/* A caller that is killed does not search to the end. */
TEST_F(spawn, killed_meanwhile)
{
	char *list = malloc(KSPAWN_SEARCH_MAX);
	unsigned long long begun, whole, took;
	pid_t caller;

	ASSERT_NE(NULL, list);
	for (int i = 0; i < KSPAWN_SEARCH_MAX / 2; i++) {
		list[2 * i] = 'a' + i % 26;
		list[2 * i + 1] = ':';
	}
	list[KSPAWN_SEARCH_MAX - 1] = '\0';
	search_for_long(self->device, list);
	begun = own_clock_ms();
	search_for_long(self->device, list);
	whole = own_clock_ms() - begun;
	caller = assert_fork(_metadata);
	if (!caller) {
		search_for_long(self->device, list);
		_exit(0);
	}
	own_sleep_ms(whole / 5);
	begun = own_clock_ms();
	expect_killed(_metadata, caller);
	took = own_clock_ms() - begun;
	EXPECT_GT(whole / 2, took)
		TH_LOG("%llu ms of %llu ms", took, whole);
	free(list);
}

TEST_HARNESS_MAIN
