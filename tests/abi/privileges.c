// SPDX-License-Identifier: LGPL-2.1-or-later
/* The child is the caller, whoever opened the device; and no more. */
#include "lib/fixture.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define FILE_OWNER	(OWN_USER + 5)
#define FILE_GROUP	(OWN_GROUP + 5)

static void expect_user(struct __test_metadata *_metadata, const struct report *r,
			unsigned int real, unsigned int effective)
{
	unsigned int ids[4];

	ASSERT_EQ(4, report_status_ids(r, "Uid", ids));
	EXPECT_EQ(real, ids[0]);
	EXPECT_EQ(effective, ids[1]);
}

static void make_set_uid(struct __test_metadata *_metadata, mode_t mode)
{
	ASSERT_EQ(0, scratch_copy_child("privileged", 0755));
	ASSERT_EQ(0, chown("privileged", FILE_OWNER, FILE_GROUP));
	ASSERT_EQ(0, chmod("privileged", mode));
}

TEST_F(spawn, set_uid_file)
{
	unsigned int ids[4];
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	make_set_uid(_metadata, 06755);
	ASSERT_EQ(0, own_drop_privileges());
	s.args.path = spawn_pointer("./privileged");
	expect_report(_metadata, self->device, &s, &r);
	expect_user(_metadata, &r, OWN_USER, FILE_OWNER);
	ASSERT_EQ(4, report_status_ids(&r, "Gid", ids));
	EXPECT_EQ(OWN_GROUP, ids[0]);
	EXPECT_EQ(FILE_GROUP, ids[1]);
	EXPECT_STREQ("1", report_section(&r, "secure", NULL));
}

TEST_F(spawn, set_uid_file_without_new_privileges)
{
	unsigned int ids[4];
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	make_set_uid(_metadata, 06755);
	ASSERT_EQ(0, own_drop_privileges());
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	s.args.path = spawn_pointer("./privileged");
	expect_report(_metadata, self->device, &s, &r);
	expect_user(_metadata, &r, OWN_USER, OWN_USER);
	ASSERT_EQ(4, report_status_ids(&r, "Gid", ids));
	EXPECT_EQ(OWN_GROUP, ids[1]);
	EXPECT_EQ(1, atoi(report_status(&r, "NoNewPrivs")));
	EXPECT_STREQ("0", report_section(&r, "secure", NULL));
}

TEST_F(spawn, set_uid_root_gives_capabilities)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_copy_child("privileged", 04755));
	ASSERT_EQ(0, own_drop_privileges());
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
	report_init(_metadata, &s, &r);
	s.args.path = spawn_pointer("./privileged");
	expect_report(_metadata, self->device, &s, &r);
	expect_user(_metadata, &r, OWN_USER, 0);
	EXPECT_NE(0, report_status_hex(&r, "CapEff"));
}

TEST_F(spawn, capability_sets_are_inherited_as_by_execve)
{
	DEFINE_REPORT(s, r);
	cap_t caps;

	need_root(_metadata);
	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresuid(OWN_USER, OWN_USER, OWN_USER));
	caps = cap_from_text("cap_net_raw,cap_kill=eip");
	ASSERT_NE(NULL, caps);
	ASSERT_EQ(0, cap_set_proc(caps));
	cap_free(caps);
	ASSERT_EQ(0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(1ULL << CAP_NET_RAW, report_status_hex(&r, "CapEff"));
	EXPECT_EQ(1ULL << CAP_NET_RAW, report_status_hex(&r, "CapPrm"));
	EXPECT_EQ(1ULL << CAP_NET_RAW, report_status_hex(&r, "CapAmb"));
	EXPECT_EQ(1ULL << CAP_NET_RAW | 1ULL << CAP_KILL, report_status_hex(&r, "CapInh"));
}

/* The device was opened by root; the caller is not root any more. */
TEST_F(spawn, device_opened_with_other_credentials)
{
	DEFINE_REPORT(s, r);

	need_root(_metadata);
	ASSERT_EQ(0, scratch_file("secret", "x", 1, 0600));
	ASSERT_EQ(0, own_drop_privileges());
	expect_report(_metadata, self->device, &s, &r);
	expect_user(_metadata, &r, OWN_USER, OWN_USER);
	EXPECT_EQ(0, report_status_hex(&r, "CapEff"));
	EXPECT_EQ(0, strncmp(report_status(&r, "Groups"), "\n", 1));
	spawn_init(&s, scratch_tiny);
	spawn_open(&s, 0, "secret", O_RDONLY, 0);
	expect_failure(_metadata, self->device, &s, EACCES, KSPAWN_STEP_ACTION, 0);
}

/* Sent to another process, which is another user, in another directory. */
TEST_F(spawn, device_passed_to_another_process)
{
	int pair[2];
	pid_t pid;

	need_root(_metadata);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_EQ(0, mkdir("there", 0777));
	ASSERT_EQ(0, chmod("there", 0777));
	pid = assert_fork(_metadata);
	if (!pid) {
		char control[CMSG_SPACE(sizeof(int))], byte, directory[PATH_MAX];
		struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
		struct msghdr message = {
			.msg_iov = &vector, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		struct report r;
		struct spawn s;
		int device;

		own_watch_sigchld();
		close(self->device);
		ASSERT_EQ(0, chdir("there"));
		ASSERT_EQ(0, own_drop_privileges());
		ASSERT_EQ(1, recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC));
		memcpy(&device, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(device));
		report_init(_metadata, &s, &r);
		expect_report(_metadata, device, &s, &r);
		expect_user(_metadata, &r, OWN_USER, OWN_USER);
		EXPECT_EQ(getpid(), report_stat(&r, 4));
		ASSERT_NE(NULL, getcwd(directory, sizeof(directory)));
		EXPECT_STREQ(directory, report_section(&r, "cwd", NULL));
		_exit(0);
	} else {
		char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
		struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
		struct msghdr message = {
			.msg_iov = &vector, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &self->device, sizeof(int));
		EXPECT_EQ(1, sendmsg(pair[0], &message, 0));
	}
	EXPECT_EQ(0, own_wait(pid));
}

/* Kept across fork(): each process is the parent of what it starts. */
TEST_F(spawn, device_inherited_by_a_child)
{
	pid_t pid = assert_fork(_metadata);

	if (!pid) {
		struct report r;
		struct spawn s;

		own_watch_sigchld();
		report_init(_metadata, &s, &r);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_EQ(getpid(), report_stat(&r, 4));
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(pid));
	EXPECT_TRUE(own_no_child());
}

TEST_F(spawn, limit_on_processes)
{
	struct rlimit limit = { .rlim_cur = 1, .rlim_max = 8 };
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	/* A user of its own, so that the count is known. */
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresuid(OWN_USER + 77, OWN_USER + 77, OWN_USER + 77));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	EXPECT_EQ(-1, fork());
	EXPECT_EQ(EAGAIN, errno);
	expect_failure(_metadata, self->device, &s, EAGAIN, KSPAWN_STEP_CLONE, 0);
	limit.rlim_cur = 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	expect_exit(_metadata, self->device, &s, 0);
	/* Nothing counts twice: the limit is not used up by spawns. */
	expect_exit(_metadata, self->device, &s, 0);
	expect_exit(_metadata, self->device, &s, 0);
}

/*
 * In a process that has become @user, who has more processes than allowed: the
 * errno of starting a program in each way.  fork() itself is let through by a
 * capability, so that it is execve() that has to say no.
 */
static int start_over_the_limit(int device, uid_t user, bool with_spawn)
{
	struct rlimit limit = { .rlim_cur = 2, .rlim_max = 2 };
	char * const arguments[] = { scratch_tiny, NULL };
	struct spawn s;
	cap_t caps;
	pid_t pid;

	if (setrlimit(RLIMIT_NPROC, &limit) || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    setresuid(user, user, user))
		return -1;
	caps = cap_from_text("cap_sys_resource=ep");
	if (!caps || cap_set_proc(caps))
		return -1;
	if (with_spawn) {
		spawn_init(&s, scratch_tiny);
		pid = spawn_start(device, &s);
		if (pid < 0)
			return s.result.step == KSPAWN_STEP_EXEC ? errno : -1;
		return own_wait(pid) ? -1 : 0;
	}
	pid = fork();
	if (!pid) {
		execve(scratch_tiny, arguments, arguments + 1);
		_exit(errno);
	}
	return own_wait_exit(pid);
}

TEST_F(spawn, limit_on_processes_at_exec)
{
	const uid_t user = OWN_USER + 78;
	int i, errors[2];
	pid_t pids[3];

	need_root(_metadata);
	for (i = 0; i < 3; i++) {
		pids[i] = assert_fork(_metadata);
		if (!pids[i]) {
			if (setresuid(user, user, user))
				_exit(1);
			for (;;)
				pause();
		}
		ASSERT_TRUE(own_wait_state(pids[i], 'S'));
	}
	for (i = 0; i < 2; i++) {
		pid_t pid = assert_fork(_metadata);

		if (!pid)
			_exit(start_over_the_limit(self->device, user, i));
		errors[i] = own_wait_exit(pid);
	}
	EXPECT_EQ(EAGAIN, errors[0]);
	EXPECT_EQ(errors[0], errors[1]);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
		own_wait(pids[i]);
	}
}

static pid_t fork_as(uid_t user)
{
	pid_t pid = fork();

	if (pid)
		return own_wait_state(pid, 'S') ? pid : -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setresuid(user, user, user))
		_exit(1);
	for (;;)
		pause();
}

/*
 * The user was over the limit as its process became that user, and is not as the
 * program begins: that has an exec of its own, whatever the user does meanwhile.
 */
TEST_F(spawn, limit_on_processes_that_was_exceeded)
{
	const uid_t user = OWN_USER + 79;
	struct rlimit limit = { .rlim_cur = 2, .rlim_max = 2 };
	int ready[2], go[2], line[2], status, i;
	char command[PATH_MAX + 32], byte;
	pid_t others[3], caller;

	need_root(_metadata);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(line, O_CLOEXEC));
	for (i = 0; i < 3; i++) {
		others[i] = fork_as(user);
		ASSERT_LT(0, others[i]);
	}
	caller = assert_fork(_metadata);
	if (!caller) {
		struct spawn s;

		if (setrlimit(RLIMIT_NPROC, &limit) || setresuid(user, user, user) ||
		    write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(90);
		snprintf(command, sizeof(command), "read line; exec %s", scratch_tiny);
		spawn_init(&s, "/bin/sh", "sh", "-c", command);
		spawn_dup2(&s, line[0], 0);
		_exit(WEXITSTATUS(own_wait(spawn_start(self->device, &s))));
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kill(others[i], SIGKILL));
		own_wait(others[i]);
	}
	ASSERT_EQ(1, write(go[1], "g", 1));
	assert_sleeping_child(_metadata, caller);
	/* For the shell, and not for a step before it. */
	own_sleep_ms(300);
	for (i = 0; i < 3; i++) {
		others[i] = fork_as(user);
		ASSERT_LT(0, others[i]);
	}
	ASSERT_EQ(1, write(line[1], "\n", 1));
	status = own_wait(caller);
	EXPECT_EQ(0, status);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kill(others[i], SIGKILL));
		own_wait(others[i]);
	}
}

TEST_F(spawn, limits_are_inherited)
{
	struct rlimit limit = { .rlim_cur = 12345678, .rlim_max = 23456789 };
	DEFINE_REPORT(s, r);

	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_NE(NULL, strstr(report_section(&r, "limits", NULL),
			       "Max file size             12345678             23456789 "));
}

TEST_HARNESS_MAIN
