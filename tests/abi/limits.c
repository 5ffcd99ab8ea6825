// SPDX-License-Identifier: LGPL-2.1-or-later
/* The sizes that a request may have. */
#include "lib/fixture.h"

#include <sys/resource.h>

#define PAGE		4096UL
#define ARG_STRING	(32 * PAGE)	/* MAX_ARG_STRLEN: with its NUL */
#define ARGUMENTS_MAX	(6UL << 20)	/* three quarters of _STK_LIM */

static char *string_of(size_t size, char c)
{
	char *string = malloc(size);

	if (string) {
		memset(string, c, size - 1);
		string[size - 1] = '\0';
	}
	return string;
}

static void stack_limit(struct __test_metadata *_metadata, rlim_t size)
{
	struct rlimit limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = size;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
}

static struct kspawn_action *many_actions(struct __test_metadata *_metadata, struct spawn *s,
					  __u32 count)
{
	struct kspawn_action *actions = calloc(count, sizeof(*actions));

	ASSERT_NE(NULL, actions);
	s->args.actions = spawn_pointer(actions);
	s->args.action_count = count;
	s->args.action_size = sizeof(*actions);
	return actions;
}

/* Descriptors go round in 10,000 steps; only the right order ends well. */
TEST_F(spawn, ten_thousand_actions)
{
	struct kspawn_action *actions;
	struct report_fd seen;
	struct report r;
	struct spawn s;
	struct stat st;
	__u32 i;

	report_init(_metadata, &s, &r);
	actions = many_actions(_metadata, &s, 10000);
	actions[0].op = KSPAWN_ACTION_OPEN;
	actions[0].fd = 10;
	actions[0].path = spawn_pointer("/dev/full");
	for (i = 1; i < 10000; i++) {
		/* 10 to 11, close 10, 11 to 10, close 11, ... */
		bool back = (i - 1) / 2 % 2;

		if (i % 2) {
			actions[i].op = KSPAWN_ACTION_DUP2;
			actions[i].fd = back ? 11 : 10;
			actions[i].newfd = back ? 10 : 11;
		} else {
			actions[i].op = KSPAWN_ACTION_CLOSE;
			actions[i].fd = back ? 11 : 10;
		}
	}
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_EQ(0, stat("/dev/full", &st));
	ASSERT_TRUE(report_fd(&r, 10, &seen))
		TH_LOG("%s", report_fd_list(&r));
	EXPECT_EQ(st.st_ino, seen.ino);
	free(actions);
}

/* The index is of the action, however far it is. */
TEST_F(spawn, failure_of_a_late_action)
{
	struct kspawn_action *actions;
	struct spawn s;
	__u32 i;

	spawn_init(&s, scratch_tiny);
	actions = many_actions(_metadata, &s, 10000);
	for (i = 0; i < 10000; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 500;
	}
	actions[9999].fd = -1;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 9999);
	actions[9998].reserved = 1;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 9998);
	actions[9998].reserved = 0;
	actions[9997].op = KSPAWN_ACTION_CHDIR;
	actions[9997].fd = 0;
	actions[9997].path = spawn_pointer("/no/such/directory");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 9997);
	free(actions);
}

TEST_F(spawn, as_many_actions_as_allowed)
{
	struct kspawn_action *actions;
	struct spawn s;
	__u32 i;

	spawn_init(&s, scratch_tiny);
	actions = many_actions(_metadata, &s, KSPAWN_ACTIONS_MAX + 1);
	for (i = 0; i <= KSPAWN_ACTIONS_MAX; i++)
		actions[i].op = KSPAWN_ACTION_CLOSE;
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS);
	s.args.action_count = KSPAWN_ACTIONS_MAX;
	expect_exit(_metadata, self->device, &s, 0);
	s.args.action_count = UINT32_MAX;
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS);
	free(actions);
}

/* Each names another descriptor, of which none is open. */
TEST_F(spawn, many_named_descriptors)
{
	struct kspawn_action *actions;
	struct spawn s;
	__u32 i;

	spawn_init(&s, scratch_tiny);
	actions = many_actions(_metadata, &s, 20001);
	actions[0].op = KSPAWN_ACTION_CLOSE;
	for (i = 1; i <= 20000; i++) {
		actions[i].op = KSPAWN_ACTION_FCHDIR;
		actions[i].fd = INT_MAX - i * 1000;
	}
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	free(actions);
}

TEST_F(spawn, long_paths_of_actions)
{
	char *longest = string_of(PATH_MAX, '/');
	char *longer = string_of(PATH_MAX + 1, '/');
	struct spawn s;

	ASSERT_TRUE(longest && longer);
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, longest);
	expect_exit(_metadata, self->device, &s, 0);
	s.actions[0].path = spawn_pointer(longer);
	expect_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, longest, O_RDONLY | O_DIRECTORY, 0);
	expect_exit(_metadata, self->device, &s, 0);
	s.actions[0].path = spawn_pointer(longer);
	expect_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_STEP_ACTION, 0);
}

/* All paths together; the one that is too many is the one that is told. */
TEST_F(spawn, bytes_of_action_paths)
{
	const __u32 count = KSPAWN_ACTION_BYTES_MAX / PATH_MAX;
	char *longest = string_of(PATH_MAX, '/');
	struct kspawn_action *actions;
	struct spawn s;
	__u32 i;

	ASSERT_NE(NULL, longest);
	spawn_init(&s, scratch_tiny);
	actions = many_actions(_metadata, &s, count + 2);
	for (i = 0; i < count + 2; i++) {
		actions[i].op = KSPAWN_ACTION_CHDIR;
		actions[i].path = spawn_pointer(longest);
	}
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, count);
	s.args.action_count = count;
	expect_exit(_metadata, self->device, &s, 0);
	/* Not even one byte more. */
	s.args.action_count = count + 1;
	actions[count].path = spawn_pointer("");
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, count);
	free(actions);
	free(longest);
}

TEST_F(spawn, long_path_of_the_program)
{
	char *path = string_of(PATH_MAX + 64, '/');
	size_t tail = strlen(scratch_tiny);
	struct spawn s;

	ASSERT_NE(NULL, path);
	memcpy(path + PATH_MAX - 1 - tail, scratch_tiny, tail + 1);
	spawn_init(&s, path);
	expect_exit(_metadata, self->device, &s, 0);
	memset(path, '/', PATH_MAX);
	memcpy(path + PATH_MAX - tail, scratch_tiny, tail + 1);
	expect_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_STEP_COPY,
		       KSPAWN_ARG_PATH);
	/* One component over NAME_MAX is the file system's to refuse. */
	memset(path, 'x', 300);
	path[300] = '\0';
	expect_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_STEP_EXEC, 0);
	free(path);
}

TEST_F(spawn, long_search_list)
{
	char *list = string_of(KSPAWN_SEARCH_MAX, ':');
	char *longer = string_of(KSPAWN_SEARCH_MAX + 1, ':');
	size_t tail = strlen(scratch_directory);
	struct spawn s;

	ASSERT_TRUE(list && longer);
	/* As one whose program is in its last directory. */
	memcpy(list + KSPAWN_SEARCH_MAX - 1 - tail, scratch_directory, tail);
	spawn_init(&s, "tiny");
	s.args.search = spawn_pointer(list);
	expect_exit(_metadata, self->device, &s, 0);
	s.args.search = spawn_pointer(longer);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_SEARCH);
	free(list);
	free(longer);
}

/* One string: MAX_ARG_STRLEN with its NUL, and one more. */
TEST_F(spawn, longest_string)
{
	char *longest = string_of(ARG_STRING, 'x');
	char *longer = string_of(ARG_STRING + 1, 'x');
	struct report r;
	struct spawn s;

	ASSERT_TRUE(longest && longer);
	report_init(_metadata, &s, &r);
	spawn_arg(&s, "0");
	spawn_arg(&s, longest);
	spawn_env(&s, longest);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(longest, report_arg(&r, 4));
	EXPECT_STREQ(longest, report_env(&r, 0));

	s.argv[4] = longer;
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV);
	s.argv[4] = NULL;
	s.envp[0] = longer;
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP);
	free(longest);
	free(longer);
}

/* @count strings of @size bytes behind the request's own arguments. */
static const char **list_of(struct __test_metadata *_metadata, const struct spawn *s,
			    size_t count, size_t size)
{
	const char **list = calloc(count + 5, sizeof(*list));
	size_t i;

	ASSERT_NE(NULL, list);
	memcpy(list, s->argv, 3 * sizeof(*list));
	list[3] = "0";
	for (i = 0; i < count; i++)
		list[4 + i] = string_of(size, 'a' + i % 26);
	return list;
}

TEST_F(spawn, two_mebibytes_of_arguments)
{
	const char **list;
	struct report r;
	struct spawn s;
	size_t size;
	int i;

	stack_limit(_metadata, 16UL << 20);
	report_init(_metadata, &s, &r);
	list = list_of(_metadata, &s, 64, 32768);
	s.args.argv = spawn_pointer(list);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(68, report_argc(&r));
	ASSERT_NE(NULL, report_section(&r, "cmdline", &size));
	EXPECT_LT(2UL << 20, size);
	for (i = 0; i < 64; i++)
		EXPECT_STREQ(list[4 + i], report_arg(&r, 4 + i));
}

/* And as many small ones: half of it is pointers. */
TEST_F(spawn, hundred_thousand_arguments)
{
	const char **list;
	struct report r;
	struct spawn s;

	stack_limit(_metadata, 16UL << 20);
	report_init(_metadata, &s, &r);
	list = list_of(_metadata, &s, 100000, 9);
	s.args.argv = spawn_pointer(list);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(100004, report_argc(&r));
	EXPECT_STREQ(list[100003], report_arg(&r, 100003));
	/* As an environment, too. */
	s.args.argv = spawn_pointer(s.argv);
	s.args.envp = spawn_pointer(list);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(list[100003], report_env(&r, 100003));
}

/*
 * The bounds are execve()'s, found here by asking it: the largest list that a
 * fork()ed child can execute is one that we can start, and the next is not.
 */
static bool execve_takes(const char **list)
{
	/* A program may start and die at once, its stack being full. */
	int status;
	pid_t pid = fork();

	if (!pid) {
		static char * const none[] = { NULL };

		execve(scratch_tiny, (char * const *)list, none);
		_exit(errno == E2BIG);
	}
	status = own_wait(pid);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}

static void expect_bound(struct __test_metadata *_metadata, int device, rlim_t stack,
			 size_t expected)
{
	size_t low = 1, high = expected / 1024 + 16, middle, i;
	static char block[1024];
	const char **list;
	struct spawn s;

	memset(block, 'b', sizeof(block) - 1 - sizeof(void *));
	list = calloc(high + 2, sizeof(*list));
	ASSERT_NE(NULL, list);
	stack_limit(_metadata, stack);
	spawn_init(&s, scratch_tiny);
	s.args.argv = spawn_pointer(list);
	/* Strings and pointers take 1 KiB each, so the bound is at @expected. */
	while (high - low > 1) {
		middle = (low + high) / 2;
		for (i = 0; i < high + 1; i++)
			list[i] = i < middle ? block : NULL;
		if (execve_takes(list))
			low = middle;
		else
			high = middle;
	}
	EXPECT_LE(expected / 1024 - 8, low);
	EXPECT_GE(expected / 1024 + 8, low);
	for (i = 0; i <= low; i++)
		list[i] = i < low ? block : NULL;
	EXPECT_LE(0, own_wait(expect_start(_metadata, device, &s)));
	list[low] = block;
	list[low + 1] = NULL;
	EXPECT_EQ(-1, spawn_start(device, &s));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_TRUE(own_no_child());
	free(list);
}

TEST_F(spawn, bounds_of_execve)
{
	/* Here it is the stack itself that they must fit into. */
	expect_bound(_metadata, self->device, 64UL << 10, 64UL << 10);
	expect_bound(_metadata, self->device, 1UL << 20, 256UL << 10);
	expect_bound(_metadata, self->device, 8UL << 20, 2UL << 20);
	expect_bound(_metadata, self->device, 128UL << 20, ARGUMENTS_MAX);
}

/* Far over all bounds: refused while counting, in no time. */
TEST_F(spawn, endless_lists)
{
	const char **list;
	struct spawn s;
	size_t i;

	list = calloc(2UL << 20, sizeof(*list));
	ASSERT_NE(NULL, list);
	for (i = 0; i < (2UL << 20) - 1; i++)
		list[i] = "";
	spawn_init(&s, scratch_tiny);
	s.args.argv = spawn_pointer(list);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV);
	s.args.argv = 0;
	s.args.envp = spawn_pointer(list);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP);
	/* Each within bounds, both together not. */
	stack_limit(_metadata, 8UL << 20);
	list[200000] = NULL;
	s.args.argv = spawn_pointer(list);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP);
	s.args.envp = 0;
	expect_exit(_metadata, self->device, &s, 0);
	free(list);
}

TEST_HARNESS_MAIN
