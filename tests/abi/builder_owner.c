// SPDX-License-Identifier: LGPL-2.1-or-later
/* The right to operate a builder: its maker's, as long as nothing has changed, and debuggers'. */
#include "lib/builders.h"
#include "lib/passing.h"

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define YAMA	"/proc/sys/kernel/yama/ptrace_scope"

/* Whether the calling process may operate it: 0, EPERM or another errno. */
static int operating(int builder)
{
	struct spawn s;

	plain_init(&s);
	spawn_chdir(&s, "/");
	if (!apply(builder, &s))
		return 0;
	return s.result.step == KSPAWN_STEP_BUILDER ? errno : -1;
}

/* An ordinary user who can be debugged by processes of the same user. */
static int become_user(void)
{
	if (own_drop_privileges())
		return -1;
	return prctl(PR_SET_DUMPABLE, 1);
}

/*
 * A process of the user makes a builder, and another operates it, in whatever state
 * they are; the outcome of the latter, as operating() has it.
 */
struct meeting {
	int (*maker)(void);
	int (*other)(void);
	int (*maker_later)(void);
};

static int meet(struct __test_metadata *_metadata, int device, const struct meeting *meeting)
{
	int ends[2], done[2], builder, outcome;
	pid_t maker, other, pid;
	char byte;

	ASSERT_EQ(0, passing_open(ends));
	ASSERT_EQ(0, pipe2(done, O_CLOEXEC));
	maker = assert_fork(_metadata);
	if (!maker) {
		close(done[1]);
		if (meeting->maker && meeting->maker())
			_exit(1);
		builder = assert_builder(_metadata, device, &pid);
		if (meeting->maker_later && meeting->maker_later())
			_exit(2);
		if (passing_send(ends[1], builder))
			_exit(3);
		/* Whether or not another may, it may itself. */
		if (read(done[0], &byte, 1) < 0)
			_exit(4);
		_exit(meeting->maker_later ? 0 : operating(builder));
	}
	builder = passing_receive(ends[0]);
	EXPECT_LE(3, builder);
	other = assert_fork(_metadata);
	if (!other) {
		if (meeting->other && meeting->other())
			_exit(254);
		_exit(operating(builder));
	}
	outcome = own_wait_exit(other);
	close(done[1]);
	EXPECT_EQ(0, own_wait(maker));
	close(builder);
	close(done[0]);
	close(ends[0]);
	close(ends[1]);
	return outcome;
}

TEST_F(spawn, same_user)
{
	const struct meeting meeting = { .maker = become_user, .other = become_user };

	need_root(_metadata);
	EXPECT_EQ(totals_number(YAMA) > 0 ? EPERM : 0, meet(_metadata, self->device, &meeting));
}

TEST_F(spawn, more_privileged)
{
	const struct meeting meeting = { .maker = become_user };

	need_root(_metadata);
	EXPECT_EQ(0, meet(_metadata, self->device, &meeting));
}

TEST_F(spawn, less_privileged)
{
	const struct meeting meeting = { .other = become_user };

	need_root(_metadata);
	EXPECT_EQ(EPERM, meet(_metadata, self->device, &meeting));
}

static int become_undumpable_user(void)
{
	return become_user() ?: prctl(PR_SET_DUMPABLE, 0);
}

/* A child is as undumpable as its maker; who made it need not look into it. */
TEST_F(spawn, undumpable_maker)
{
	const struct meeting meeting = { .maker = become_undumpable_user, .other = become_user };

	need_root(_metadata);
	EXPECT_EQ(EPERM, meet(_metadata, self->device, &meeting));
}

/* Credentials that have changed, though not for good. */
TEST_F(spawn, ids_changed_for_a_while)
{
	pid_t caller, pid;
	int builder;

	need_root(_metadata);
	caller = assert_fork(_metadata);
	if (!caller) {
		builder = assert_builder(_metadata, self->device, &pid);
		if (setresuid(OWN_USER, OWN_USER, 0) || operating(builder) != EPERM)
			_exit(1);
		if (setresuid(0, 0, 0) || operating(builder))
			_exit(2);
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(caller));
}

static int own_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* A child that may gain privileges is for none that may not, though root it be. */
TEST_F(spawn, no_new_privs_of_another)
{
	const struct meeting gains = { .other = own_no_new_privs };
	const struct meeting gains_not = { .maker = own_no_new_privs, .other = own_no_new_privs };
	struct spawn s;
	pid_t other, pid;
	int builder;

	need_root(_metadata);
	EXPECT_EQ(EPERM, meet(_metadata, self->device, &gains));
	EXPECT_EQ(0, meet(_metadata, self->device, &gains_not));

	/* Nor may the child's gain any after it was said so. */
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_NO_NEW_PRIVS, 0, 0, 0);
	expect_applied(_metadata, builder, &s);
	other = assert_fork(_metadata);
	if (!other)
		_exit(own_no_new_privs() ? 254 : operating(builder));
	EXPECT_EQ(0, own_wait_exit(other));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The child has given up privileges; its maker, which has not, may still operate it. */
TEST_F(spawn, privileges_of_the_child_dropped)
{
	struct spawn s;
	pid_t pid, other;
	int builder;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_RESGID, OWN_GROUP, OWN_GROUP, OWN_GROUP);
	spawn_state(&s, KSPAWN_ACTION_RESUID, OWN_USER, OWN_USER, OWN_USER);
	expect_applied(_metadata, builder, &s);
	/* It cannot do what its user cannot do, whoever asks for it. */
	plain_init(&s);
	spawn_state(&s, KSPAWN_ACTION_RESUID, 0, 0, 0);
	expect_refused(_metadata, builder, &s, EPERM);
	plain_init(&s);
	spawn_open(&s, 9, "/etc/shadow", O_RDONLY, 0);
	expect_refused(_metadata, builder, &s, EACCES);
	/* Its new user may not: what it holds is its maker's until the program begins. */
	other = assert_fork(_metadata);
	if (!other)
		_exit(become_user() ? 254 : operating(builder));
	EXPECT_EQ(EPERM, own_wait_exit(other));
	expect_alive(_metadata, builder, pid);
	close(builder);
}

static int with_yama(struct __test_metadata *_metadata, int device, const char *scope,
		     const struct meeting *meeting)
{
	char before[16];
	int outcome;

	snprintf(before, sizeof(before), "%ld\n", totals_number(YAMA));
	ASSERT_EQ(0, put(YAMA, scope));
	outcome = meet(_metadata, device, meeting);
	EXPECT_EQ(0, put(YAMA, before));
	return outcome;
}

/* Yama: a builder's child is nobody's descendant; whoever made it is not asked for. */
TEST_F(spawn, yama)
{
	const struct meeting users = { .maker = become_user, .other = become_user };
	const struct meeting with_root = { .maker = become_user };

	need_root(_metadata);
	if (totals_number(YAMA) < 0 || totals_number(YAMA) > 2)
		SKIP(return, "no Yama whose scope can be changed");
	EXPECT_EQ(0, with_yama(_metadata, self->device, "0\n", &users));
	EXPECT_EQ(EPERM, with_yama(_metadata, self->device, "1\n", &users));
	EXPECT_EQ(0, with_yama(_metadata, self->device, "1\n", &with_root));
	EXPECT_EQ(EPERM, with_yama(_metadata, self->device, "2\n", &users));
	EXPECT_EQ(0, with_yama(_metadata, self->device, "2\n", &with_root));
}

/* Scope 3 lasts until the next boot: for a guest of its own, which says so. */
TEST_F(spawn, yama_without_debuggers)
{
	const struct meeting with_root = { .maker = become_user };

	need_root(_metadata);
	if (!getenv("KSPAWN_TEST_YAMA_FOR_GOOD"))
		SKIP(return, "KSPAWN_TEST_YAMA_FOR_GOOD is not set");
	ASSERT_EQ(0, put(YAMA, "3\n"));
	EXPECT_EQ(EPERM, meet(_metadata, self->device, &with_root));
}

static int become_user_namespace_root(void)
{
	char map[64];
	int fd;

	if (become_user() || unshare(CLONE_NEWUSER))
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", OWN_USER);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		return -1;
	return close(fd);
}

/* Capabilities of a user namespace are none outside it. */
TEST_F(spawn, from_within_a_user_namespace)
{
	const struct meeting meeting = {
		.maker = become_user, .other = become_user_namespace_root,
	};

	need_root(_metadata);
	EXPECT_EQ(EPERM, meet(_metadata, self->device, &meeting));
}

/* Whoever has privileges outside has them inside. */
TEST_F(spawn, into_a_user_namespace)
{
	const struct meeting meeting = { .maker = become_user_namespace_root };

	need_root(_metadata);
	EXPECT_EQ(0, meet(_metadata, self->device, &meeting));
}

/* A maker that goes into a user namespace is another afterwards. */
TEST_F(spawn, maker_enters_a_user_namespace)
{
	pid_t caller, pid;
	int builder;

	need_root(_metadata);
	caller = assert_fork(_metadata);
	if (!caller) {
		if (become_user())
			_exit(1);
		builder = assert_builder(_metadata, self->device, &pid);
		if (unshare(CLONE_NEWUSER))
			_exit(KSFT_SKIP);
		_exit(operating(builder) == EPERM ? 0 : 2);
	}
	EXPECT_EQ(0, own_wait(caller));
}

/* A process that has restricted itself has no hold on what it made before. */
TEST_F(spawn, landlock)
{
	const struct landlock_ruleset_attr rules = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE,
	};
	pid_t caller, pid;
	int builder, set;

	need_root(_metadata);
	set = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (set < 0)
		SKIP(return, "no Landlock: %m");
	caller = assert_fork(_metadata);
	if (!caller) {
		builder = assert_builder(_metadata, self->device, &pid);
		if (operating(builder))
			_exit(1);
		/* As root: no_new_privs alone would refuse it. */
		if (syscall(SYS_landlock_restrict_self, set, 0))
			_exit(2);
		if (operating(builder) != EPERM)
			_exit(3);
		/* One that it makes now has the same restrictions. */
		builder = assert_builder(_metadata, self->device, &pid);
		_exit(operating(builder));
	}
	EXPECT_EQ(0, own_wait(caller));
}

static int run_set_user_id(int device, const char *program, bool no_new_privs)
{
	struct spawn s;
	int builder;

	if (become_user() || (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
		return 1;
	plain_init(&s);
	builder = call(device, KSPAWN_IOC_BUILDER, &s);
	if (builder < 0)
		return 2;
	spawn_init(&s, program, "child", "report", "report");
	if (start(builder, &s) < 0)
		return 3;
	if (own_wait(s.result.pid))
		return 4;
	/* It is an ordinary program, of which the builder is none any more. */
	plain_init(&s);
	spawn_chdir(&s, "/");
	return apply(builder, &s) == -1 && errno == ESRCH ? 0 : 5;
}

/* A set-user-ID program has its privileges, as after fork() and execve(). */
TEST_F(spawn, set_user_id)
{
	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("privileged", 04755));
	ASSERT_EQ(0, chmod("privileged", 04755));
	for (int i = 0; i < 2; i++) {
		struct report r = { .path = "report" };
		unsigned int ids[4];
		pid_t caller;

		ASSERT_EQ(0, scratch_file("report", "", 0, 0666));
		caller = assert_fork(_metadata);
		if (!caller)
			_exit(run_set_user_id(self->device, "./privileged", i));
		EXPECT_EQ(0, own_wait(caller));
		ASSERT_EQ(0, report_load(&r));
		ASSERT_EQ(4, report_status_ids(&r, "Uid", ids));
		EXPECT_EQ(OWN_USER, ids[0]);
		EXPECT_EQ(i ? OWN_USER : 0, ids[1]);
		ASSERT_EQ(0, unlink("report"));
	}
}

/* Whoever is refused cannot even say what the child is to get. */
TEST_F(spawn, refused_descriptors_are_closed)
{
	struct pollfd entry = { .events = POLLIN };
	int builder, pipes[2];
	pid_t other, pid;
	struct spawn s;

	need_root(_metadata);
	builder = assert_builder(_metadata, self->device, &pid);
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	other = assert_fork(_metadata);
	if (!other) {
		close(pipes[0]);
		if (become_user())
			_exit(1);
		plain_init(&s);
		spawn_pass(&s, pipes[1], 20, 0);
		_exit(apply(builder, &s) == -1 && errno == EPERM ? 0 : 2);
	}
	close(pipes[1]);
	EXPECT_EQ(0, own_wait(other));
	entry.fd = pipes[0];
	EXPECT_EQ(1, TEMP_FAILURE_RETRY(poll(&entry, 1, 20000)));
	EXPECT_EQ(POLLHUP, entry.revents);
	expect_alive(_metadata, builder, pid);
	close(pipes[0]);
	close(builder);
}

TEST_HARNESS_MAIN
