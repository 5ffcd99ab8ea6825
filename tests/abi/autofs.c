// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An automounter is asked for a program, as execve() asks it: what it has not mounted yet is
 * no program that is missing.
 */
#include "lib/fixture.h"
#include "lib/module.h"

#include <linux/auto_fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#define AUTOFS_NEEDED	"needs autofs"
#define MOUNT_POINT	"auto"

/* Mount a file system with a program where the kernel asks for one. */
static bool serve(int root, const struct autofs_v5_packet *packet)
{
	char directory[PATH_MAX] = MOUNT_POINT, program[PATH_MAX + 16];

	if (packet->hdr.type == autofs_ptype_missing_indirect) {
		snprintf(directory, sizeof(directory), MOUNT_POINT "/%s", packet->name);
		if (mkdir(directory, 0755))
			return false;
	}
	snprintf(program, sizeof(program), "%s/program", directory);
	return !mount("none", directory, "tmpfs", 0, NULL) &&
	       !scratch_copy_child(program, 0755) &&
	       !ioctl(root, AUTOFS_IOC_READY, packet->wait_queue_token);
}

/* The automounter: its process group passes the mount as if it were a directory. */
static void automounter(const char *kind, int ready)
{
	union autofs_v5_packet_union packet;
	char options[128];
	int ends[2], root;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setpgid(0, 0) || pipe2(ends, O_CLOEXEC))
		_exit(1);
	snprintf(options, sizeof(options), "fd=%d,minproto=5,maxproto=5,%s", ends[1], kind);
	if (mount("automounter", MOUNT_POINT, "autofs", 0, options))
		_exit(1);
	root = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	while (read(ends[0], &packet, sizeof(packet)) > 0)
		if (!serve(root, &packet.v5_packet))
			ioctl(root, AUTOFS_IOC_FAIL, packet.v5_packet.wait_queue_token);
	_exit(0);
}

static pid_t start_automounter(struct __test_metadata *_metadata, const char *kind)
{
	int ready[2];
	pid_t pid;
	char byte;

	need_own_mounts(_metadata);
	module_insert_stock("fs/autofs/autofs4");
	ASSERT_EQ(0, mkdir(MOUNT_POINT, 0755));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = assert_fork(_metadata);
	if (!pid)
		automounter(kind, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		own_wait(pid);
		SKIP(exit(KSFT_SKIP), AUTOFS_NEEDED);
	}
	close(ready[0]);
	return pid;
}

static void end_automounter(pid_t pid)
{
	kill(pid, SIGKILL);
	own_wait(pid);
}

/* The mount point itself is what is still to be mounted: an x-systemd.automount of fstab. */
TEST_F(spawn, direct)
{
	DEFINE_SPAWN(s, MOUNT_POINT "/program", "program", "exit", "5");
	pid_t pid = start_automounter(_metadata, "direct");

	expect_exit(_metadata, self->device, &s, 5);
	end_automounter(pid);
}

TEST_F(spawn, direct_and_searched_for)
{
	DEFINE_SPAWN(s, "program", "program", "exit", "5");
	pid_t pid = start_automounter(_metadata, "direct");

	s.args.search = spawn_pointer("nowhere:" MOUNT_POINT);
	expect_exit(_metadata, self->device, &s, 5);
	end_automounter(pid);
}

/* A directory comes to be as somebody asks for its name. */
TEST_F(spawn, indirect)
{
	DEFINE_SPAWN(s, MOUNT_POINT "/host/program", "program", "exit", "5");
	pid_t pid = start_automounter(_metadata, "indirect");

	expect_exit(_metadata, self->device, &s, 5);
	end_automounter(pid);
}

/* The name itself: a directory, once it has been made. */
TEST_F(spawn, indirect_name)
{
	DEFINE_SPAWN(s, MOUNT_POINT "/host");
	pid_t pid = start_automounter(_metadata, "indirect");

	/* The automounter is a child, too. */
	expect_step(_metadata, self->device, &s, EACCES, KSPAWN_STEP_EXEC);
	end_automounter(pid);
}

/* The same name, a second time and mounted: the usual answer, and the right one. */
TEST_F(spawn, missing_in_what_was_mounted)
{
	DEFINE_SPAWN(s, MOUNT_POINT "/program", "program", "exit", "5");
	pid_t pid = start_automounter(_metadata, "direct");

	expect_exit(_metadata, self->device, &s, 5);
	spawn_init(&s, MOUNT_POINT "/no-program");
	expect_step(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC);
	end_automounter(pid);
}

TEST_HARNESS_MAIN
