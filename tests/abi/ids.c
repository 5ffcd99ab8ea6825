// SPDX-License-Identifier: LGPL-2.1-or-later
/* RESETIDS, and the ids a child has without it. */
#include "lib/fixture.h"

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>

#define REAL	OWN_USER
#define RGROUP	OWN_GROUP

static void expect_ids(struct __test_metadata *_metadata, const struct report *r, const char *name,
		       unsigned int real, unsigned int effective, unsigned int saved,
		       unsigned int fs)
{
	unsigned int seen[4];

	ASSERT_EQ(4, report_status_ids(r, name, seen));
	EXPECT_EQ(real, seen[0]);
	EXPECT_EQ(effective, seen[1]);
	EXPECT_EQ(saved, seen[2]);
	EXPECT_EQ(fs, seen[3]);
}

/* As in a set-uid program: an ordinary real id, root's effective one. */
static void become_set_uid(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(RGROUP, 0, 0));
	ASSERT_EQ(0, setresuid(REAL, 0, 0));
}

TEST_F(spawn, effective_ids_are_kept)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	become_set_uid(_metadata);
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", REAL, 0, 0, 0);
	expect_ids(_metadata, &r, "Gid", RGROUP, 0, 0, 0);
}

TEST_F(spawn, effective_ids_are_reset)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	become_set_uid(_metadata);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", REAL, REAL, REAL, REAL);
	expect_ids(_metadata, &r, "Gid", RGROUP, RGROUP, RGROUP, RGROUP);
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
	EXPECT_EQ(0, report_status_hex(&r, "CapPrm"));
	/* The caller is who it was. */
	EXPECT_EQ(0, geteuid());
	EXPECT_EQ(0, getegid());
}

/* Ordinary effective ids, root's real ones: the child gains them back. */
TEST_F(spawn, reset_to_root)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, setresgid(0, RGROUP, 0));
	ASSERT_EQ(0, setresuid(0, REAL, 0));
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", 0, 0, 0, 0);
	expect_ids(_metadata, &r, "Gid", 0, 0, 0, 0);
	EXPECT_NE(0, report_status_hex(&r, "CapEff"));
}

TEST_F(spawn, reset_of_equal_ids_changes_nothing)
{
	DEFINE_REPORT(s, r);

	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", getuid(), getuid(), getuid(), getuid());
	expect_ids(_metadata, &r, "Gid", getgid(), getgid(), getgid(), getgid());
}

TEST_F(spawn, groups_are_kept)
{
	static const gid_t groups[] = { 5, 77, 100000 };
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, setgroups(3, groups));
	ASSERT_EQ(0, setresuid(REAL, 0, 0));
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, strncmp(report_status(&r, "Groups"), "5 77 100000", 11));
}

/* The ids come before the file actions, which work with the new ones. */
TEST_F(spawn, file_actions_run_with_the_reset_ids)
{
	DEFINE_SPAWN(s, scratch_tiny);
	struct stat st;

	need_root(_metadata);
	ASSERT_EQ(0, scratch_file("secret", "x", 1, 0600));
	become_set_uid(_metadata);
	spawn_open(&s, 0, "secret", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);

	spawn_init(&s, scratch_tiny);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	spawn_open(&s, 0, "made", O_WRONLY | O_CREAT, 0600);
	expect_exit(_metadata, self->device, &s, 0);
	ASSERT_EQ(0, stat("made", &st));
	EXPECT_EQ(REAL, st.st_uid);
	EXPECT_EQ(RGROUP, st.st_gid);
}

/* So does the search for the program, whatever the caller may execute. */
TEST_F(spawn, the_program_is_executed_with_the_reset_ids)
{
	DEFINE_SPAWN(s, "./program", "program", "exit", "5");

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("program", 0700));
	ASSERT_EQ(0, mkdir("closed", 0700));
	ASSERT_EQ(0, scratch_copy_child("closed/program", 0755));
	become_set_uid(_metadata);
	expect_exit(_metadata, self->device, &s, 5);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	s.args.path = spawn_pointer("closed/program");
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
}

/* Gaining root by it makes a program accessible that the caller cannot reach. */
TEST_F(spawn, the_reset_ids_may_do_more)
{
	DEFINE_SPAWN(s, "./program", "program", "exit", "5");

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("program", 0700));
	ASSERT_EQ(0, setresuid(0, REAL, 0));
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_exit(_metadata, self->device, &s, 5);
}

/* posix_spawn(): a set-uid file's owner becomes the effective id all the same. */
TEST_F(spawn, set_uid_files_still_count)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("program", 0755));
	ASSERT_EQ(0, chown("program", REAL + 1, RGROUP + 1));
	ASSERT_EQ(0, chmod("program", 06755));
	become_set_uid(_metadata);
	s.args.path = spawn_pointer("./program");
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", REAL, REAL + 1, REAL + 1, REAL + 1);
	expect_ids(_metadata, &r, "Gid", RGROUP, RGROUP + 1, RGROUP + 1, RGROUP + 1);
	EXPECT_STREQ("1", report_section(&r, "secure", NULL));
}

/* The saved ids go with exec, so they are of no use to the program. */
TEST_F(spawn, saved_ids_are_dropped)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, setresgid(RGROUP, RGROUP, 0));
	ASSERT_EQ(0, setresuid(REAL, REAL, 0));
	expect_report(_metadata, self->device, &s, &r);
	expect_ids(_metadata, &r, "Uid", REAL, REAL, REAL, REAL);
	expect_ids(_metadata, &r, "Gid", RGROUP, RGROUP, RGROUP, RGROUP);
}

/* Ids that have no number in their user namespace cannot be set; that comes first. */
TEST_F(spawn, ids_without_a_number)
{
	DEFINE_SPAWN(s, "/no/such/program");

	if (unshare(CLONE_NEWUSER))
		SKIP(return, "no user namespaces: %m");
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_attribute_failure(_metadata, self->device, &s, EINVAL, KSPAWN_ATTR_RESETIDS);
	s.args.attr_flags = 0;
	expect_failure(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC, 0);
}

/* RESETIDS that changes nothing leaves the child what it is: a process of its user. */
TEST_F(spawn, nothing_to_reset)
{
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	ASSERT_EQ(0, own_drop_privileges());
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	spawn_open(&s, 9, "/proc/self/oom_score_adj", O_WRONLY, 0);
	expect_exit(_metadata, self->device, &s, 0);
}

/* Whether @pid lets a process of the real user look at its descriptors. */
static bool is_open_to_its_user(pid_t pid)
{
	pid_t other = fork();

	if (!other) {
		char path[64], target[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/0", pid);
		if (setgroups(0, NULL) || setresgid(RGROUP, RGROUP, RGROUP) ||
		    setresuid(REAL, REAL, REAL))
			_exit(2);
		_exit(readlink(path, target, sizeof(target)) > 0 ? 1 : 0);
	}
	return WEXITSTATUS(own_wait(other));
}

static void expect_closed_child(struct __test_metadata *_metadata, struct spawn *s, int device,
				bool privileged)
{
	pid_t caller, child;

	spawn_hold(s);
	caller = assert_fork(_metadata);
	if (!caller) {
		if (privileged) {
			/* Once they are reset no id is left that keeps its user away. */
			if (setgroups(0, NULL) || setresgid(RGROUP, 0, RGROUP) ||
			    setresuid(REAL, 0, REAL) || prctl(PR_SET_DUMPABLE, 1))
				_exit(2);
		} else if (own_drop_privileges() || prctl(PR_SET_DUMPABLE, 0)) {
			_exit(2);
		}
		_exit(own_wait(spawn_start(device, s)) ? 3 : 0);
	}
	child = assert_sleeping_child(_metadata, caller);
	EXPECT_FALSE(is_open_to_its_user(child));
	spawn_release();
	EXPECT_EQ(0, own_wait(caller));
}

/* The new user is not to get at what the child has and its program will not have. */
TEST_F(spawn, descriptors_are_not_for_the_new_user)
{
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_closed_child(_metadata, &s, self->device, true);
}

/* The child alone is kept from them: with memory of its own, for the open, or with none. */
TEST_F(spawn, caller_stays_open_to_its_user)
{
	DEFINE_SPAWN(s, scratch_tiny);
	DEFINE_SPAWN(opens, scratch_tiny);

	need_root(_metadata);
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(RGROUP, 0, RGROUP));
	ASSERT_EQ(0, setresuid(REAL, 0, REAL));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	s.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	expect_exit(_metadata, self->device, &s, 0);
	EXPECT_EQ(1, prctl(PR_GET_DUMPABLE));
	opens.args.attr_flags = KSPAWN_ATTR_RESETIDS;
	spawn_open(&opens, 9, "/dev/null", O_RDONLY, 0);
	expect_exit(_metadata, self->device, &opens, 0);
	EXPECT_EQ(1, prctl(PR_GET_DUMPABLE));
}

/* Nor is a child whose caller has made itself undumpable for others of its user. */
TEST_F(spawn, child_of_an_undumpable_caller)
{
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	expect_closed_child(_metadata, &s, self->device, false);
}

TEST_HARNESS_MAIN
