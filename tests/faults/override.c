// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module.h"
#include "override.h"
#include "setting.h"

#define DIRECTORY	"/sys/kernel/debug/kspawn_faults/"

int override_prepare(void)
{
	char path[MODULE_PATH];

	if (!access(DIRECTORY "fail", W_OK))
		return 0;
	return module_file(path, "faults/kspawn_faults.ko") ? -1 : module_insert(path);
}

int override_choose(const struct faulty_function *function)
{
	for (unsigned int i = 0; i < FUNCTION_NAMES && function->names[i]; i++)
		if (!put(DIRECTORY "function", function->names[i]))
			return 0;
	return -1;
}

void override_end(void)
{
	put(DIRECTORY "function", "\n");
}

int override_open(void)
{
	return open(DIRECTORY "fail", O_RDWR | O_CLOEXEC);
}

int override_set(int fd, unsigned int nth, long value)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%u %ld", nth, value);

	return lseek(fd, 0, SEEK_SET) || write(fd, text, n) != n ? -1 : 0;
}

int override_calls(int fd, bool *failed, char caller[128])
{
	char text[256] = "";
	int calls;

	if (lseek(fd, 0, SEEK_SET) || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	*caller = '\0';
	if (sscanf(text, "%d %127s", &calls, caller) < 1)
		return -1;
	*failed = *caller;
	return calls;
}
