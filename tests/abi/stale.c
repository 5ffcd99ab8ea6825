// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file server changes what it serves: a directory has been replaced, or is gone, and
 * says ESTALE, or a program has come.
 */
#include "lib/fixture.h"
#include "lib/fuse_server.h"

/* As chdir() does it, which looks again. */
TEST_F(spawn, replaced_directory)
{
	struct fuse_server server;
	DEFINE_SPAWN(s, scratch_tiny);

	if (!fuse_server_begin(&server, "stale"))
		SKIP(return, FUSE_NEEDED);
	spawn_chdir(&s, "there");
	expect_exit(_metadata, self->device, &s, 0);
	fuse_server_end(&server);
}

/* As execvp() does it, which goes on to the next directory. */
TEST_F(spawn, directory_of_a_search_that_is_gone)
{
	struct fuse_server server;
	DEFINE_SPAWN(s, "only-here", "only-here", "exit", "5");

	if (!fuse_server_begin(&server, "gone"))
		SKIP(return, FUSE_NEEDED);
	ASSERT_EQ(0, scratch_copy_child("only-here", 0755));
	s.args.search = spawn_pointer("there:.");
	expect_exit(_metadata, self->device, &s, 5);
	spawn_chdir(&s, ".");
	expect_exit(_metadata, self->device, &s, 5);
	/* It is the last one that tells. */
	s.args.search = spawn_pointer(".:there");
	s.args.path = spawn_pointer("nowhere");
	expect_step(_metadata, self->device, &s, ESTALE, KSPAWN_STEP_EXEC);
	spawn_init(&s, scratch_tiny);
	spawn_chdir(&s, "there");
	expect_step(_metadata, self->device, &s, ESTALE, KSPAWN_STEP_ACTION);
	fuse_server_end(&server);
}

/* That it was not there is remembered, but not to be believed. */
TEST_F(spawn, program_that_comes_late)
{
	struct fuse_server server;
	DEFINE_SPAWN(s, "there/program");

	if (!fuse_server_begin(&server, "late"))
		SKIP(return, FUSE_NEEDED);
	expect_step(_metadata, self->device, &s, ENOENT, KSPAWN_STEP_EXEC);
	expect_exit(_metadata, self->device, &s, 0);
	fuse_server_end(&server);
}

TEST_HARNESS_MAIN
