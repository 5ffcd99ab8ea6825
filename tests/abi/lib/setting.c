// SPDX-License-Identifier: LGPL-2.1-or-later
#include "setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

int put_in(const char *directory, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return put(path, text);
}

int announce_failing_allocations(void)
{
	return put("/dev/kmsg", "kspawn-test: allocations are to fail from here on\n");
}
