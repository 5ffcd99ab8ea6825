/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asynchronous starts, for files with tests. */
#ifndef KSPAWN_ABI_HELD_H
#define KSPAWN_ABI_HELD_H

#include "completion.h"
#include "fixture.h"

/* The child of completion_hold(); the test ends if there is none. */
static inline pid_t assert_held(struct __test_metadata *_metadata, int device, int completion,
				__u64 cookie)
{
	struct spawn s;
	pid_t pid;

	completion_hold(&s, completion, cookie);
	pid = expect_start(_metadata, device, &s);
	ASSERT_LT(0, pid);
	return pid;
}

#endif /* KSPAWN_ABI_HELD_H */
