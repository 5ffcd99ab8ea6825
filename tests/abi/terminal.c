// SPDX-License-Identifier: LGPL-2.1-or-later
/* KSPAWN_ACTION_TCSETPGRP. */
#include "lib/fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/ioctl.h>
#include <termios.h>

/* A pseudo-terminal that controls a new session, led by this process. */
static int new_terminal(struct __test_metadata *_metadata, int *master)
{
	char *name;
	int slave;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, *master);
	ASSERT_EQ(0, grantpt(*master));
	ASSERT_EQ(0, unlockpt(*master));
	name = ptsname(*master);
	ASSERT_NE(NULL, name);
	/* The fixture's process leads no group, so it may lead a session. */
	ASSERT_EQ(getpid(), setsid());
	slave = assert_fd(_metadata, open(name, O_RDWR | O_CLOEXEC));
	ASSERT_EQ(getpid(), tcgetpgrp(slave));
	return slave;
}

static void take_foreground(struct __test_metadata *_metadata, int device, bool by_master)
{
	int master, slave;
	DEFINE_REPORT(s, r);

	slave = new_terminal(_metadata, &master);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	spawn_tcsetpgrp(&s, by_master ? master : slave);
	expect_report(_metadata, device, &s, &r);
	EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 8))
		TH_LOG("the child's group is not in the foreground");
	EXPECT_NE(getpgrp(), report_stat(&r, 5));
	EXPECT_EQ(getpgrp(), report_stat(&r, 6));
	EXPECT_NE(0, report_stat(&r, 7));
	/* Close-on-exec, named by an action, and closed by exec all the same. */
	expect_fds(_metadata, &r, "0 1 2");
	/* The caller is the background now, where asking is allowed. */
	EXPECT_EQ(report_stat(&r, 5), tcgetpgrp(slave));
}

TEST_F(spawn, new_group_takes_the_foreground)
{
	take_foreground(_metadata, self->device, false);
}

/* As tcsetpgrp() does it: the master stands for its slave. */
TEST_F(spawn, new_group_takes_the_foreground_by_the_master)
{
	take_foreground(_metadata, self->device, true);
}

/*
 * The caller is in the background: the child takes the terminal without being
 * stopped by SIGTTOU, whether that is ignored, blocked or neither.
 */
TEST_F(spawn, from_the_background)
{
	int master, slave;
	pid_t pid;

	slave = new_terminal(_metadata, &master);
	pid = assert_fork(_metadata);
	if (!pid) {
		struct report r;
		struct spawn s;

		own_watch_sigchld();
		EXPECT_EQ(0, setpgid(0, 0));
		report_init(_metadata, &s, &r);
		s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
		spawn_tcsetpgrp(&s, slave);
		expect_report(_metadata, self->device, &s, &r);
		EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 8));
		EXPECT_EQ(0, report_status_hex(&r, "SigBlk"));
		EXPECT_EQ(0, report_status_hex(&r, "SigPnd"));
		EXPECT_EQ(0, report_status_hex(&r, "ShdPnd"));
		_exit(0);
	}
	EXPECT_EQ(0, own_wait(pid));
}

TEST_F(spawn, new_session_with_its_terminal)
{
	int master, status;
	char name[64];
	DEFINE_REPORT(s, r);

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, master);
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	status = ptsname_r(master, name, sizeof(name));
	ASSERT_EQ(0, status);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_open(&s, 0, name, O_RDWR, 0);
	spawn_tcsetpgrp(&s, 0);
	expect_report(_metadata, self->device, &s, &r);
	EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 6));
	EXPECT_EQ(report_stat(&r, 5), report_stat(&r, 8));
}

TEST_F(spawn, not_a_terminal)
{
	DEFINE_SPAWN(s, scratch_tiny);
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(9, dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 9));
	ASSERT_EQ(10, dup2(open(self->directory, O_PATH | O_CLOEXEC), 10));
	spawn_tcsetpgrp(&s, ends[0]);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_tcsetpgrp(&s, 9);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
	/* ioctl() knows no O_PATH descriptors. */
	spawn_init(&s, scratch_tiny);
	spawn_tcsetpgrp(&s, 10);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_tcsetpgrp(&s, self->device);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, descriptor_not_open)
{
	DEFINE_SPAWN(s, scratch_tiny);

	spawn_tcsetpgrp(&s, 77);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
	spawn_init(&s, scratch_tiny);
	spawn_tcsetpgrp(&s, -1);
	expect_failure(_metadata, self->device, &s, EBADF, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, terminal_of_another_session)
{
	int master, slave;
	DEFINE_SPAWN(s, scratch_tiny);

	slave = new_terminal(_metadata, &master);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_tcsetpgrp(&s, slave);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
	EXPECT_EQ(getpgrp(), tcgetpgrp(slave));
}

TEST_F(spawn, terminal_without_any_session)
{
	int master, slave;
	DEFINE_SPAWN(s, scratch_tiny);

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, master);
	ASSERT_EQ(0, grantpt(master));
	ASSERT_EQ(0, unlockpt(master));
	slave = assert_fd(_metadata, open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
	spawn_tcsetpgrp(&s, slave);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
}

TEST_F(spawn, hung_up_terminal)
{
	int master, slave, copy;
	DEFINE_SPAWN(s, scratch_tiny);

	slave = new_terminal(_metadata, &master);
	signal(SIGHUP, SIG_IGN);
	copy = dup(slave);
	ASSERT_LE(0, copy);
	close(master);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	spawn_tcsetpgrp(&s, slave);
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	/* Linux says EIO or ENOTTY, by the way the terminal was hung up. */
	EXPECT_TRUE(errno == ENOTTY || errno == EIO)
		TH_LOG("%m");
	EXPECT_EQ(KSPAWN_STEP_ACTION, s.result.step);
}

/* A security module that lets nobody set the foreground of a terminal; -1 without BPF. */
static int forbid_foreground(void)
{
	const struct bpf_insn program[] = {
		/* The second argument of the hook, then: TIOCSPGRP? */
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		  .off = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = BPF_REG_2, .imm = TIOCSPGRP,
		  .off = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -EPERM },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC);
	int fd, id = libbpf_find_vmlinux_btf_id("file_ioctl", BPF_LSM_MAC);

	if (id < 0)
		return -1;
	options.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_LSM, "no_foreground", "GPL", program,
			   ARRAY_SIZE(program), &options);
	return fd < 0 ? -1 : bpf_raw_tracepoint_open(NULL, fd);
}

/* It is asked about this ioctl, as about tcsetpgrp(). */
TEST_F(spawn, security_module_forbids_it)
{
	int master, slave, lsm;
	DEFINE_SPAWN(s, scratch_tiny);

	need_root(_metadata);
	slave = new_terminal(_metadata, &master);
	libbpf_set_print(NULL);
	lsm = forbid_foreground();
	if (lsm < 0)
		SKIP(return, "no security module of BPF: %m");
	EXPECT_EQ(-1, tcsetpgrp(slave, getpgrp()));
	EXPECT_EQ(EPERM, errno);
	s.args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	spawn_tcsetpgrp(&s, slave);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_ACTION, 0);
	EXPECT_EQ(getpgrp(), tcgetpgrp(slave));
	/* Nothing but a terminal is asked about. */
	spawn_init(&s, scratch_tiny);
	spawn_tcsetpgrp(&s, self->device);
	expect_failure(_metadata, self->device, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
	close(lsm);
}

TEST_HARNESS_MAIN
