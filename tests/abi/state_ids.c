// SPDX-License-Identifier: LGPL-2.1-or-later
/* The program's identity: ids, groups, capabilities, and what it can never gain. */
#include "lib/completion.h"
#include "lib/fixture.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/builders.h"

static void expect_action_failure(struct __test_metadata *_metadata, int device, struct spawn *s,
				  int error)
{
	expect_failure(_metadata, device, s, error, KSPAWN_STEP_ACTION, 0);
}

static void expect_ids(struct __test_metadata *_metadata, const struct report *r, const char *name,
		       unsigned int real, unsigned int effective, unsigned int saved)
{
	unsigned int seen[4];

	ASSERT_EQ(4, report_status_ids(r, name, seen));
	EXPECT_EQ(real, seen[0]);
	EXPECT_EQ(effective, seen[1]);
	EXPECT_EQ(saved, seen[2]);
	EXPECT_EQ(effective, seen[3]);
}

static bool says(const struct report *r, const char *section, const char *text)
{
	const char *content = report_section(r, section, NULL);

	return content && strstr(content, text);
}

TEST_F(spawn, no_new_privileges_of_the_program)
{
	DEFINE_REPORT(s, r);

	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "prctl", "no_new_privs 0 "));
	spawn_state(&s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "prctl", "no_new_privs 1 "));
	EXPECT_EQ(0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* A set-user-ID program gains nothing, and is executed. */
TEST_F(spawn, no_new_privileges_of_a_program_that_has_some)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("suid", 04755));
	ASSERT_EQ(0, own_drop_privileges());
	s.args.path = spawn_pointer("./suid");
	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGHUP, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", OWN_USER, 0, 0);
	/* As ever, such a program is told of nobody's death. */
	EXPECT_TRUE(says(&r, "prctl", "pdeathsig 0 "));
	spawn_state(&s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", OWN_USER, OWN_USER, OWN_USER);
	EXPECT_TRUE(says(&r, "prctl", "pdeathsig 1 "));
}

TEST_F(spawn, parent_death_signal_of_the_program)
{
	DEFINE_REPORT(s, r);

	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGUSR2, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "prctl", "pdeathsig 12 "));
	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, 0, 0, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "prctl", "pdeathsig 0 "));
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, 65, 0, 0);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = -1;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
}

/* A later change of ids clears the signal, and so does a program that gains capabilities. */
TEST_F(spawn, parent_death_signal_that_is_cleared)
{
	/* None but CAP_SETGID and CAP_SETUID. */
	const struct __user_cap_data_struct fewer[2] = {
		{ 1 << CAP_SETUID | 1 << CAP_SETGID, 1 << CAP_SETUID | 1 << CAP_SETGID, 0 },
	};
	static const struct {
		bool before;
		bool ids;
		bool noroot;
		const char *signal;
	} rounds[] = {
		{ true, true, false, "pdeathsig 0 " },
		{ false, true, false, "pdeathsig 1 " },
		/* To have fewer capabilities clears nothing. */
		{ true, false, true, "pdeathsig 1 " },
		/* Root's program has them all again. */
		{ false, false, false, "pdeathsig 0 " },
	};
	DEFINE_REPORT(s, r);
	unsigned int i;

	need_root(_metadata);
	for (i = 0; i < ARRAY_SIZE(rounds); i++) {
		s.args.action_count = 0;
		if (rounds[i].before)
			spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGHUP, 0, 0);
		if (rounds[i].noroot)
			spawn_state(&s, KSPAWN_ACTION_PRCTL, SECBIT_NOROOT, PR_SET_SECUREBITS, 0);
		if (rounds[i].ids)
			spawn_state(&s, KSPAWN_ACTION_RESGID, OWN_GROUP, OWN_GROUP, OWN_GROUP);
		else
			spawn_state_data(&s, KSPAWN_ACTION_CAPABILITIES, fewer, sizeof(fewer));
		if (!rounds[i].before)
			spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGHUP, 0, 0);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_TRUE(says(&r, "prctl", rounds[i].signal))
			TH_LOG("round %u: %s", i, report_section(&r, "prctl", NULL));
	}
}

/* The program ends as its parent does. */
TEST_F(spawn, parent_that_exits)
{
	DEFINE_SPAWN(s, scratch_child, "child", "pause");
	pid_t parent, child = 0;
	int channel[2];

	ASSERT_EQ(0, pipe2(channel, O_CLOEXEC));
	parent = assert_fork(_metadata);
	if (!parent) {
		spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGKILL, 0, 0);
		child = spawn_start(self->device, &s);
		_exit(write(channel[1], &child, sizeof(child)) != sizeof(child));
	}
	EXPECT_EQ(0, own_wait(parent));
	ASSERT_EQ((ssize_t)sizeof(child), read(channel[0], &child, sizeof(child)));
	ASSERT_LT(0, child);
	EXPECT_TRUE(wait_gone(child));
	close(channel[0]);
	close(channel[1]);
}

/*
 * A parent that has gone before the signal was asked for: the program does not run,
 * and whoever reads the event learns why.
 */
TEST_F(spawn, parent_that_has_gone)
{
	struct kspawn_event event = {};
	pid_t parent, child = 0;
	int channel[2], completion;
	DEFINE_SPAWN(s, scratch_child, "child", "exit", "0");

	/* Orphans are to be found, if there are any. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe2(channel, O_CLOEXEC));
	completion = completion_open(self->device, 1, 0);
	ASSERT_LE(0, completion);
	spawn_hold(&s);
	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGKILL, 0, 0);
	s.args.flags = KSPAWN_ASYNC;
	s.args.completion = completion;
	s.args.cookie = 77;
	parent = assert_fork(_metadata);
	if (!parent) {
		child = spawn_start(self->device, &s);
		_exit(write(channel[1], &child, sizeof(child)) != sizeof(child));
	}
	EXPECT_EQ(0, own_wait(parent));
	ASSERT_EQ((ssize_t)sizeof(child), read(channel[0], &child, sizeof(child)));
	ASSERT_LT(0, child);
	EXPECT_EQ(0, kill(child, 0));
	spawn_release();
	ASSERT_EQ((ssize_t)sizeof(event), read(completion, &event, sizeof(event)));
	EXPECT_EQ(77, event.cookie);
	EXPECT_EQ(ESRCH, event.error);
	EXPECT_EQ(KSPAWN_STEP_ACTION, event.step);
	EXPECT_EQ(s.args.action_count - 1, event.index);
	EXPECT_TRUE(wait_gone(child));
	EXPECT_TRUE(own_no_child());
	close(completion);
	close(channel[0]);
	close(channel[1]);
}

/* Nobody's child until it is started, then its maker's. */
TEST_F(spawn, parent_of_a_builder)
{
	DEFINE_SPAWN(program, scratch_child, "child", "pause");
	pid_t maker, pids[2] = { 0, 0 };
	int channel[2];

	ASSERT_EQ(0, pipe2(channel, O_CLOEXEC));
	maker = assert_fork(_metadata);
	if (!maker) {
		struct spawn s;
		int builder;

		builder = assert_builder(_metadata, self->device, &pids[0]);
		plain_init(&s);
		spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGKILL, 0, 0);
		expect_applied(_metadata, builder, &s);
		pids[1] = start(builder, &program);
		_exit(write(channel[1], pids, sizeof(pids)) != sizeof(pids));
	}
	EXPECT_EQ(0, own_wait(maker));
	ASSERT_EQ((ssize_t)sizeof(pids), read(channel[0], pids, sizeof(pids)));
	ASSERT_LT(0, pids[1]);
	EXPECT_EQ(pids[0], pids[1]);
	EXPECT_TRUE(wait_gone(pids[1]));
	close(channel[0]);
	close(channel[1]);
}

TEST_F(spawn, ids_of_the_program)
{
	static const gid_t groups[] = { 5, 77, 100000 };
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	spawn_state_data(&s, KSPAWN_ACTION_GROUPS, groups, sizeof(groups));
	spawn_state(&s, KSPAWN_ACTION_RESGID, OWN_GROUP, OWN_GROUP, OWN_GROUP);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", OWN_USER, OWN_USER, OWN_USER);
	expect_ids(_metadata, &r, "Gid", OWN_GROUP, OWN_GROUP, OWN_GROUP);
	EXPECT_EQ(0, strncmp(report_status(&r, "Groups"), "5 77 100000", 11));
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
	EXPECT_EQ(0, report_status_hex(&r, "CapPrm"));
	EXPECT_EQ(0, geteuid());
	EXPECT_NE(OWN_GROUP, getegid());

	/* Those that are -1 remain; no group at all. */
	report_init(_metadata, &s, &r);
	spawn_state_data(&s, KSPAWN_ACTION_GROUPS, NULL, 0);
	spawn_state(&s, KSPAWN_ACTION_RESGID, -1, OWN_GROUP, UINT32_MAX);
	spawn_state(&s, KSPAWN_ACTION_RESUID, 1, -1, 0);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", 1, 0, 0);
	expect_ids(_metadata, &r, "Gid", 0, OWN_GROUP, OWN_GROUP);
	EXPECT_EQ('\n', report_status(&r, "Groups")[0]);

	/* -1 alone means that; its neighbour is a user, signed or not. */
	report_init(_metadata, &s, &r);
	spawn_state(&s, KSPAWN_ACTION_RESGID, -2, -2, UINT32_MAX - 1);
	spawn_state(&s, KSPAWN_ACTION_RESUID, UINT32_MAX - 1, -2, -2);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1);
	expect_ids(_metadata, &r, "Gid", UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1);
}

/* More groups than fit a page, and more than there can be. */
TEST_F(spawn, many_groups)
{
	DEFINE_REPORT(s, r);
	gid_t *groups = calloc(65537, sizeof(*groups));
	struct kspawn_action list[33] = {};

	need_root(_metadata);
	ASSERT_NE(NULL, groups);
	for (int i = 0; i < 65537; i++)
		groups[i] = 1000 + i;
	spawn_state_data(&s, KSPAWN_ACTION_GROUPS, groups, 3000 * sizeof(*groups));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_NE(NULL, strstr(report_status(&r, "Groups"), " 3999 "));
	EXPECT_EQ(NULL, strstr(report_status(&r, "Groups"), " 4000 "));
	EXPECT_EQ(0, strncmp(report_status(&r, "Groups"), "1000 1001 ", 10));
	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_GROUPS, groups, 65536 * sizeof(*groups));
	expect_exit(_metadata, self->device, &s, 0);
	s.actions[0].value = 65537 * sizeof(*groups);
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = 6;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].data = 0;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	/* All of them together are bounded, too. */
	spawn_init(&s, scratch_tiny);
	for (int i = 0; i < 33; i++) {
		list[i].op = KSPAWN_ACTION_GROUPS;
		list[i].data = spawn_pointer(groups);
		list[i].value = 65536 * sizeof(*groups);
	}
	spawn_set_actions(&s, list, 32);
	expect_exit(_metadata, self->device, &s, 0);
	spawn_set_actions(&s, list, 33);
	expect_failure(_metadata, self->device, &s, E2BIG, KSPAWN_STEP_ACTION, 32);
	free(groups);
}

TEST_F(spawn, ids_that_are_refused)
{
	static const gid_t groups[] = { 0 };
	DEFINE_SPAWN(s, scratch_tiny);

	if (!geteuid())
		ASSERT_EQ(0, own_drop_privileges());
	spawn_state(&s, KSPAWN_ACTION_RESUID, 0, -1, -1);
	expect_action_failure(_metadata, self->device, &s, EPERM);
	s.actions[0].op = KSPAWN_ACTION_RESGID;
	expect_action_failure(_metadata, self->device, &s, EPERM);
	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_GROUPS, groups, sizeof(groups));
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

/* Files are opened, and the program is looked for, by whom the child is then. */
TEST_F(spawn, ids_in_order)
{
	DEFINE_SPAWN(s, "./program", "program", "exit", "5");

	need_root(_metadata);
	ASSERT_EQ(0, scratch_file("secret", "x", 1, 0600));
	ASSERT_EQ(0, scratch_copy_child("program", 0755));
	spawn_open(&s, 0, "secret", O_RDONLY, 0);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	expect_exit(_metadata, self->device, &s, 5);
	spawn_open(&s, 0, "secret", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 2);
	ASSERT_EQ(0, chmod("program", 0700));
	s.args.action_count = 2;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
}

/* The descriptors of one who was root are not for whom it becomes. */
TEST_F(spawn, ids_of_a_builder)
{
	DEFINE_REPORT(program, r);
	struct spawn s;
	struct stat st;
	char path[64];
	int builder;
	pid_t pid;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_PDEATHSIG, SIGTERM, 0, 0);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	expect_applied(_metadata, builder, &s);
	EXPECT_TRUE(child_says(pid, "status", "Uid", "65432\t65432\t65432\t65432"));
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	ASSERT_EQ(0, stat(path, &st));
	/* Undumpable: root's, not its user's. */
	EXPECT_EQ(0, st.st_uid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_RESUID, 0, 0, 0);
	expect_refused(_metadata, builder, &s, EPERM);
	EXPECT_TRUE(child_says(pid, "status", "Uid", "65432\t65432\t65432\t65432"));
	expect_reported(_metadata, builder, pid, &program, &r);
	expect_ids(_metadata, &r, "Uid", OWN_USER, OWN_USER, OWN_USER);
	/* Other ids, no signal: as setresuid() has it. */
	EXPECT_TRUE(says(&r, "prctl", "pdeathsig 0 "));
	EXPECT_TRUE(says(&r, "prctl", "dumpable 1 "));
	close(builder);
}

/* While the child waits as another user, that user cannot look into it. */
TEST_F(spawn, ids_and_the_eyes_of_others)
{
	DEFINE_SPAWN(s, scratch_tiny);
	pid_t caller, child, other;

	need_root(_metadata);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	spawn_hold(&s);
	ASSERT_EQ(0, chmod("fifo", 0666));
	caller = assert_fork(_metadata);
	if (!caller) {
		child = spawn_start(self->device, &s);
		_exit(child < 0 ? 1 : own_wait(child));
	}
	child = assert_sleeping_child(_metadata, caller);
	other = assert_fork(_metadata);
	if (!other) {
		char path[64], target[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/0", child);
		if (own_drop_privileges())
			_exit(2);
		_exit(readlink(path, target, sizeof(target)) >= 0);
	}
	EXPECT_EQ(0, own_wait(other))
		TH_LOG("another process of its new user sees root's descriptors");
	spawn_release();
	EXPECT_EQ(0, own_wait(caller));
}

TEST_F(spawn, capabilities_of_the_program)
{
	struct __user_cap_data_struct data[2] = {
		{ 1U << CAP_SYS_CHROOT, 1U << CAP_SYS_CHROOT, 1U << CAP_SYS_CHROOT },
	};
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	spawn_state(&s, KSPAWN_ACTION_PRCTL, CAP_SYS_BOOT, PR_CAPBSET_DROP, 0);
	spawn_state(&s, KSPAWN_ACTION_PRCTL,
		    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS, PR_SET_SECUREBITS, 0);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	spawn_state_data(&s, KSPAWN_ACTION_CAPABILITIES, data, sizeof(data));
	spawn_state(&s, KSPAWN_ACTION_PRCTL, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT, CAP_SYS_CHROOT);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(1ULL << CAP_SYS_CHROOT, report_status_hex(&r, "CapEff"));
	EXPECT_EQ(1ULL << CAP_SYS_CHROOT, report_status_hex(&r, "CapPrm"));
	EXPECT_EQ(1ULL << CAP_SYS_CHROOT, report_status_hex(&r, "CapInh"));
	EXPECT_EQ(1ULL << CAP_SYS_CHROOT, report_status_hex(&r, "CapAmb"));
	EXPECT_EQ(0, report_status_hex(&r, "CapBnd") & (1ULL << CAP_SYS_BOOT));
	expect_ids(_metadata, &r, "Uid", OWN_USER, OWN_USER, OWN_USER);

	ASSERT_EQ(0, own_drop_privileges());
	spawn_init(&s, scratch_tiny);
	spawn_state_data(&s, KSPAWN_ACTION_CAPABILITIES, data, sizeof(data));
	expect_action_failure(_metadata, self->device, &s, EPERM);
	s.actions[0].value = 12;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	s.actions[0].value = 0;
	s.actions[0].data = 0;
	expect_action_failure(_metadata, self->device, &s, EINVAL);
	spawn_init(&s, scratch_tiny);
	spawn_state(&s, KSPAWN_ACTION_PRCTL, CAP_SYS_BOOT, PR_CAPBSET_DROP, 0);
	expect_action_failure(_metadata, self->device, &s, EPERM);
}

/* A whitelist, which has not what would be seen in the caller's place. */
TEST_F(spawn, process_controls)
{
	static const int refused[] = {
		0, PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_SECCOMP,
		PR_SET_MM, PR_SET_PTRACER, PR_SET_NO_NEW_PRIVS, PR_SET_THP_DISABLE, PR_SET_TSC, -1,
	};
	DEFINE_REPORT(s, r);

	spawn_state(&s, KSPAWN_ACTION_PRCTL, 1, PR_SET_CHILD_SUBREAPER, 0);
	spawn_state(&s, KSPAWN_ACTION_PRCTL, 123456, PR_SET_TIMERSLACK, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_TRUE(says(&r, "prctl", "subreaper 1 "));
	EXPECT_TRUE(says(&r, "prctl", "timerslack 123456 "));
	for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++) {
		spawn_init(&s, scratch_tiny);
		spawn_state(&s, KSPAWN_ACTION_PRCTL, 1, refused[i], 0);
		expect_action_failure(_metadata, self->device, &s, EINVAL);
	}
}

TEST_HARNESS_MAIN
