// SPDX-License-Identifier: LGPL-2.1-or-later
/* A builder's child in the foreground of a terminal. */
#include "lib/builders.h"

/* Field @number of /proc/PID/stat, from 4 on. */
static long stat_of(pid_t pid, int number)
{
	char path[64], text[1024] = "";
	char *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file) {
		at = fgets(text, sizeof(text), file);
		fclose(file);
	}
	at = strrchr(text, ')');
	for (int i = 2; at && i < number; i++)
		at = strchr(at + 1, ' ');
	return at ? strtol(at, NULL, 10) : -1;
}

TEST_F(spawn, foreground_of_a_terminal)
{
	int builder, fd, number, unlock = 0;
	char name[64];
	struct spawn s;
	pid_t pid;

	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) || ioctl(fd, TIOCGPTN, &number))
		SKIP(return, "no terminals: %m");
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	builder = assert_builder(_metadata, self->device, &pid);
	plain_init(&s);
	spawn_tcsetpgrp(&s, 0);
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, ENOTTY, KSPAWN_STEP_ACTION, 0);
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	spawn_open(&s, 9, name, O_RDWR, 0);
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_EQ(pid, getsid(pid));
	EXPECT_EQ(pid, getpgid(pid));
	plain_init(&s);
	spawn_tcsetpgrp(&s, 9);
	EXPECT_EQ(0, apply(builder, &s));
	EXPECT_EQ(pid, stat_of(pid, 8));
	/* It is a leader already. */
	plain_init(&s);
	s.args.attr_flags = KSPAWN_ATTR_SETSID;
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, &s, EPERM, KSPAWN_STEP_ATTRIBUTE,
		    KSPAWN_ATTR_SETSID);
	expect_alive(_metadata, builder, pid);
	close(builder);
	close(fd);
}

TEST_HARNESS_MAIN
