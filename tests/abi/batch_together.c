// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The children of KSPAWN_IOC_BATCH share pipes, a process group, the moment at which
 * they begin, and, with ALL_OR_NONE, their fate.
 */
#include "lib/batches.h"

#include <pthread.h>
#include <sys/wait.h>
#include <termios.h>

/* As "a | b | c" of a shell. */
TEST_F(spawn, pipeline)
{
	char text[32] = {};
	struct batch b;
	int end;

	batch_init(&b, 3, KSPAWN_BATCH_PIPES);
	batch_flags(&b, KSPAWN_WAIT);
	batch_shell(&b, 0, "echo one; echo two");
	batch_shell(&b, 1, "while read l; do echo $l; echo $l; done");
	batch_shell(&b, 2, "while read l; do echo -n $l,; done");
	spawn_pipe(&b.starts[2], 1, O_WRONLY, 0, &end);
	expect_all_started(_metadata, self->device, &b);
	EXPECT_LT(0, read(end, text, sizeof(text)));
	EXPECT_STREQ("one,one,two,two,", text);
	close(end);
}

/* Each has its ends, and no other; the caller has none. */
TEST_F(spawn, descriptors_of_a_pipeline)
{
	struct report r[3];
	struct report_fd ends[4];
	struct before before;
	struct batch b;
	int i;

	batch_init(&b, 3, KSPAWN_BATCH_PIPES);
	for (i = 0; i < 3; i++)
		report_init(_metadata, &b.starts[i], &r[i]);
	before_call(&before);
	expect_all_exit(_metadata, self->device, &b);
	EXPECT_EQ(before.descriptors, own_descriptor_count());
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, report_load(&r[i]));
		expect_fds(_metadata, &r[i], "0 1 2");
	}
	ASSERT_TRUE(report_fd(&r[0], 1, &ends[0]));
	ASSERT_TRUE(report_fd(&r[1], 0, &ends[1]));
	ASSERT_TRUE(report_fd(&r[1], 1, &ends[2]));
	ASSERT_TRUE(report_fd(&r[2], 0, &ends[3]));
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(S_ISFIFO(ends[i].mode));
		EXPECT_EQ(i % 2 ? O_RDONLY : O_WRONLY, (int)ends[i].flags);
	}
	EXPECT_EQ(ends[0].ino, ends[1].ino);
	EXPECT_EQ(ends[2].ino, ends[3].ino);
	EXPECT_NE(ends[0].ino, ends[2].ino);
}

/* Redirections come after the pipes, as in a shell: "a 2>&1 | b". */
TEST_F(spawn, actions_after_pipes)
{
	struct report r;
	struct report_fd out, err;
	struct batch b;

	batch_init(&b, 2, KSPAWN_BATCH_PIPES);
	report_init(_metadata, &b.starts[0], &r);
	spawn_dup2(&b.starts[0], 1, 2);
	spawn_dup2(&b.starts[1], 0, 7);
	spawn_open(&b.starts[1], 0, "/dev/null", O_RDONLY, 0);
	expect_all_exit(_metadata, self->device, &b);
	ASSERT_EQ(0, report_load(&r));
	ASSERT_TRUE(report_fd(&r, 1, &out));
	ASSERT_TRUE(report_fd(&r, 2, &err));
	EXPECT_EQ(out.ino, err.ino);
}

/* Whatever the caller has, or has not, at these numbers. */
TEST_F(spawn, pipeline_without_standard_descriptors)
{
	struct report r;
	struct batch b;

	batch_init(&b, 3, KSPAWN_BATCH_PIPES);
	report_init(_metadata, &b.starts[1], &r);
	b.starts[1].args.attr_flags = KSPAWN_ATTR_CLOEXEC_DEFAULT;
	close(0);
	close(1);
	expect_all_exit(_metadata, self->device, &b);
	ASSERT_EQ(0, report_load(&r));
	expect_fds(_metadata, &r, "0 1");
}

/* Where a program is missing its neighbours meet the end of a file, or no reader. */
TEST_F(spawn, pipeline_with_a_gap)
{
	struct batch b;
	int gap;

	for (gap = 0; gap < 2; gap++) {
		batch_init(&b, 3, KSPAWN_BATCH_PIPES);
		batch_flags(&b, KSPAWN_WAIT);
		batch_shell(&b, 0, "exec 2>/dev/null; trap '' PIPE; while echo x; do :; done; exit 5");
		batch_shell(&b, 2, "read line && exit 6; exit 7");
		if (gap)
			spawn_dup2(&b.starts[1], 99, 98);
		else
			b.starts[1].args.path = spawn_pointer("/no/such/program");
		ASSERT_EQ(2, batch_start(self->device, &b));
		EXPECT_EQ(5 << 8, b.starts[0].result.status);
		EXPECT_EQ(7 << 8, b.starts[2].result.status);
	}
}

TEST_F(spawn, no_descriptors_for_pipes)
{
	struct batch b;

	batch_init(&b, 2, KSPAWN_BATCH_PIPES);
	ASSERT_EQ(0, own_allow_descriptors(0));
	ASSERT_EQ(0, batch_start(self->device, &b));
	expect_start_failed(_metadata, &b, 0, EBADF, KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES);
	expect_start_failed(_metadata, &b, 1, EBADF, KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES);
	b.args.flags |= KSPAWN_BATCH_ALL_OR_NONE;
	EXPECT_EQ(-1, batch_start(self->device, &b));
	EXPECT_EQ(EBADF, errno);
}

/* All are members before any of them runs. */
TEST_F(spawn, process_group)
{
	struct report r[3];
	struct batch b;
	int i;

	batch_init(&b, 3, KSPAWN_BATCH_PGROUP);
	for (i = 0; i < 3; i++)
		report_init(_metadata, &b.starts[i], &r[i]);
	expect_all_exit(_metadata, self->device, &b);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, report_load(&r[i]));
		EXPECT_EQ(b.starts[0].result.pid, report_stat(&r[i], 5));
	}
}

/* Its number is that of the first child, even if that is no program. */
TEST_F(spawn, process_group_whose_leader_fails)
{
	struct report r[3];
	struct batch b;
	int i;

	/* None is waited for, and none is left. */
	signal(SIGCHLD, SIG_IGN);
	batch_init(&b, 3, KSPAWN_BATCH_PGROUP);
	for (i = 0; i < 3; i++)
		report_init(_metadata, &b.starts[i], &r[i]);
	spawn_dup2(&b.starts[0], 99, 98);
	ASSERT_EQ(2, batch_start(self->device, &b));
	while (wait(NULL) > 0)
		;
	ASSERT_EQ(0, report_load(&r[1]));
	ASSERT_EQ(0, report_load(&r[2]));
	EXPECT_EQ(report_stat(&r[1], 5), report_stat(&r[2], 5));
	EXPECT_NE(getpgrp(), report_stat(&r[1], 5));

	/* That of the first that could be created. */
	b.starts[0].args.action_count = 0;
	b.starts[0].args.action_size = 0;
	b.starts[0].args.actions = 0;
	b.starts[0].args.path = spawn_pointer("/no/such/program");
	ASSERT_EQ(2, batch_start(self->device, &b));
	while (wait(NULL) > 0)
		;
	for (i = 1; i < 3; i++) {
		ASSERT_EQ(0, report_load(&r[i]));
		EXPECT_EQ(b.starts[1].result.pid, report_stat(&r[i], 5));
	}
}

TEST_F(spawn, process_groups_of_two_kinds)
{
	static const __u32 attributes[] = { KSPAWN_ATTR_SETPGROUP, KSPAWN_ATTR_SETSID };
	struct batch b;

	for (unsigned int i = 0; i < ARRAY_SIZE(attributes); i++) {
		batch_init(&b, 2, KSPAWN_BATCH_PGROUP);
		b.starts[1].args.attr_flags = attributes[i];
		expect_batch_failed(_metadata, self->device, &b, 1, EINVAL, KSPAWN_STEP_COPY,
				    KSPAWN_ARG_ATTRIBUTES);
		/* Without it each does as it likes. */
		b.args.flags = 0;
		expect_all_exit(_metadata, self->device, &b);
	}
}

/* A terminal has the whole group in the foreground before any of it reads. */
TEST_F(spawn, foreground)
{
	struct report r[3];
	struct batch b;
	int master, slave, i;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, master);
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	ASSERT_EQ(getpid(), setsid());
	slave = assert_fd(_metadata, open(ptsname(master), O_RDWR | O_CLOEXEC));
	batch_init(&b, 3, KSPAWN_BATCH_PGROUP | KSPAWN_BATCH_ALL_OR_NONE);
	for (i = 0; i < 3; i++)
		report_init(_metadata, &b.starts[i], &r[i]);
	/* The last one: the others cannot be before it. */
	spawn_tcsetpgrp(&b.starts[2], slave);
	expect_all_exit(_metadata, self->device, &b);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, report_load(&r[i]));
		EXPECT_EQ(b.starts[0].result.pid, report_stat(&r[i], 8));
	}
}

/* The ways in which a start can fail, from the earliest to the latest. */
static const struct {
	const char *name;
	int error;
	__u32 step;
} failures[] = {
	{ "missing", ENOENT, KSPAWN_STEP_EXEC },
	{ "action", EBADF, KSPAWN_STEP_ACTION },
	{ "missing later", ENOENT, KSPAWN_STEP_EXEC },
	{ "text", ENOEXEC, KSPAWN_STEP_EXEC },
	{ "interpreter", ENOENT, KSPAWN_STEP_EXEC },
	{ "truncated", ENOEXEC, KSPAWN_STEP_EXEC },
	/* Past the point of no return. */
	{ "doomed", 0, KSPAWN_STEP_EXEC },
};

static void fail_so(struct __test_metadata *_metadata, struct spawn *s, unsigned int how)
{
	spawn_init(s, "./program");
	unlink("program");
	switch (how) {
	case 1:
		spawn_init(s, scratch_tiny);
		spawn_dup2(s, 99, 98);
		break;
	case 2:
		spawn_chdir(s, ".");
		break;
	case 3:
		ASSERT_EQ(0, scratch_file("program", "text\n", 5, 0755));
		break;
	case 4:
		ASSERT_EQ(0, scratch_file("program", "#!/no/such\n", 11, 0755));
		break;
	case 5:
		ASSERT_EQ(0, scratch_copy_child("program", 0755));
		ASSERT_EQ(0, truncate("program", 100));
		break;
	case 6:
		ASSERT_EQ(0, scratch_doomed("program"));
		break;
	}
}

TEST_F(spawn, all_or_none)
{
	unsigned int round, how, rounds = scratch_scale(10);
	struct batch b;
	int place, i;

	for (round = 0; round < rounds; round++) {
		for (how = 0; how < ARRAY_SIZE(failures); how++) {
			for (place = 0; place < 3; place++) {
				struct before before;

				leaving_files(&b, KSPAWN_BATCH_ALL_OR_NONE |
					      (round % 2 ? KSPAWN_BATCH_PIPES : 0));
				fail_so(_metadata, &b.starts[place], how);
				if (round % 3 == 2)
					batch_flags(&b, KSPAWN_WAIT);
				before_call(&before);
				ASSERT_EQ(-1, batch_start(self->device, &b))
					TH_LOG("%s", failures[how].name);
				if (failures[how].error)
					EXPECT_EQ(failures[how].error, errno)
						TH_LOG("%s: %s", failures[how].name,
						       strerrorname_np(errno));
				EXPECT_EQ(place, (int)b.failed);
				expect_start_failed(_metadata, &b, place, errno,
						    failures[how].step, 0);
				for (i = 0; i < 3; i++) {
					if (i != place)
						expect_given_up(_metadata, &b, i);
				}
				expect_nothing_left(_metadata, &before);
				expect_none_ran(_metadata);
			}
		}
	}
	leaving_files(&b, KSPAWN_BATCH_ALL_OR_NONE);
	expect_all_exit(_metadata, self->device, &b);
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(has_run(i));
}

/* Many batches at a time, good and bad ones: nothing is left. */
struct crowd {
	int device;
	unsigned int rounds;
	unsigned long wrong;
};

static void *make_batches(void *argument)
{
	struct crowd *crowd = argument;

	for (unsigned int i = 0; i < crowd->rounds; i++) {
		bool fails = i % 3 == 1;
		struct batch b;
		int ret;

		batch_init(&b, 1 + i % BATCH_STARTS, i % (KSPAWN_BATCH_FLAGS_ALL + 1));
		batch_flags(&b, KSPAWN_WAIT | KSPAWN_PIDFD * (i % 2));
		if (fails)
			spawn_dup2(&b.starts[i % b.args.count], 999, 998);
		ret = batch_start(crowd->device, &b);
		if (fails && (b.args.flags & KSPAWN_BATCH_ALL_OR_NONE))
			crowd->wrong += ret != -1 || errno != EBADF;
		else
			crowd->wrong += ret != (int)b.args.count - fails;
		for (__u32 j = 0; j < b.args.count; j++)
			if (b.starts[j].result.pidfd >= 0)
				close(b.starts[j].result.pidfd);
	}
	return NULL;
}

TEST_F(spawn, storm)
{
	struct crowd crowd = { .device = self->device, .rounds = scratch_scale(100) };
	struct crowd crowds[8];
	pthread_t threads[ARRAY_SIZE(crowds)];
	struct idle before;
	unsigned int i;

	idle_take(&before);
	for (i = 0; i < ARRAY_SIZE(crowds); i++) {
		crowds[i] = crowd;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, make_batches, &crowds[i]));
	}
	for (i = 0; i < ARRAY_SIZE(crowds); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, crowds[i].wrong);
	}
	EXPECT_TRUE(own_no_child());
	expect_idle(_metadata, &before);
}

TEST_HARNESS_MAIN
