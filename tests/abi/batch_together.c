// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the children of KSPAWN_IOC_BATCH have in common: pipes, a process group, the
 * moment at which they begin, and, with ALL_OR_NONE, their fate.
 */
#include "lib/batches.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <termios.h>

static bool ran(int place)
{
	char name[16];

	snprintf(name, sizeof(name), "ran%d", place);
	return !access(name, F_OK);
}

/* Three programs that leave a file each, as the first thing that they do. */
static void leaving_files(struct batch *b, __u32 flags)
{
	batch_init(b, 3, flags);
	batch_shell(b, 0, ": > ran0");
	batch_shell(b, 1, ": > ran1");
	batch_shell(b, 2, ": > ran2");
}

static void expect_none_ran(struct __test_metadata *_metadata)
{
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(ran(i))
			TH_LOG("program %d ran", i);
	}
}

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
		EXPECT_TRUE(ran(i));
}

/*
 * Start a batch in another process, whose second start waits in a file action.  Returns
 * that process, which exits with the call's errno, and the children.
 */
static pid_t start_held(struct __test_metadata *_metadata, int device, __u32 flags,
			pid_t children[3])
{
	pid_t caller;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	caller = assert_fork(_metadata);
	if (!caller) {
		struct batch b;
		int i, ret;

		leaving_files(&b, flags);
		spawn_hold(&b.starts[1]);
		ret = batch_start(device, &b);
		for (i = 0; i < 3; i++)
			if (b.starts[i].result.pid > 0)
				own_wait(b.starts[i].result.pid);
		_exit(ret < 0 ? errno : 100 + ret);
	}
	/* In the order of their creation. */
	for (int tries = 0; tries < 2000; tries++) {
		char path[64];
		FILE *file;
		int count = 0;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", caller, caller);
		file = fopen(path, "re");
		while (file && count < 3 && fscanf(file, "%d", &children[count]) == 1)
			count++;
		if (file)
			fclose(file);
		if (count == 3)
			break;
		own_sleep_ms(10);
		ASSERT_GT(1999, tries);
	}
	/* All that is to be waited for has come to it. */
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(own_wait_state(children[i], i == 1 ? 'S' : 'D'));
	return caller;
}

/* No program runs before the last has been executed. */
TEST_F(spawn, programs_begin_together)
{
	static const __u32 flags[] = { 0, KSPAWN_BATCH_FLAGS_ALL };

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t children[3];
		pid_t caller = start_held(_metadata, self->device, flags[i], children);

		own_sleep_ms(100);
		expect_none_ran(_metadata);
		spawn_release();
		EXPECT_EQ(103, own_wait_exit(caller));
		for (int j = 0; j < 3; j++) {
			char name[16];

			EXPECT_TRUE(ran(j));
			snprintf(name, sizeof(name), "ran%d", j);
			unlink(name);
		}
	}
}

static void expect_gone(struct __test_metadata *_metadata, const pid_t children[3])
{
	for (int i = 0; i < 3; i++) {
		bool gone = false;

		for (int j = 0; j < 2000 && !gone; j++) {
			gone = kill(children[i], 0) && errno == ESRCH;
			if (!gone)
				own_sleep_ms(10);
		}
		EXPECT_TRUE(gone)
			TH_LOG("child %d", i);
	}
}

/* A child that is killed, wherever it waits, is no program: none is. */
TEST_F(spawn, a_child_is_killed)
{
	for (int victim = 0; victim < 3; victim++) {
		pid_t children[3];
		pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE,
					  children);

		ASSERT_EQ(0, kill(children[victim], SIGKILL));
		EXPECT_EQ(EINTR, own_wait_exit(caller));
		expect_gone(_metadata, children);
		expect_none_ran(_metadata);
	}
}

/* Else it ends as any process does; the others run. */
TEST_F(spawn, a_child_is_killed_alone)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_PIPES, children);

	ASSERT_EQ(0, kill(children[1], SIGKILL));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(ran(0));
	EXPECT_FALSE(ran(1));
	EXPECT_TRUE(ran(2));
}

TEST_F(spawn, the_caller_is_killed)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	expect_killed(_metadata, caller);
	expect_gone(_metadata, children);
	expect_none_ran(_metadata);
}

/* Without ALL_OR_NONE they go on, as what fork() has made. */
TEST_F(spawn, the_caller_of_single_starts_is_killed)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, 0, children);

	expect_killed(_metadata, caller);
	EXPECT_EQ(0, own_wait(children[0]));
	EXPECT_EQ(0, own_wait(children[2]));
	EXPECT_TRUE(ran(0));
	EXPECT_FALSE(ran(1));
	spawn_release();
	EXPECT_EQ(0, own_wait(children[1]));
	EXPECT_TRUE(ran(1));
}

/* A child that stops holds all up; SIGCONT lets them go. */
TEST_F(spawn, a_child_stops)
{
	pid_t children[3];
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_FLAGS_ALL, children);

	ASSERT_EQ(0, kill(children[1], SIGSTOP));
	EXPECT_TRUE(own_wait_state(children[1], 'T'));
	/* One that waits stops as it begins its program. */
	ASSERT_EQ(0, kill(children[0], SIGSTOP));
	ASSERT_EQ(0, kill(children[1], SIGCONT));
	spawn_release();
	EXPECT_TRUE(own_wait_state(children[0], 'T'));
	EXPECT_FALSE(ran(0));
	ASSERT_EQ(0, kill(children[0], SIGCONT));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(ran(0));
}

/* A debugger that is told of the exec holds all up. */
TEST_F(spawn, a_debugger_holds_a_child_up)
{
	pid_t children[3];
	int status;
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	need_root(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, children[1], 0, PTRACE_O_TRACEEXEC));
	spawn_release();
	ASSERT_EQ(children[1], waitpid(children[1], &status, __WALL));
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXEC << 8, status >> 8);
	own_sleep_ms(50);
	expect_none_ran(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, children[1], 0, 0));
	EXPECT_EQ(103, own_wait_exit(caller));
	EXPECT_TRUE(ran(0) && ran(1) && ran(2));
}

/* One that traces a child which is given up is told of its end. */
TEST_F(spawn, a_debugger_of_one_that_is_given_up)
{
	pid_t children[3];
	int status;
	pid_t caller = start_held(_metadata, self->device, KSPAWN_BATCH_ALL_OR_NONE, children);

	need_root(_metadata);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, children[0], 0, 0));
	ASSERT_EQ(0, kill(children[1], SIGKILL));
	EXPECT_EQ(EINTR, own_wait_exit(caller));
	ASSERT_EQ(children[0], waitpid(children[0], &status, __WALL));
	EXPECT_EQ(SIGKILL, status);
	expect_gone(_metadata, children);
	expect_none_ran(_metadata);
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
