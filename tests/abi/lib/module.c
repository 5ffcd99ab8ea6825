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

void module_insert_stock(const char *path)
{
	const char *modules = getenv("KSPAWN_MODULES");
	static const char unpacked[] = "stock.ko";
	char file[MODULE_PATH], command[MODULE_PATH + 64];

	if (!modules)
		return;
	snprintf(file, sizeof(file), "%s/kernel/%s.ko", modules, path);
	if (!access(file, R_OK)) {
		module_insert(file);
		return;
	}
	snprintf(command, sizeof(command), "xz -dc '%s.xz' >%s", file, unpacked);
	if (!system(command))
		module_insert(unpacked);
}

int module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}
