// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A process that fills more than half of the memory, where the kernel promises
 * no more than there is: it cannot fork, and it can spawn.
 */
#include "lib/fixture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define GIB		(1UL << 30)
#define TOUCHED		(4 * GIB)
#define MODE		"/proc/sys/vm/overcommit_memory"
#define RATIO		"/proc/sys/vm/overcommit_ratio"

static int write_number(const char *path, int value)
{
	FILE *file = fopen(path, "w");
	int ok;

	if (!file)
		return -1;
	ok = fprintf(file, "%d\n", value) > 0;
	return fclose(file) || !ok ? -1 : 0;
}

TEST_F(spawn, of_a_process_that_cannot_fork)
{
	struct sysinfo info;
	unsigned long total;
	DEFINE_SPAWN(s, scratch_tiny, "tiny");
	char *memory;
	pid_t pid;
	int error;

	need_root(_metadata);
	ASSERT_EQ(0, sysinfo(&info));
	total = info.totalram * info.mem_unit;
	if (total < TOUCHED + GIB)
		SKIP(return, "needs a guest with at least 5 GiB: qemu/vm --mem 6G");

	memory = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	memset(memory, 1, TOUCHED);

	/* All of the memory may be promised, once. */
	ASSERT_EQ(0, write_number(RATIO, 100));
	ASSERT_EQ(0, write_number(MODE, 2));

	pid = fork();
	error = errno;
	if (!pid)
		_exit(0);
	if (pid > 0)
		own_wait(pid);

	expect_exit(_metadata, self->device, &s, 0);

	EXPECT_EQ(0, write_number(MODE, 0));
	EXPECT_EQ(0, write_number(RATIO, 50));
	EXPECT_EQ(-1, pid)
		TH_LOG("a process of 4 GiB could fork: this test shows nothing");
	if (pid < 0)
		EXPECT_EQ(ENOMEM, error);
}

TEST_HARNESS_MAIN
