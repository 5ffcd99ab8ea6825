// SPDX-License-Identifier: LGPL-2.1-or-later
/* The sizes that argument and environment lists may have. */
#define SPAWN_BOTH_WAYS
#include "lib/fixture.h"

#include <sys/resource.h>

#define ARGUMENTS_MAX	(6UL << 20)	/* three quarters of _STK_LIM */

static void stack_limit(struct __test_metadata *_metadata, rlim_t size)
{
	struct rlimit limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = size;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
}

/* One string: MAX_ARG_STRLEN with its NUL, and one more. */
TEST_F(spawn, longest_string)
{
	char *longest = spawn_string(SPAWN_STRING_MAX, 'x');
	char *longer = spawn_string(SPAWN_STRING_MAX + 1, 'x');
	DEFINE_REPORT(s, r);

	ASSERT_TRUE(longest && longer);
	spawn_arg(&s, "0");
	spawn_arg(&s, longest);
	spawn_env(&s, longest);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ(longest, report_arg(&r, 4));
	EXPECT_STREQ(longest, report_env(&r, 0));

	s.argv[4] = longer;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ARGV);
	s.argv[4] = NULL;
	s.envp[0] = longer;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ENVP);
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
		list[4 + i] = spawn_string(size, 'a' + i % 26);
	return list;
}

TEST_F(spawn, two_mebibytes_of_arguments)
{
	const char **list;
	DEFINE_REPORT(s, r);
	size_t size;

	stack_limit(_metadata, 16UL << 20);
	list = list_of(_metadata, &s, 64, 32768);
	s.args.argv = spawn_pointer(list);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(68, report_argc(&r));
	ASSERT_NE(NULL, report_section(&r, "cmdline", &size));
	EXPECT_LT(2UL << 20, size);
	for (int i = 0; i < 64; i++)
		EXPECT_STREQ(list[4 + i], report_arg(&r, 4 + i));
}

/* And as many small ones: half of it is pointers. */
TEST_F(spawn, hundred_thousand_arguments)
{
	const char **list;
	DEFINE_REPORT(s, r);

	stack_limit(_metadata, 16UL << 20);
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
static void expect_bound(struct __test_metadata *_metadata, int device, rlim_t stack,
			 size_t expected)
{
	size_t low = 1, high = expected / 1024 + 16, middle, i;
	static char block[1024];
	const char **list;
	DEFINE_SPAWN(s, scratch_tiny);

	memset(block, 'b', sizeof(block) - 1 - sizeof(void *));
	list = calloc(high + 2, sizeof(*list));
	ASSERT_NE(NULL, list);
	stack_limit(_metadata, stack);
	s.args.argv = spawn_pointer(list);
	/* Strings and pointers take 1 KiB each, so the bound is at @expected. */
	while (high - low > 1) {
		middle = (low + high) / 2;
		for (i = 0; i < high + 1; i++)
			list[i] = i < middle ? block : NULL;
		if (own_execve_takes(list))
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
	expect_errno(_metadata, device, &s, E2BIG);
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
	DEFINE_SPAWN(s, scratch_tiny);
	size_t i;

	list = calloc(2UL << 20, sizeof(*list));
	ASSERT_NE(NULL, list);
	for (i = 0; i < (2UL << 20) - 1; i++)
		list[i] = "";
	s.args.argv = spawn_pointer(list);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ARGV);
	s.args.argv = 0;
	s.args.envp = spawn_pointer(list);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ENVP);
	/* Each within bounds, both together not. */
	stack_limit(_metadata, 8UL << 20);
	list[200000] = NULL;
	s.args.argv = spawn_pointer(list);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ENVP);
	s.args.envp = 0;
	expect_exit(_metadata, self->device, &s, 0);
	free(list);
}

TEST_HARNESS_MAIN
