/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup v2 of a test's own, for files with tests. */
#ifndef KSPAWN_ABI_CGROUPS_H
#define KSPAWN_ABI_CGROUPS_H

#include "fixture.h"

#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define NEEDS_CGROUP	"needs root and cgroup v2"

/* False if there is none. */
static inline bool make_cgroup(char path[64])
{
	snprintf(path, 64, CGROUP_ROOT "/kspawn-%d", getpid());
	return !geteuid() && !access(CGROUP_ROOT "/cgroup.procs", W_OK) && !mkdir(path, 0755);
}

#define NEEDS_CONTROLLER	"needs root and that controller of cgroup v2"

/* The same, with @controller. */
static inline bool make_cgroup_with(const char *controller, char path[64])
{
	struct statfs fs;
	char text[32];

	snprintf(text, sizeof(text), "+%s", controller);
	return !geteuid() && !statfs(CGROUP_ROOT, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC &&
	       !put(CGROUP_ROOT "/cgroup.subtree_control", text) && make_cgroup(path);
}

/* The memory that is charged to it. */
static inline long bytes_of(const char *path)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/memory.current", path);
	return totals_number(file);
}

/* A child whose start failed is counted until its end, which nobody waits for. */
static inline void expect_no_process(struct __test_metadata *_metadata, const char *path)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/pids.current", path);
	EXPECT_TRUE(totals_settle(file, 0, TOTALS_SETTLE_MS));
}

static inline void remove_cgroup(struct __test_metadata *_metadata, const char *path)
{
	for (int i = 0; i < 1000 && rmdir(path) && errno == EBUSY; i++)
		own_sleep_ms(10);
	EXPECT_NE(0, access(path, F_OK));
}

static inline int move_into(const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return put_in(path, "cgroup.procs", text);
}

#endif /* KSPAWN_ABI_CGROUPS_H */
