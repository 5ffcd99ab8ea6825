// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../abi/lib/setting.h"
#include "inject.h"

#define DEBUG_FS	"/sys/kernel/debug/"

bool inject_prepare(void)
{
	return !put(DEBUG_FS "failslab/ignore-gfp-wait", "N") &&
	       !put(DEBUG_FS "failslab/verbose", "0") &&
	       !put(DEBUG_FS "fail_page_alloc/ignore-gfp-wait", "N") &&
	       !put(DEBUG_FS "fail_page_alloc/ignore-gfp-highmem", "N") &&
	       !put(DEBUG_FS "fail_page_alloc/min-order", "0") &&
	       !put(DEBUG_FS "fail_page_alloc/verbose", "0") &&
	       !announce_failing_allocations();
}

int inject_open(pid_t task)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", task);
	return open(path, O_RDWR | O_CLOEXEC);
}

int inject_set(int fd, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fd, text, n, 0) == n ? 0 : -1;
}

int inject_left(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}
