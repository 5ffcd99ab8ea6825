// SPDX-License-Identifier: LGPL-2.1-or-later
/* The sizes that a request may have; for those of argv and envp see lists.c. */
#include "lib/fixture.h"

static struct kspawn_action *many_actions(struct __test_metadata *_metadata, struct spawn *s,
					  __u32 count)
{
	struct kspawn_action *actions = calloc(count, sizeof(*actions));

	ASSERT_NE(NULL, actions);
	spawn_set_actions(s, actions, count);
	return actions;
}

/* Descriptors go round in 10,000 steps; only the right order ends well. */
TEST_F(spawn, ten_thousand_actions)
{
	struct report_fd seen;
	DEFINE_REPORT(s, r);
	struct stat st;
	__u32 i;
	struct kspawn_action *actions = many_actions(_metadata, &s, 10000);

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
	DEFINE_SPAWN(s, scratch_tiny);
	__u32 i;
	struct kspawn_action *actions = many_actions(_metadata, &s, 10000);

	for (i = 0; i < 10000; i++) {
		actions[i].op = KSPAWN_ACTION_CLOSE;
		actions[i].fd = 500;
	}
	actions[9999].fd = -1;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 9999);
	actions[9998].mode = 1;
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 9998);
	actions[9998].mode = 0;
	actions[9997].op = KSPAWN_ACTION_CHDIR;
	actions[9997].fd = 0;
	actions[9997].path = spawn_pointer("/no/such/directory");
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_ACTION, 9997);
	free(actions);
}

TEST_F(spawn, as_many_actions_as_allowed)
{
	DEFINE_SPAWN(s, scratch_tiny);
	__u32 i;
	struct kspawn_action *actions = many_actions(_metadata, &s, KSPAWN_ACTIONS_MAX + 1);

	for (i = 0; i <= KSPAWN_ACTIONS_MAX; i++)
		actions[i].op = KSPAWN_ACTION_CLOSE;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ACTIONS);
	s.args.action_count = KSPAWN_ACTIONS_MAX;
	expect_exit(_metadata, self->device, &s, 0);
	s.args.action_count = UINT32_MAX;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ACTIONS);
	free(actions);
}

/* Each names another descriptor, of which none is open. */
TEST_F(spawn, many_named_descriptors)
{
	DEFINE_SPAWN(s, scratch_tiny);
	__u32 i;
	struct kspawn_action *actions = many_actions(_metadata, &s, 20001);

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
	char *longest = spawn_string(PATH_MAX, '/');
	char *longer = spawn_string(PATH_MAX + 1, '/');
	DEFINE_SPAWN(s, scratch_tiny);

	ASSERT_TRUE(longest && longer);
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
	char *longest = spawn_string(PATH_MAX, '/');
	struct kspawn_action *actions;
	DEFINE_SPAWN(s, scratch_tiny);
	__u32 i;

	ASSERT_NE(NULL, longest);
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
	char *path = spawn_string(PATH_MAX + 64, '/');
	size_t tail = strlen(scratch_tiny);
	struct spawn s;

	ASSERT_NE(NULL, path);
	memcpy(path + PATH_MAX - 1 - tail, scratch_tiny, tail + 1);
	spawn_init(&s, path);
	expect_exit(_metadata, self->device, &s, 0);
	memset(path, '/', PATH_MAX);
	memcpy(path + PATH_MAX - tail, scratch_tiny, tail + 1);
	expect_request_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_ARG_PATH);
	/* One component over NAME_MAX is the file system's to refuse. */
	memset(path, 'x', 300);
	path[300] = '\0';
	expect_failure(_metadata, self->device, &s, ENAMETOOLONG, KSPAWN_STEP_EXEC, 0);
	free(path);
}

TEST_F(spawn, long_search_list)
{
	char *list = spawn_string(KSPAWN_SEARCH_MAX, ':');
	char *longer = spawn_string(KSPAWN_SEARCH_MAX + 1, ':');
	size_t tail = strlen(scratch_directory);
	DEFINE_SPAWN(s, "tiny");

	ASSERT_TRUE(list && longer);
	/* As one whose program is in its last directory. */
	memcpy(list + KSPAWN_SEARCH_MAX - 1 - tail, scratch_directory, tail);
	s.args.search = spawn_pointer(list);
	expect_exit(_metadata, self->device, &s, 0);
	s.args.search = spawn_pointer(longer);
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_SEARCH);
	free(list);
	free(longer);
}

/* One path for all of them, and an operation that there is not at the end. */
static void copy_for_long(int device, struct kspawn_action *actions)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_set_actions(&s, actions, KSPAWN_ACTIONS_MAX);
	spawn_start(device, &s);
}

/* A caller that is killed does not copy its actions to the end. */
TEST_F(spawn, killed_while_actions_are_copied)
{
	struct kspawn_action *actions = calloc(KSPAWN_ACTIONS_MAX, sizeof(*actions));
	unsigned long long begun, whole, took;
	char path[128];
	pid_t caller;
	int i;

	ASSERT_NE(NULL, actions);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (i = 0; i < KSPAWN_ACTIONS_MAX - 1; i++) {
		actions[i].op = KSPAWN_ACTION_CHDIR;
		actions[i].path = spawn_pointer(path);
	}
	actions[i].op = ~0U;
	copy_for_long(self->device, actions);
	begun = own_clock_ms();
	copy_for_long(self->device, actions);
	whole = own_clock_ms() - begun;
	caller = assert_fork(_metadata);
	if (!caller) {
		/* Once does not take long enough to be met. */
		for (;;)
			copy_for_long(self->device, actions);
	}
	own_sleep_ms(whole + whole / 5);
	begun = own_clock_ms();
	expect_killed(_metadata, caller);
	took = own_clock_ms() - begun;
	TH_LOG("%llu ms of %llu ms", took, whole);
	EXPECT_GT(whole / 2, took);
	free(actions);
}

TEST_HARNESS_MAIN
