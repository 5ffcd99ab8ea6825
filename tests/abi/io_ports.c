// SPDX-License-Identifier: LGPL-2.1-or-later
/* Permissions for I/O ports, which a child could not inherit: a caller is refused. */
#include "lib/fixture.h"

#include <sys/io.h>

#define NO_PORTS	"no I/O port permissions here: %m"

TEST_F(spawn, ioperm)
{
	DEFINE_SPAWN(s, scratch_tiny);

	if (ioperm(0x80, 1, 1))
		SKIP(return, NO_PORTS);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
	s.args.flags = KSPAWN_WAIT;
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
	ASSERT_EQ(0, ioperm(0x80, 1, 0));
	spawn_init(&s, scratch_tiny);
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_F(spawn, iopl)
{
	DEFINE_SPAWN(s, scratch_tiny);

	if (iopl(3))
		SKIP(return, NO_PORTS);
	expect_failure(_metadata, self->device, &s, EPERM, KSPAWN_STEP_POLICY, 0);
	ASSERT_EQ(0, iopl(0));
	expect_exit(_metadata, self->device, &s, 0);
}

TEST_HARNESS_MAIN
