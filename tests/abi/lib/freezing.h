/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The freezers of both versions of cgroups, for files with tests. */
#ifndef KSPAWN_ABI_FREEZING_H
#define KSPAWN_ABI_FREEZING_H

#include "fixture.h"

#include <stdio.h>

/* cgroup v1's is mounted here, in the working directory, in a mount namespace of our own. */
#define FREEZER	"freezer"

/* Freeze a process by the freezer of cgroup v1. */
static inline bool freeze(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	return (!mkdir(FREEZER "/frozen", 0700) || errno == EEXIST) &&
	       !put(FREEZER "/frozen/cgroup.procs", text) &&
	       !put(FREEZER "/frozen/freezer.state", "FROZEN\n");
}

static inline bool thaw(void)
{
	return !put(FREEZER "/frozen/freezer.state", "THAWED\n");
}

/* Freeze it, and thaw it. */
static inline bool freeze_for_a_while(pid_t pid)
{
	bool done = freeze(pid);

	own_sleep_ms(300);
	return done && thaw();
}

static inline bool is_in_freezer_hierarchy(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found |= !!strstr(line, ":freezer:");
	if (file)
		fclose(file);
	return found;
}

/*
 * Other tests look at /proc/PID/cgroup.  A hierarchy goes as it is unmounted only if no
 * cgroup that was removed is left in it, which takes a moment.
 */
static inline bool remove_freezer(void)
{
	if (rmdir(FREEZER "/frozen"))
		return false;
	for (int i = 0; i < 200; i++) {
		own_sleep_ms(50);
		if (umount(FREEZER))
			return false;
		own_sleep_ms(50);
		if (!is_in_freezer_hierarchy())
			return true;
		if (mount("cgroup", FREEZER, "cgroup", 0, "freezer"))
			return false;
	}
	return false;
}

/* Mount it in the working directory; false if it is not free. */
static inline bool make_freezer(void)
{
	return !mkdir(FREEZER, 0700) && !is_in_freezer_hierarchy() &&
	       !mount("cgroup", FREEZER, "cgroup", 0, "freezer");
}

/* Wait until all of the cgroup is frozen; false after 20 s. */
static inline bool wait_until_frozen(const char *path)
{
	unsigned long long end = own_clock_ms() + 20000;
	bool frozen = false;

	while (own_clock_ms() < end && !frozen) {
		char file[128], line[64];
		FILE *events;

		snprintf(file, sizeof(file), "%s/cgroup.events", path);
		events = fopen(file, "r");
		while (events && fgets(line, sizeof(line), events))
			frozen |= !strcmp(line, "frozen 1\n");
		if (events)
			fclose(events);
		own_sleep_ms(5);
	}
	return frozen;
}

#endif /* KSPAWN_ABI_FREEZING_H */
