// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * AppArmor: the child of a spawn is confined as one of vfork() and execve() is,
 * by the profile of the thread that calls, and its transitions are the kernel's.
 */
#include "lib/builders.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#define CALLER		"kspawn_test_caller"
#define TARGET		"kspawn_test_target"
#define BOUNDED		"kspawn_test_bounded"
#define NO_APPARMOR	"needs root, AppArmor and its parser"

#define MOST		"  capability,\n  signal,\n  ptrace,\n  unix,\n  / r,\n" \
			"  /** rwlkm,\n  /** ix,\n"

/* Three copies of the child helper, and a file; see the profile. */
static const char *const programs[] = { "plain", "changes", "denied" };

/* Load both profiles for the working directory, and make what they name. */
static bool load(const char *directory)
{
	char policy[2048];
	int n;

	if (geteuid() || access("/sys/kernel/security/apparmor/.replace", W_OK))
		return false;
	n = snprintf(policy, sizeof(policy),
		     "profile " TARGET " {\n" MOST "}\n"
		     "profile " BOUNDED " {\n  signal,\n  unix,\n  / r,\n"
		     "  /** rwlkm,\n  /** ix,\n  capability,\n  deny capability sys_chroot,\n"
		     "  deny capability setuid,\n  deny capability sys_resource,\n"
		     "  deny capability sys_nice,\n}\n"
		     "profile " CALLER " {\n" MOST
		     "  %s/changes px -> " TARGET ",\n"
		     "  deny %s/denied x,\n"
		     "  deny %s/secret r,\n"
		     "  change_profile -> " TARGET ",\n}\n", directory, directory, directory);
	for (unsigned int i = 0; i < ARRAY_SIZE(programs); i++)
		if (scratch_copy_child(programs[i], 0755))
			return false;
	return !scratch_file("secret", "x", 1, 0644) && !scratch_file("policy", policy, n, 0644) &&
	       !system("apparmor_parser -q -K -r policy");
}

/* Confine this thread: "changeprofile", now, or "exec", with its next program. */
static int confine(const char *how, const char *profile)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", how, profile);
	return put(strcmp(how, "exec") ? "/proc/thread-self/attr/apparmor/current" :
					 "/proc/thread-self/attr/apparmor/exec", text);
}

static void read_label(pid_t pid, char label[64])
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/attr/apparmor/current", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, label, 63);
		close(fd);
	}
	label[n < 0 ? 0 : n] = '\0';
	label[strcspn(label, "\n")] = '\0';
}

/* The label of a child, which is to end: once it pauses.  Exec wakes us before. */
static void end_child(pid_t pid, char label[64])
{
	own_wait_state(pid, 'S');
	read_label(pid, label);
	kill(pid, SIGKILL);
	own_wait(pid);
}

/* Start @program the old way; 0 and its label, or its errno. */
static int run_by_vfork(const char *program, char label[64])
{
	char *const argv[] = { (char *)program, "pause", NULL };
	static int error;	/* the child's, in memory that both have */
	pid_t pid;

	error = 0;
	pid = vfork();
	if (!pid) {
		execve(program, argv, argv + 2);
		error = errno;
		_exit(127);
	}
	if (error)
		own_wait(pid);
	*label = '\0';
	if (error)
		return error;
	end_child(pid, label);
	return 0;
}

static int run_by_spawn(struct __test_metadata *_metadata, int device, const char *program,
			char label[64])
{
	struct spawn s;
	pid_t pid;

	spawn_init(&s, program, program, "pause");
	/* So that it is the child that looks the program up. */
	spawn_chdir(&s, ".");
	*label = '\0';
	pid = spawn_start(device, &s);
	if (pid < 0) {
		int error = errno;

		EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
		EXPECT_TRUE(own_no_child());
		return error;
	}
	end_child(pid, label);
	return 0;
}

/* Both ways give the same; and that is @label, or @error. */
static void expect_both(struct __test_metadata *_metadata, int device, const char *program,
			const char *label, int error)
{
	char by_vfork[64], by_spawn[64];

	EXPECT_EQ(error, run_by_vfork(program, by_vfork));
	EXPECT_EQ(error, run_by_spawn(_metadata, device, program, by_spawn));
	EXPECT_STREQ(label, by_vfork);
	EXPECT_STREQ(label, by_spawn);
}

TEST_F(spawn, transitions_of_the_profile)
{
	DEFINE_SPAWN(s, "./denied");

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	expect_both(_metadata, self->device, "./plain", "unconfined", 0);
	expect_both(_metadata, self->device, "./denied", "unconfined", 0);
	ASSERT_EQ(0, confine("changeprofile", CALLER));
	expect_both(_metadata, self->device, "./plain", CALLER " (enforce)", 0);
	expect_both(_metadata, self->device, "./changes", TARGET " (enforce)", 0);
	expect_both(_metadata, self->device, "./denied", "", EACCES);

	/* A program that is looked up by the caller alone. */
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC, 0);
	/* No action opens a file that the profile does not allow to be read. */
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 9, "secret", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
}

/* The next program's: of the thread that has asked for it, which keeps its own. */
TEST_F(spawn, change_with_the_next_program)
{
	char label[64];

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	ASSERT_EQ(0, confine("exec", TARGET));
	expect_both(_metadata, self->device, "./plain", TARGET " (enforce)", 0);
	read_label(getpid(), label);
	EXPECT_STREQ("unconfined", label);

	/* From one profile to the other, and not to one that the first does not name. */
	ASSERT_EQ(0, confine("changeprofile", CALLER));
	ASSERT_EQ(0, confine("exec", TARGET));
	expect_both(_metadata, self->device, "./plain", TARGET " (enforce)", 0);
}

/* With no_new_privs no program leaves the confinement that its caller has. */
TEST_F(spawn, without_new_privileges)
{
	char label[64], by_vfork[64];
	int error;

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	ASSERT_EQ(0, confine("changeprofile", CALLER));
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect_both(_metadata, self->device, "./plain", CALLER " (enforce)", 0);
	error = run_by_vfork("./changes", by_vfork);
	EXPECT_NE(0, error);
	EXPECT_EQ(error, run_by_spawn(_metadata, self->device, "./changes", label));
	EXPECT_STREQ(by_vfork, label);
}

/* The operations on state ask for capabilities, and the profile may deny them. */
TEST_F(spawn, state_that_the_profile_denies)
{
	static const struct {
		struct kspawn_action action;
		int error;
	} denied[] = {
		{ { .op = KSPAWN_ACTION_RESUID, .value = OWN_USER, .value2 = OWN_USER,
		    .value3 = OWN_USER }, EPERM },
		{ { .op = KSPAWN_ACTION_PRIORITY, .value = -5 }, EACCES },
		{ { .op = KSPAWN_ACTION_OOM_SCORE, .value = -500 }, EACCES },
	};
	DEFINE_SPAWN(s, scratch_tiny);

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	for (int confined = 0; confined < 2; confined++) {
		if (confined)
			ASSERT_EQ(0, confine("changeprofile", BOUNDED));
		for (unsigned int i = 0; i < ARRAY_SIZE(denied); i++) {
			spawn_init(&s, scratch_tiny);
			*spawn_action(&s, denied[i].action.op) = denied[i].action;
			if (confined)
				expect_failure(_metadata, self->device, &s, denied[i].error,
					       KSPAWN_STEP_ACTION, 0);
			else
				expect_exit(_metadata, self->device, &s, 0);
		}
		spawn_init(&s, scratch_tiny);
		spawn_chroot(&s, AT_FDCWD, "/");
		if (confined)
			expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ACTION, 0);
		else
			expect_exit(_metadata, self->device, &s, 0);
	}
}

/* Whoever may not attach to a child as a debugger may not operate its builder. */
TEST_F(spawn, builder_of_another_profile)
{
	int builder, outcome;
	struct spawn s;
	pid_t pid, other;

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	builder = assert_builder(_metadata, self->device, &pid);
	other = assert_fork(_metadata);
	if (!other) {
		if (confine("changeprofile", BOUNDED))
			_exit(254);
		plain_init(&s);
		spawn_chdir(&s, "/");
		outcome = apply(builder, &s) ? errno : 0;
		_exit(s.result.step == KSPAWN_STEP_BUILDER ? outcome : 253);
	}
	outcome = own_wait_exit(other);
	/* A file that a profile does not know is taken away when it is entered. */
	EXPECT_TRUE(outcome == EPERM || outcome == EACCES)
		TH_LOG("%d", outcome);
	expect_alive(_metadata, builder, pid);
	close(builder);
}

/* The child of a confined maker is confined, and so is its program. */
TEST_F(spawn, builder_of_a_confined_maker)
{
	DEFINE_SPAWN(program, "./plain", "plain", "pause");
	char label[64];
	struct spawn s;
	int builder;
	pid_t pid;

	if (!load(self->directory))
		SKIP(return, NO_APPARMOR);
	ASSERT_EQ(0, confine("changeprofile", CALLER));
	builder = assert_builder(_metadata, self->device, &pid);
	read_label(pid, label);
	EXPECT_STREQ(CALLER " (enforce)", label);
	plain_init(&s);
	spawn_open(&s, 9, "secret", O_RDONLY, 0);
	expect_refused(_metadata, builder, &s, EACCES);
	program.args.path = spawn_pointer("./denied");
	expect_call(_metadata, builder, KSPAWN_IOC_START, &program, EACCES, KSPAWN_STEP_EXEC, 0);
	program.args.path = spawn_pointer("./changes");
	ASSERT_EQ(pid, start(builder, &program));
	end_child(pid, label);
	EXPECT_STREQ(TARGET " (enforce)", label);
	close(builder);
}

TEST_HARNESS_MAIN
