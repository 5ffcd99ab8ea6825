// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file server changes what it serves: a directory has been replaced, or is gone, and
 * says ESTALE, or a program has come.
 */
#include "lib/fixture.h"

#include <sys/mount.h>
#include <sys/prctl.h>

#define NO_FUSE		"needs root and FUSE"

/* The file system at "there", in the working directory; 0 if there is no FUSE. */
static pid_t serve(const char *how)
{
	char program[PATH_MAX], byte;
	int ready[2];
	pid_t server;

	if (geteuid() || access("/dev/fuse", R_OK | W_OK) ||
	    scratch_helper("fuse_server", program, sizeof(program)) ||
	    mkdir("there", 0755) || pipe2(ready, O_CLOEXEC))
		return 0;
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], 1);
		execl(program, "fuse_server", "there", scratch_tiny, how, NULL);
		_exit(127);
	}
	close(ready[1]);
	if (server < 0 || read(ready[0], &byte, 1) != 1)
		return 0;
	close(ready[0]);
	return server;
}

static void end_server(pid_t server)
{
	umount2("there", MNT_DETACH);
	kill(server, SIGKILL);
	own_wait(server);
}

/* As chdir() does it, which looks again. */
TEST_F(spawn, replaced_directory)
{
	pid_t server = serve("stale");
	struct spawn s;

	if (!server)
		SKIP(return, NO_FUSE);
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "there");
	expect_exit(_metadata, self->device, &s, 0);
	end_server(server);
}

/* As execvp() does it, which goes on to the next directory. */
TEST_F(spawn, directory_of_a_search_that_is_gone)
{
	pid_t server = serve("gone");
	struct spawn s;

	if (!server)
		SKIP(return, NO_FUSE);
	ASSERT_EQ(0, scratch_copy_child("only-here", 0755));
	spawn_init(&s, "only-here");
	spawn_arg(&s, "only-here");
	spawn_arg(&s, "exit");
	spawn_arg(&s, "5");
	s.args.search = spawn_pointer("there:.");
	expect_exit(_metadata, self->device, &s, 5);
	spawn_chdir(&s, ".");
	expect_exit(_metadata, self->device, &s, 5);
	/* It is the last one that tells. */
	s.args.search = spawn_pointer(".:there");
	s.args.path = spawn_pointer("nowhere");
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "there");
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(KSPAWN_STEP_ACTION, s.result.step);
	end_server(server);
}

/* That it was not there is remembered, but not to be believed. */
TEST_F(spawn, program_that_comes_late)
{
	pid_t server = serve("late");
	struct spawn s;

	if (!server)
		SKIP(return, NO_FUSE);
	spawn_init(&s, "there/program");
	EXPECT_EQ(-1, spawn_start(self->device, &s));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(KSPAWN_STEP_EXEC, s.result.step);
	expect_exit(_metadata, self->device, &s, 0);
	end_server(server);
}

TEST_HARNESS_MAIN
