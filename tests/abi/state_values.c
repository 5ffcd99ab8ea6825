// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers of the child's state: umask, limits, priorities, scheduling, memory. */
#include "lib/fixture.h"

#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/builders.h"

/* struct sched_attr, which this libc does not have. */
struct attributes {
	__u32 size;
	__u32 policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime;
	__u64 deadline;
	__u64 period;
	__u32 util_min;
	__u32 util_max;
};

static void expect_action_failure(struct __test_metadata *_metadata, int device, struct spawn *s,
				  int error)
{
	expect_failure(_metadata, device, s, error, KSPAWN_STEP_ACTION, 0);
}

static bool says(const struct report *r, const char *section, const char *text)
{
	const char *content = report_section(r, section, NULL);

	return content && strstr(content, text);
}

TEST_F(spawn, umask_of_the_program)
{
	DEFINE_REPORT(s, r);
	struct stat st;

	spawn_state(&s, KSPAWN_ACTION_UMASK, 027, 0, 0);
	spawn_open(&s, 5, "after", O_WRONLY | O_CREAT, 0777);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, strncmp(report_status(&r, "Umask"), "0027", 4));
	ASSERT_EQ(0, stat("after", &st));
	EXPECT_EQ(0750, st.st_mode & 0777);
	/* The caller has what it had. */
	EXPECT_EQ(022, umask(022));

	/* A file that comes before is made with the mask that was. */
	report_init(_metadata, &s, &r);
	spawn_open(&s, 5, "before", O_WRONLY | O_CREAT, 0777);
	spawn_state(&s, KSPAWN_ACTION_UMASK, 077, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	ASSERT_EQ(0, stat("before", &st));
	EXPECT_EQ(0755, st.st_mode & 0777);
}

TEST_F(spawn, numbers_of_more_than_32_bits)
{
	static const __u32 ops[] = {
		KSPAWN_ACTION_UMASK, KSPAWN_ACTION_PDEATHSIG, KSPAWN_ACTION_RESUID,
		KSPAWN_ACTION_PRIORITY, KSPAWN_ACTION_OOM_SCORE, KSPAWN_ACTION_IOPRIO,
		KSPAWN_ACTION_PERSONALITY,
	};
	struct spawn s;

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_state(&s, ops[i], 1ULL << 32, 0, 0);
		expect_action_failure(_metadata, self->device, &s, EINVAL);
	}
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_RESUID, -1, 1ULL << 32, -1);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value2 = -1;
	s.actions[0].value3 = 1ULL << 40;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value3 = UINT32_MAX;
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, limits_of_the_program)
{
	DEFINE_REPORT(s, r);
	struct rlimit before, after;

	ASSERT_EQ(0, getrlimit(RLIMIT_CORE, &before));
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 1234, RLIMIT_MSGQUEUE, 123456);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "limits",
			 "Max msgqueue size         1234                 123456 "));
	EXPECT_TRUE(says(&r, "limits", "Max core file size        0                    0 "));
	ASSERT_EQ(0, getrlimit(RLIMIT_CORE, &after));
	EXPECT_EQ(before.rlim_cur, after.rlim_cur);
	EXPECT_EQ(before.rlim_max, after.rlim_max);
}

/* A limit holds for the actions behind it. */
TEST_F(spawn, limits_in_order)
{
	DEFINE_REPORT(s, r);

	spawn_dup2(&s, 0, 20);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 8, RLIMIT_NOFILE, 8);
	expect_report_fds(_metadata, self->device, &s, &r, "0 1 2 20");
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 8, RLIMIT_NOFILE, 8);
	spawn_dup2(&s, 0, 20);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 1);
	/* Later operations do not depend on the memory that is left. */
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 4096, RLIMIT_AS, RLIM_INFINITY);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	spawn_chdir(&s, ".");
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, RLIM_INFINITY, RLIMIT_AS, RLIM_INFINITY);
	expect_report(_metadata, self->device, &s, &r);
}

TEST_F(spawn, limits_that_are_refused)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 2, RLIMIT_FSIZE, 1);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 1, 77, 1);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 1);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ACTION, 1);
}

/* As setpriority(), which clamps. */
TEST_F(spawn, nice_of_the_program)
{
	DEFINE_REPORT(s, r);

	spawn_state(&s, KSPAWN_ACTION_PRIORITY, 7, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", "nice 7 "));
	EXPECT_EQ(0, getpriority(PRIO_PROCESS, 0));
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_PRIORITY, 1000, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", "nice 19 "));
	need_root(_metadata);
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_PRIORITY, -5, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", "nice -5 "));
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_PRIORITY, (__u32)-6, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", "nice -6 "));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_PRIORITY, -5, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EACCES);
}

TEST_F(spawn, ioprio_of_the_program)
{
	char expected[32];
	DEFINE_REPORT(s, r);

	if (syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) < 0)
		SKIP(return, "this kernel has no block devices");
	snprintf(expected, sizeof(expected), "ioprio %d", IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6));
	spawn_state(&s, KSPAWN_ACTION_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6), 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", expected));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_IOPRIO, IOPRIO_PRIO_VALUE(7, 0), 0, 0);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	need_root(_metadata);
	ASSERT_EQ(0, own_drop_privileges());
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0), 0, 0);
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

TEST_F(spawn, affinity_of_the_program)
{
	unsigned long mask = 1, none = 0;
	DEFINE_REPORT(s, r);

	spawn_state_data(&s, KSPAWN_ACTION_AFFINITY, &mask, sizeof(mask));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, strncmp(report_status(&r, "Cpus_allowed_list"), "0\n", 2));
	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_AFFINITY, &none, sizeof(none));
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = 4097;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].data = 1;
	s.actions[0].value = 8;
	expect_action_failure(_metadata, self->device, &s, EFAULT);
	s.actions[0].data = 0;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = 0;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

/* A large mask, whose end is nothing to this machine. */
TEST_F(spawn, affinity_by_a_page)
{
	unsigned char mask[4096] = { 1 };
	DEFINE_REPORT(s, r);

	mask[4095] = 0xff;
	spawn_state_data(&s, KSPAWN_ACTION_AFFINITY, mask, sizeof(mask));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, strncmp(report_status(&r, "Cpus_allowed_list"), "0\n", 2));
}

TEST_F(spawn, scheduler_of_the_program)
{
	struct attributes attr = { .size = sizeof(attr), .policy = SCHED_BATCH, .nice = 3 };
	unsigned char mask[4096];
	DEFINE_REPORT(s, r);

	spawn_state_data(&s, KSPAWN_ACTION_SCHEDULER, &attr, sizeof(attr));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "scheduling", "policy 3 priority 0 nice 3 "));
	spawn_init(&s, scratch_tiny);
	attr.policy = 77;
	spawn_state_data(&s, KSPAWN_ACTION_SCHEDULER, &attr, sizeof(attr));
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	/* The system call looks at the size that the structure tells. */
	attr.policy = SCHED_BATCH;
	attr.size = 8;
	expect_action_failure(_metadata, self->device, &s, E2BIG);
	attr.size = 4000;
	expect_exit(_metadata, self->device, &s, 0);
	s.actions[0].value = 3;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	/* Bytes that an action before it has left in memory are not read. */
	spawn_init(&s, scratch_tiny);
	memset(mask, 0xff, sizeof(mask));
	spawn_state_data(&s, KSPAWN_ACTION_AFFINITY, mask, sizeof(mask));
	spawn_state_data(&s, KSPAWN_ACTION_SCHEDULER, &attr, sizeof(attr));
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, deadline_of_the_program)
{
	struct attributes attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE, .flags = SCHED_FLAG_RESET_ON_FORK,
		.runtime = 10000000, .deadline = 100000000, .period = 100000000,
	};
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	spawn_state_data(&s, KSPAWN_ACTION_SCHEDULER, &attr, sizeof(attr));
	expect_report(_metadata, self->device, &s, &r);
	/* And SCHED_RESET_ON_FORK. */
	EXPECT_TRUE(says(&r, "scheduling", "policy 1073741830 "))
		TH_LOG("%s", report_section(&r, "scheduling", NULL));
	ASSERT_EQ(0, own_drop_privileges());
	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_SCHEDULER, &attr, sizeof(attr));
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

TEST_F(spawn, oom_score_of_the_program)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 321, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("321\n", report_section(&r, "oom_score_adj", NULL));
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, -1000, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("-1000\n", report_section(&r, "oom_score_adj", NULL));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 1001, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = -1001;
	expect_action_failure(_metadata, self->device, &s, EINVAL);

	/* The value that root has set is the lowest for others; the caller's is as it was. */
	ASSERT_EQ(0, put("/proc/self/oom_score_adj", "100"));
	ASSERT_EQ(0, own_drop_privileges());
	s.actions[0].value = 99;
	expect_action_failure(_metadata, self->device, &s, EACCES);
	s.actions[0].value = 100;
	expect_exit(_metadata, self->device, &s, 0);
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 700, 0, 0);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 500, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("500\n", report_section(&r, "oom_score_adj", NULL));
	EXPECT_TRUE(child_says(getpid(), "oom_score_adj", "100", "\n"));
}

TEST_F(spawn, personality_of_the_program)
{
	DEFINE_REPORT(s, r);

	spawn_state(&s, KSPAWN_ACTION_PERSONALITY, ADDR_NO_RANDOMIZE, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_STREQ("00040000\n", report_section(&r, "personality", NULL));
	EXPECT_EQ(0, personality(0xffffffff));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_PERSONALITY, UINT32_MAX, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = -1;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

TEST_F(spawn, memory_policy_of_the_program)
{
	DEFINE_SPAWN(s, "/bin/cat", "cat", "/proc/self/numa_maps");
	unsigned long nodes = 1;
	char text[4096];
	ssize_t size;
	pid_t pid;
	int fd;

	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0))
		SKIP(return, "this kernel knows no nodes");
	spawn_state_data(&s, KSPAWN_ACTION_MEMPOLICY, &nodes, sizeof(nodes));
	s.actions[0].value2 = MPOL_BIND;
	spawn_open(&s, 1, "maps", O_WRONLY | O_CREAT, 0600);
	pid = assert_start(_metadata, self->device, &s);
	EXPECT_EQ(0, own_wait(pid));
	fd = assert_fd(_metadata, open("maps", O_RDONLY | O_CLOEXEC));
	size = read(fd, text, sizeof(text) - 1);
	ASSERT_LT(0, size);
	text[size] = '\0';
	EXPECT_NE(NULL, strstr(text, " bind:0 "))
		TH_LOG("%.80s", text);
	close(fd);

	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_MEMPOLICY, NULL, 0);
	expect_exit(_metadata, self->device, &s, 0);
	s.actions[0].value2 = MPOL_BIND;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].data = spawn_pointer(&nodes);
	s.actions[0].value = 4;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

/* Each is seen at once, and a failure changes nothing. */
TEST_F(spawn, values_of_a_builder)
{
	DEFINE_REPORT(program, r);
	struct spawn s;
	int builder;
	pid_t pid;

	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_UMASK, 077, 0, 0);
	spawn_state(&s, KSPAWN_ACTION_PRIORITY, 4, 0, 0);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 444, 0, 0);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 0, RLIMIT_CORE, 0);
	expect_applied(_metadata, builder, &s);
	EXPECT_TRUE(child_says(pid, "status", "Umask", "0077"));
	EXPECT_TRUE(child_says(pid, "oom_score_adj", "444", "\n"));
	EXPECT_TRUE(child_says(pid, "limits", "Max core file size", "0 "));
	EXPECT_EQ(4, getpriority(PRIO_PROCESS, pid));
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_OOM_SCORE, 4444, 0, 0);
	expect_refused(_metadata, builder, &s, EINVAL);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_RLIMIT, 1, RLIMIT_CORE, 0);
	expect_refused(_metadata, builder, &s, EINVAL);
	EXPECT_TRUE(child_says(pid, "oom_score_adj", "444", "\n"));
	expect_reported(_metadata, builder, pid, &program, &r);
	EXPECT_TRUE(says(&r, "scheduling", "nice 4 "));
	EXPECT_EQ(0, strncmp(report_status(&r, "Umask"), "0077", 4));
	EXPECT_STREQ("444\n", report_section(&r, "oom_score_adj", NULL));
	close(builder);
}

TEST_HARNESS_MAIN
