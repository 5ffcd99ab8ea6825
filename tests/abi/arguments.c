// SPDX-License-Identifier: LGPL-2.1-or-later
/* struct kspawn_args and struct kspawn_action: sizes, and every field at its edges. */
#define SPAWN_BOTH_WAYS
#include "lib/fixture.h"

#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

TEST_F(spawn, args_too_small)
{
	static const __u32 sizes[] = { 0, 1, 4, 8, 111 };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct before before;

		spawn_init(&s, scratch_tiny);
		s.args.size = sizes[i];
		before_call(&before);
		expect_errno(_metadata, self->device, &s, EINVAL);
		/* It has no field for the result. */
		EXPECT_EQ((__s32)0xa5a5a5a5, s.result.pid);
		expect_nothing_left(_metadata, &before);
	}
}

/* A caller from the future, which does not use what this kernel lacks. */
TEST_F(spawn, args_with_an_empty_tail)
{
	static const __u32 sizes[] = {
		KSPAWN_ARGS_SIZE_VER0 + 1, KSPAWN_ARGS_SIZE_VER0 + 8,
		KSPAWN_ARGS_SIZE_VER0 + 16, 4095, 4096
	};
	struct {
		struct spawn s;
		__u8 tail[4096];
	} *big;
	struct kspawn_args *args;

	big = calloc(1, sizeof(*big));
	ASSERT_NE(NULL, big);
	args = calloc(1, 4096);
	ASSERT_NE(NULL, args);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		pid_t pid;

		spawn_init(&big->s, scratch_tiny);
		*args = big->s.args;
		args->size = sizes[i];
		pid = ioctl(self->device, KSPAWN_IOC_SPAWN, args);
		ASSERT_LT(0, pid);
		EXPECT_EQ(0, own_wait(pid));
		EXPECT_EQ(pid, big->s.result.pid);
	}
	free(args);
	free(big);
}

TEST_F(spawn, args_with_an_unknown_field_that_is_used)
{
	static const __u32 at[] = {
		KSPAWN_ARGS_SIZE_VER0, KSPAWN_ARGS_SIZE_VER0 + 1, KSPAWN_ARGS_SIZE_VER0 + 7,
		KSPAWN_ARGS_SIZE_VER0 + 15, 1000, 4095
	};
	struct before before;
	DEFINE_SPAWN(s, scratch_tiny);
	struct kspawn_args *args = calloc(1, 4096);

	ASSERT_NE(NULL, args);
	before_call(&before);
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		*args = s.args;
		args->size = 4096;
		((__u8 *)args)[at[i]] = 1;
		EXPECT_EQ(-1, ioctl(self->device, KSPAWN_IOC_SPAWN, args));
		EXPECT_EQ(E2BIG, errno);
		((__u8 *)args)[at[i]] = 0;
	}
	expect_nothing_left(_metadata, &before);
	free(args);
}

TEST_F(spawn, args_too_large)
{
	static const __u32 sizes[] = { 4097, 65536, INT_MAX, UINT32_MAX };
	struct before before;
	DEFINE_SPAWN(s, scratch_tiny);

	before_call(&before);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		s.args.size = sizes[i];
		expect_errno(_metadata, self->device, &s, E2BIG);
	}
	expect_nothing_left(_metadata, &before);
}

TEST_F(spawn, unknown_flags)
{
	struct spawn s;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if (KSPAWN_FLAGS_ALL & (1U << bit))
			continue;
		spawn_init(&s, scratch_tiny);
		s.args.flags = 1U << bit;
		expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
	}
	spawn_init(&s, scratch_tiny);
	s.args.flags = UINT32_MAX;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
}

TEST_F(spawn, unknown_attributes)
{
	struct spawn s;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if (KSPAWN_ATTR_ALL & (1U << bit))
			continue;
		spawn_init(&s, scratch_tiny);
		s.args.attr_flags = 1U << bit;
		expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	}
	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = UINT32_MAX;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

/* Every attribute that a plain caller may have, in one request. */
TEST_F(spawn, all_attributes_together)
{
	DEFINE_REPORT(s, r);
	int status;
	pid_t pid;

	s.args.attr_flags = KSPAWN_ATTR_ALL &
			    ~(KSPAWN_ATTR_SETPGROUP | KSPAWN_ATTR_SETCGROUP);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(pid, waitpid(pid, &status, __WALL));
	EXPECT_EQ(0, status);
	/* CLOEXEC_DEFAULT leaves it no descriptor at all. */
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "");
	EXPECT_EQ(pid, report_stat(&r, 6));
}

TEST_F(spawn, cgroup_needs_its_flag)
{
	DEFINE_SPAWN(s, scratch_tiny);

	s.args.cgroup = -1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	s.args.cgroup = 1;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
}

TEST_F(spawn, result_is_optional)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_without_result(&s);
	expect_exit(_metadata, self->device, &s, 0);
	spawn_init(&s, "/no/such/program");
	spawn_without_result(&s);
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

static void expect_no_result(struct __test_metadata *_metadata, int device, struct spawn *s,
			     int error)
{
	struct before before;

	before_call(&before);
	EXPECT_EQ(-1, spawn_start(device, s));
	EXPECT_EQ(error, errno);
	EXPECT_EQ((__s32)0xa5a5a5a5, s->result.pid);
	expect_nothing_left(_metadata, &before);
}

TEST_F(spawn, result_of_a_wrong_size)
{
	static const __u32 small[] = { 0, 1, 4, 20, 23 };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(small); i++) {
		spawn_init(&s, scratch_tiny);
		s.args.result_size = small[i];
		expect_no_result(_metadata, self->device, &s, EINVAL);
	}
	spawn_init(&s, scratch_tiny);
	s.args.result_size = 4097;
	expect_no_result(_metadata, self->device, &s, E2BIG);
	s.args.result_size = UINT32_MAX;
	expect_no_result(_metadata, self->device, &s, E2BIG);
	spawn_init(&s, scratch_tiny);
	s.args.result = 0;
	expect_no_result(_metadata, self->device, &s, EINVAL);
}

/* A later caller's result is larger: what we do not know is 0 in it. */
TEST_F(spawn, larger_result)
{
	struct {
		struct kspawn_result result;
		__u8 tail[100];
		__u8 guard;
	} larger;
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t pid;

	memset(&larger, 0xa5, sizeof(larger));
	s.args.result = spawn_pointer(&larger);
	s.args.result_size = offsetof(typeof(larger), guard);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_EQ(pid, larger.result.pid);
	EXPECT_EQ(-1, larger.result.pidfd);
	for (unsigned int i = 0; i < sizeof(larger.tail); i++)
		EXPECT_EQ(0, larger.tail[i]);
	EXPECT_EQ(0xa5, larger.guard);
}

/* Number, size and place of the actions: all of them, or none. */
TEST_F(spawn, actions_half_given)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_close(&s, 9);
	s.args.action_size = 0;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ACTIONS);
	s.args.action_size = 31;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ACTIONS);
	s.args.action_size = 4097;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ACTIONS);
	s.args.action_size = UINT32_MAX;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ACTIONS);
	s.args.action_size = sizeof(struct kspawn_action);
	s.args.action_count = 0;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ACTIONS);
	s.args.action_size = 0;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ACTIONS);
	s.args.actions = 0;
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, larger_actions)
{
	struct larger {
		struct kspawn_action action;
		__u64 more[3];
	} actions[4] = {};
	DEFINE_REPORT(s, r);

	for (int i = 0; i < 4; i++) {
		actions[i].action.op = KSPAWN_ACTION_DUP2;
		actions[i].action.newfd = 10 + i;
	}
	spawn_set_actions(&s, actions, 4);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 10 11 12 13");

	actions[2].more[2] = 1ULL << 63;
	expect_request_failure(_metadata, self->device, &s, E2BIG, KSPAWN_ARG_ACTIONS);
}

TEST_F(spawn, unknown_operations)
{
	static const __u32 bad[] = { 0, 36, 37, 63, 64, 255, 256, 65537, INT_MAX, UINT32_MAX };
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_close(&s, 9);
		spawn_close(&s, 9);
		spawn_action(&s, bad[i]);
		expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 2);
	}
}

/* A field that an operation does not use must be 0. */
TEST_F(spawn, unused_fields_of_actions)
{
	enum { FD = 1, NEWFD = 2, OFLAG = 4, MODE = 8, PATH = 16, DIRFD = 32, RESOLVE = 64 };
	static const unsigned int uses[] = {
		[KSPAWN_ACTION_OPEN] = FD | PATH | DIRFD | OFLAG | MODE | RESOLVE,
		[KSPAWN_ACTION_CLOSE] = FD,
		[KSPAWN_ACTION_DUP2] = FD | NEWFD,
		[KSPAWN_ACTION_CHDIR] = PATH | DIRFD,
		[KSPAWN_ACTION_FCHDIR] = FD,
		[KSPAWN_ACTION_CLOSEFROM] = FD,
		[KSPAWN_ACTION_TCSETPGRP] = FD,
		[KSPAWN_ACTION_INHERIT] = FD,
		[KSPAWN_ACTION_CLOSE_RANGE] = FD | NEWFD,
		[KSPAWN_ACTION_PASS] = FD | NEWFD | OFLAG,
		[KSPAWN_ACTION_PIPE] = NEWFD | PATH | OFLAG | MODE,
		[KSPAWN_ACTION_SOCKETPAIR] = NEWFD | PATH | OFLAG | MODE,
		[KSPAWN_ACTION_MEMFD] = NEWFD | PATH | OFLAG | MODE,
		/* OFLAG is value, MODE value2, RESOLVE value3, and PATH data. */
		[KSPAWN_ACTION_UMASK] = OFLAG,
		[KSPAWN_ACTION_RLIMIT] = OFLAG | MODE | RESOLVE,
		[KSPAWN_ACTION_NO_NEW_PRIVS] = 0,
		[KSPAWN_ACTION_PDEATHSIG] = OFLAG,
		[KSPAWN_ACTION_RESUID] = OFLAG | MODE | RESOLVE,
		[KSPAWN_ACTION_RESGID] = OFLAG | MODE | RESOLVE,
		[KSPAWN_ACTION_GROUPS] = OFLAG | PATH,
		[KSPAWN_ACTION_CTTY] = FD | OFLAG,
		[KSPAWN_ACTION_CHROOT] = PATH | DIRFD,
		[KSPAWN_ACTION_PRIORITY] = OFLAG,
		[KSPAWN_ACTION_AFFINITY] = OFLAG | PATH,
		[KSPAWN_ACTION_OOM_SCORE] = OFLAG,
		[KSPAWN_ACTION_STOP] = 0,
		[KSPAWN_ACTION_SETNS] = FD | OFLAG,
		[KSPAWN_ACTION_UNSHARE] = OFLAG,
		[KSPAWN_ACTION_CAPABILITIES] = OFLAG | PATH,
		[KSPAWN_ACTION_PRCTL] = OFLAG | MODE | RESOLVE,
		[KSPAWN_ACTION_SCHEDULER] = OFLAG | PATH,
		[KSPAWN_ACTION_IOPRIO] = OFLAG,
		[KSPAWN_ACTION_PERSONALITY] = OFLAG,
		[KSPAWN_ACTION_MEMPOLICY] = OFLAG | MODE | PATH,
		[KSPAWN_ACTION_CLOSE_EXCEPT] = FD | NEWFD | OFLAG | PATH,
	};
	struct kspawn_action *action;
	unsigned int field;
	struct spawn s;
	__u32 op;

	for (op = 1; op < ARRAY_SIZE(uses); op++) {
		for (field = FD; field <= RESOLVE; field *= 2) {
			if (uses[op] & field)
				continue;
			spawn_init(&s, scratch_tiny);
			spawn_close(&s, 9);
			action = spawn_action(&s, op);
			if (uses[op] & PATH)
				action->path = spawn_pointer("/");
			action->fd = field == FD ? -1 : 0;
			action->newfd = field == NEWFD ? 1 : 0;
			action->oflag |= field == OFLAG ? O_CLOEXEC : 0;
			action->mode = field == MODE ? 0600 :
				       op == KSPAWN_ACTION_SOCKETPAIR ? SOCK_STREAM : 0;
			if (field == PATH)
				action->path = spawn_pointer("/");
			action->dirfd = field == DIRFD ? AT_FDCWD : 0;
			action->resolve = field == RESOLVE ? 1 : 0;
			expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 1);
		}
	}
}

/* The first thing that is wrong is the one that is told. */
TEST_F(spawn, order_of_checks)
{
	DEFINE_SPAWN(s, NULL);

	s.args.flags = 0x80000000;
	s.args.attr_flags = 0x80000000;
	s.args.argv = 1;
	spawn_action(&s, 99);
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ARGS);
	s.args.flags = 0;
	expect_request_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ARG_ATTRIBUTES);
	s.args.attr_flags = 0;
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_PATH);
	s.args.path = spawn_pointer("/no/such/program");
	expect_failure(_metadata, self->device, &s, EINVAL, KSPAWN_STEP_ACTION, 0);
	s.actions[0].op = KSPAWN_ACTION_CLOSE;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
	/* One that can change what is found. */
	s.actions[0].op = KSPAWN_ACTION_FCHDIR;
	s.actions[0].fd = 99;
	expect_request_failure(_metadata, self->device, &s, EFAULT, KSPAWN_ARG_ARGV);
	s.args.argv = 0;
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_setpgroup(&s, -1);
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_SETPGROUP);
	s.args.attr_flags = 0;
	s.args.pgroup = 0;
	s.actions[0].op = KSPAWN_ACTION_DUP2;
	s.actions[0].fd = 0;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

TEST_F(spawn, empty_argument_list)
{
	static const char * const none[] = { NULL };
	char variable[PATH_MAX + 32];
	struct report r;
	struct spawn s;

	for (int i = 0; i < 2; i++) {
		report_init(_metadata, &s, &r);
		snprintf(variable, sizeof(variable), "KSPAWN_REPORT=%s", r.path);
		spawn_env(&s, variable);
		s.args.argv = i ? spawn_pointer(none) : 0;
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_EQ(1, report_argc(&r));
		ASSERT_NE(NULL, report_arg(&r, 0));
		EXPECT_STREQ("", report_arg(&r, 0));
		EXPECT_EQ(NULL, report_arg(&r, 1));
	}
}

TEST_F(spawn, empty_environment)
{
	struct report r;
	struct spawn s;
	size_t size = 1;

	for (int i = 0; i < 2; i++) {
		report_init(_metadata, &s, &r);
		if (!i)
			s.args.envp = 0;
		expect_report(_metadata, self->device, &s, &r);
		ASSERT_NE(NULL, report_section(&r, "environ", &size));
		EXPECT_EQ(0, size);
	}
}

TEST_F(spawn, strings_arrive_as_they_are)
{
	static const char * const words[] = {
		"", " ", "a b", "\n", "\xff\xfe", "=", "-", "'\"$`\\", "",
	};
	DEFINE_REPORT(s, r);
	unsigned int i;

	spawn_arg(&s, "0");
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		spawn_arg(&s, words[i]);
		spawn_env(&s, words[i]);
	}
	spawn_env(&s, "A=1");
	spawn_env(&s, "A=2");
	spawn_env(&s, "=no name");
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(4 + ARRAY_SIZE(words), report_argc(&r));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		EXPECT_STREQ(words[i], report_arg(&r, 4 + i));
		EXPECT_STREQ(words[i], report_env(&r, i));
	}
	EXPECT_STREQ("A=1", report_env(&r, i));
	EXPECT_STREQ("A=2", report_env(&r, i + 1));
	EXPECT_STREQ("=no name", report_env(&r, i + 2));
}

/* The program's name is the path's, not argv[0]'s. */
TEST_F(spawn, names)
{
	DEFINE_REPORT(s, r);

	s.argv[0] = "another name";
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("another name", report_arg(&r, 0));
	EXPECT_STREQ("child\n", report_section(&r, "comm", NULL));
	EXPECT_STREQ(scratch_child, report_section(&r, "exe", NULL));
	EXPECT_STREQ(scratch_child, report_section(&r, "execfn", NULL));
}

TEST_HARNESS_MAIN
