/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A builder in a test about what is applied to it, and what /proc says of its child.
 * Include it after fixture.h.
 */
#ifndef KSPAWN_ABI_BUILDING_H
#define KSPAWN_ABI_BUILDING_H

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* A request without a program, for a builder or for what is done to it. */
static inline void building_init(struct spawn *s)
{
	spawn_init(s, NULL);
	s->args.dirfd = 0;
	s->args.argv = 0;
	s->args.envp = 0;
}

/* A builder, and its child's pid; the test ends if there is none. */
static inline int building_begin(struct __test_metadata *_metadata, int device, pid_t *pid)
{
	struct spawn s;
	int builder;

	building_init(&s);
	builder = ioctl(device, KSPAWN_IOC_BUILDER, &s.args);
	ASSERT_LE(3, builder);
	*pid = s.result.pid;
	return builder;
}

static inline void building_apply(struct __test_metadata *_metadata, int builder, struct spawn *s)
{
	EXPECT_EQ(0, ioctl(builder, KSPAWN_IOC_APPLY, &s->args))
		TH_LOG("%m, step %u, index %u", s->result.step, s->result.index);
}

/* The only action of @s fails. */
static inline void building_refuse(struct __test_metadata *_metadata, int builder, struct spawn *s,
				   int error)
{
	EXPECT_EQ(-1, ioctl(builder, KSPAWN_IOC_APPLY, &s->args));
	EXPECT_EQ(error, errno)
		TH_LOG("%s, expected %s", strerrorname_np(errno), strerrorname_np(error));
	EXPECT_EQ(KSPAWN_STEP_ACTION, s->result.step);
	EXPECT_EQ(0, s->result.index);
}

/* Start @s, wait for its end, read its report. */
static inline void building_report(struct __test_metadata *_metadata, int builder, pid_t pid,
				   struct spawn *s, struct report *r)
{
	ASSERT_EQ(pid, ioctl(builder, KSPAWN_IOC_START, &s->args))
		TH_LOG("%m, step %u", s->result.step);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(r));
}

/* A file of the child's in /proc, up to what fits; "" if it cannot be read. */
static inline const char *building_file(pid_t pid, const char *name)
{
	static char text[8192];
	char path[64];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return text;
}

/* Whether the line of "status" or the like that begins with @name has @value then. */
static inline bool building_says(pid_t pid, const char *file, const char *name, const char *value)
{
	const char *line = strstr(building_file(pid, file), name);

	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, ": \t");
	return !strncmp(line, value, strlen(value));
}

#endif /* KSPAWN_ABI_BUILDING_H */
