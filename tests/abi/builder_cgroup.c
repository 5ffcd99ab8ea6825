// SPDX-License-Identifier: LGPL-2.1-or-later
/* The cgroup of a builder's child, and what is charged to it. */
#include "lib/builders.h"
#include "lib/cgroups.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define PIPES		"450"
/* The least that a pipe takes: its buffers. */
#define PIPES_BYTES	(450 * 640L)

static bool is_in(pid_t pid, const char *cgroup)
{
	char text[64];

	read_field(pid, "cgroup", "0:", text);
	return !strcmp(text, cgroup + strlen(CGROUP_ROOT));
}

/* A builder whose child is in the group from its birth. */
static int builder_in(struct __test_metadata *_metadata, int device, const char *cgroup, pid_t *pid)
{
	int fd = assert_fd(_metadata, open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct spawn s;
	int builder;

	plain_init(&s);
	spawn_setcgroup(&s, fd);
	builder = call(device, KSPAWN_IOC_BUILDER, &s);
	ASSERT_LE(3, builder)
		TH_LOG("%m, step %u", s.result.step);
	*pid = s.result.pid;
	close(fd);
	return builder;
}

TEST_F(spawn, made_in_it)
{
	char path[64];
	struct spawn s;
	int builder;
	pid_t pid;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	builder = builder_in(_metadata, self->device, path, &pid);
	EXPECT_TRUE(is_in(pid, path));
	/* It belongs to the creation, and to no later call. */
	plain_init(&s);
	spawn_setcgroup(&s, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EINVAL, KSPAWN_STEP_COPY,
		    KSPAWN_ARG_ATTRIBUTES);
	spawn_init(&s, scratch_tiny);
	spawn_setcgroup(&s, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_START, &s, EINVAL, KSPAWN_STEP_COPY,
		    KSPAWN_ARG_ATTRIBUTES);
	expect_alive(_metadata, builder, pid);
	close(builder);
	remove_cgroup(_metadata, path);
	plain_init(&s);
	spawn_setcgroup(&s, -1);
	expect_call(_metadata, self->device, KSPAWN_IOC_BUILDER, &s, EINVAL,
		    KSPAWN_STEP_ATTRIBUTE, KSPAWN_ATTR_SETCGROUP);
}

/* Start "child pipes", and compare what the group is charged. */
static void expect_pipes_charged(struct __test_metadata *_metadata, int builder, pid_t pid,
				 const char *path)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pipes", PIPES);
	struct rlimit files = { 8192, 8192 };
	int ready[2];
	long before;
	char byte;

	ASSERT_EQ(0, prlimit(pid, RLIMIT_NOFILE, &files, NULL));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	before = bytes_of(path);
	spawn_pass(&s, ready[1], 1, 0);
	EXPECT_EQ(pid, start(builder, &s));
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_LE(PIPES_BYTES, bytes_of(path) - before)
		TH_LOG("%ld bytes", bytes_of(path) - before);
	expect_killed(_metadata, pid);
	close(ready[0]);
	close(builder);
	remove_cgroup(_metadata, path);
}

TEST_F(spawn, pipes_of_its_program)
{
	char path[64];
	int builder;
	pid_t pid;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	builder = builder_in(_metadata, self->device, path, &pid);
	expect_pipes_charged(_metadata, builder, pid, path);
}

/* It may be moved while it waits, and what comes then is charged there. */
TEST_F(spawn, pipes_of_its_program_after_a_move)
{
	char path[64], text[16];
	struct spawn s;
	int builder;
	pid_t pid;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_open(&s, 9, "/dev/null", O_RDONLY, 0);
	EXPECT_EQ(0, apply(builder, &s));
	snprintf(text, sizeof(text), "%d", pid);
	ASSERT_EQ(0, put_in(path, "cgroup.procs", text));
	EXPECT_TRUE(is_in(pid, path));
	expect_pipes_charged(_metadata, builder, pid, path);
}

/* The group it began in can go while it waits: nothing keeps it. */
TEST_F(spawn, leaves_its_cgroup)
{
	char path[64], text[16];
	int builder;
	pid_t pid;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	builder = builder_in(_metadata, self->device, path, &pid);
	snprintf(text, sizeof(text), "%d", pid);
	ASSERT_EQ(0, put_in(CGROUP_ROOT, "cgroup.procs", text));
	remove_cgroup(_metadata, path);
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The OOM killer takes it as any process, and its builder tells of the end. */
TEST_F(spawn, out_of_memory)
{
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "0");
	struct idle before;
	char path[64];
	int builder;
	pid_t pid;

	if (!make_cgroup_with("memory", path))
		SKIP(return, NEEDS_CONTROLLER);
	idle_take(&before);
	ASSERT_EQ(0, announce_failing_allocations());
	builder = builder_in(_metadata, self->device, path, &pid);
	ASSERT_EQ(0, put_in(path, "memory.max", "4096"));
	/* It is killed in exec or by then, and the call says which: nothing else is left. */
	if (start(builder, &s) > 0) {
		EXPECT_TRUE(WIFSIGNALED(own_wait(pid)));
	} else {
		EXPECT_TRUE(errno == ENOMEM || errno == ESRCH || errno == E2BIG)
			TH_LOG("%m");
	}
	close(builder);
	EXPECT_TRUE(wait_gone(pid));
	EXPECT_TRUE(own_no_child());
	expect_idle(_metadata, &before);
	remove_cgroup(_metadata, path);
}

TEST_HARNESS_MAIN
