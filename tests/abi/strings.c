// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lists arrive whole, of whatever sizes their strings are, and fit as execve() says. */
#define SPAWN_BOTH_WAYS
#include "lib/fixture.h"

#include <sys/resource.h>

static unsigned int seed;

static unsigned int some(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

/* A string of this size with its NUL, unlike any other. */
static char *fresh_string(size_t size)
{
	char *string = spawn_string(size, 'a' + some(26));
	size_t i;

	for (i = 0; i + 1 < size; i += 1 + some(40))
		string[i] = 'A' + some(26);
	return string;
}

#define STRINGS	400

static void expect_arrival(struct __test_metadata *_metadata, int device, const size_t *sizes,
			   unsigned int count)
{
	const char *argv[STRINGS + 5] = {}, *envp[STRINGS + 1] = {};
	unsigned int i, wrong = 0;
	DEFINE_REPORT(s, r);

	memcpy(argv, s.argv, 3 * sizeof(*argv));
	argv[3] = "0";
	for (i = 0; i < count; i++) {
		argv[4 + i] = fresh_string(sizes[i]);
		envp[i] = fresh_string(sizes[count - 1 - i]);
	}
	s.args.argv = spawn_pointer(argv);
	s.args.envp = spawn_pointer(envp);
	expect_report(_metadata, device, &s, &r);
	EXPECT_EQ((int)count + 4, report_argc(&r));
	for (i = 0; i < count; i++) {
		const char *arg = report_arg(&r, 4 + i), *env = report_env(&r, i);

		wrong += !arg || strcmp(arg, argv[4 + i]);
		wrong += !env || strcmp(env, envp[i]);
		free((char *)argv[4 + i]);
		free((char *)envp[i]);
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(NULL, report_env(&r, count));
}

/* Whatever pieces the module keeps them in, each border is crossed somewhere. */
TEST_F(spawn, of_many_sizes)
{
	unsigned int round, rounds = scratch_scale(20), i;
	size_t sizes[STRINGS];

	for (round = 0; round < rounds; round++) {
		seed = round;
		for (i = 0; i < STRINGS; i++)
			sizes[i] = 1 + some(round % 4 ? 300 : 20);
		expect_arrival(_metadata, self->device, sizes, STRINGS);
	}
}

TEST_F(spawn, around_powers_of_two)
{
	size_t sizes[100];
	unsigned int shift, count;
	int off;

	for (shift = 9; shift <= 17; shift++) {
		count = 0;
		for (off = -4; off <= 4; off++)
			if ((1UL << shift) + off <= SPAWN_STRING_MAX)
				sizes[count++] = (1UL << shift) + off;
		expect_arrival(_metadata, self->device, sizes, count);
	}
}

/* One string moves byte by byte over what may be a border. */
TEST_F(spawn, byte_by_byte)
{
	unsigned int i, rounds = scratch_scale(80);
	size_t sizes[3] = { 1, 1, 4000 };

	for (i = 0; i < rounds; i++) {
		sizes[0] = 1 + i;
		sizes[1] = 3400 + 9 * i;
		expect_arrival(_metadata, self->device, sizes, 3);
	}
}

TEST_F(spawn, empty_strings)
{
	size_t sizes[STRINGS];

	for (unsigned int i = 0; i < STRINGS; i++)
		sizes[i] = 1;
	expect_arrival(_metadata, self->device, sizes, STRINGS);
	sizes[0] = 4096;
	sizes[STRINGS - 1] = 4097;
	expect_arrival(_metadata, self->device, sizes, STRINGS);
}

/* The interpreter's arguments come before ours, and ours are all there. */
TEST_F(spawn, script_with_many_arguments)
{
	enum { COUNT = 50000 };
	const char **list = calloc(COUNT + 2, sizeof(*list));
	char script[PATH_MAX + 16], path[PATH_MAX];
	struct rlimit limit;
	DEFINE_REPORT(s, r);
	int size, i;

	ASSERT_NE(NULL, list);
	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = 16UL << 20;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
	/* "child report" takes the name of the script for the file to write to. */
	size = snprintf(script, sizeof(script), "#!%s report\n", scratch_child);
	snprintf(path, sizeof(path), "%s", r.path);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, scratch_file(path, script, size, 0755));
	list[0] = "dropped";
	list[1] = "0";
	for (i = 2; i <= COUNT; i++)
		list[i] = "argument";
	list[COUNT] = "last";
	spawn_init(&s, path);
	s.args.argv = spawn_pointer(list);
	spawn_env(&s, "ONE=1");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(COUNT + 3, report_argc(&r));
	EXPECT_STREQ(scratch_child, report_arg(&r, 0));
	EXPECT_STREQ("report", report_arg(&r, 1));
	EXPECT_STREQ(path, report_arg(&r, 2));
	EXPECT_STREQ("0", report_arg(&r, 3));
	EXPECT_STREQ("argument", report_arg(&r, 4));
	EXPECT_STREQ("last", report_arg(&r, COUNT + 2));
	EXPECT_STREQ("ONE=1", report_env(&r, 0));
	EXPECT_EQ(NULL, report_env(&r, 1));
	free(list);
}

static bool spawn_takes(struct __test_metadata *_metadata, int device, const char **list,
			bool by_child)
{
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	s.args.argv = spawn_pointer(list);
	if (by_child)
		spawn_chdir(&s, "/");
	pid = spawn_start(device, &s);
	if (pid > 0) {
		own_wait(pid);
		return true;
	}
	EXPECT_EQ(E2BIG, errno);
	EXPECT_TRUE(own_no_child());
	return false;
}

enum { STRING = 64 << 10, MOST = 110 };
static char block[STRING];

/* A list with so many bytes in its strings, all but the last of which are STRING. */
static void set_bytes(const char **list, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / STRING; i++)
		list[i] = block;
	list[i] = block + STRING - 1 - bytes % STRING;
	if (bytes % STRING)
		list[i]++;
	list[i + 1] = NULL;
}

/* The bound is execve()'s to the byte. */
static void expect_exact_bound(struct __test_metadata *_metadata, int device, rlim_t stack)
{
	const char *list[MOST + 2] = {};
	size_t low = 0, high = (size_t)MOST * STRING, middle;
	struct rlimit limit;
	int by_child, off;

	ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
	limit.rlim_cur = stack;
	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
	memset(block, 'b', sizeof(block) - 1);
	while (high - low > 1) {
		middle = (low + high) / 2;
		set_bytes(list, middle);
		if (own_execve_takes(list))
			low = middle;
		else
			high = middle;
	}
	for (by_child = 0; by_child < 2; by_child++) {
		for (off = -9; off <= 9; off += 3) {
			bool fits;

			set_bytes(list, low + off);
			fits = own_execve_takes(list);
			EXPECT_EQ(off <= 0, fits);
			EXPECT_EQ(fits, spawn_takes(_metadata, device, list, by_child))
				TH_LOG("stack %lu, %zu bytes and %d", (unsigned long)stack, low,
				       off);
		}
	}
}

TEST_F(spawn, exact_bounds)
{
	expect_exact_bound(_metadata, self->device, 1UL << 20);
	expect_exact_bound(_metadata, self->device, 8UL << 20);
	expect_exact_bound(_metadata, self->device, 1UL << 30);
	expect_exact_bound(_metadata, self->device, RLIM_INFINITY);
}

/* Stacks that are too small for anything. */
TEST_F(spawn, tiny_stacks)
{
	static const rlim_t sizes[] = { 64 << 10, 16 << 10, 8 << 10, 4 << 10, 0 };
	static const size_t strings[] = { 1, 100, 3000, 9000, 40000, 120000 };
	const char *list[3] = {};
	struct rlimit limit;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, getrlimit(RLIMIT_STACK, &limit));
		limit.rlim_cur = sizes[i];
		ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &limit));
		for (n = 0; n < ARRAY_SIZE(strings); n++) {
			list[0] = "x";
			list[1] = spawn_string(strings[n], 'x');
			EXPECT_EQ(own_execve_takes(list),
				  spawn_takes(_metadata, self->device, list, n % 2))
				TH_LOG("stack %lu, string %zu", (unsigned long)sizes[i],
				       strings[n]);
			free((char *)list[1]);
		}
	}
}

TEST_HARNESS_MAIN
