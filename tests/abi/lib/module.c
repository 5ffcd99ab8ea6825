// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "module.h"

int module_file(char path[MODULE_PATH], const char *name)
{
	const char *build = getenv("KSPAWN_BUILD");
	struct utsname system;

	if (!build || uname(&system)) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, MODULE_PATH, "%s/module/%s/%s", build, system.release, name);
	return 0;
}

int module_insert(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err, error;

	if (fd < 0)
		return -1;
	err = syscall(SYS_finit_module, fd, "", 0);
	error = errno;
	close(fd);
	errno = error;
	return err;
}

int module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}
