/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builders, for files with tests: made, operated, looked at. */
#ifndef KSPAWN_ABI_BUILDERS_H
#define KSPAWN_ABI_BUILDERS_H

#include "fixture.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* A request without a program, for a builder or for what is done to it. */
static inline void plain_init(struct spawn *s)
{
	spawn_init(s, NULL);
	s->args.dirfd = 0;
	s->args.argv = 0;
	s->args.envp = 0;
}

static inline int call(int fd, unsigned long command, struct spawn *s)
{
	memset(&s->result, 0xa5, sizeof(s->result));
	return ioctl(fd, command, &s->args);
}

static inline int apply(int builder, struct spawn *s)
{
	return call(builder, KSPAWN_IOC_APPLY, s);
}

static inline int start(int builder, struct spawn *s)
{
	return call(builder, KSPAWN_IOC_START, s);
}

/* A builder, and its child's pid; the test ends if there is none. */
static inline int assert_builder(struct __test_metadata *_metadata, int device, pid_t *pid)
{
	struct spawn s;
	int builder;

	plain_init(&s);
	builder = call(device, KSPAWN_IOC_BUILDER, &s);
	ASSERT_LE(3, builder)
		TH_LOG("%m, step %u", s.result.step);
	ASSERT_LT(0, s.result.pid);
	*pid = s.result.pid;
	return builder;
}

static inline short events_of(int builder)
{
	struct pollfd entry = { .fd = builder, .events = POLLIN | POLLOUT };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

static inline bool wait_gone(pid_t pid)
{
	for (int i = 0; i < 2000; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		own_sleep_ms(10);
	}
	return false;
}

static inline void expect_call(struct __test_metadata *_metadata, int fd, unsigned long command,
			struct spawn *s, int error, __u32 step, __u32 index)
{
	EXPECT_EQ(-1, call(fd, command, s));
	EXPECT_EQ(error, errno)
		TH_LOG("%s, expected %s", strerrorname_np(errno), strerrorname_np(error));
	EXPECT_EQ(error, s->result.error);
	EXPECT_EQ(step, s->result.step);
	EXPECT_EQ(index, s->result.index);
	EXPECT_EQ(0, s->result.pid);
	EXPECT_EQ(-1, s->result.pidfd);
}

/* Apply what @s says, which succeeds. */
static inline void expect_applied(struct __test_metadata *_metadata, int builder, struct spawn *s)
{
	EXPECT_EQ(0, apply(builder, s))
		TH_LOG("%m, step %u, index %u", s->result.step, s->result.index);
}

/* The first action of @s fails. */
static inline void expect_refused(struct __test_metadata *_metadata, int builder, struct spawn *s,
				  int error)
{
	expect_call(_metadata, builder, KSPAWN_IOC_APPLY, s, error, KSPAWN_STEP_ACTION, 0);
}

/* Start @s, wait for its end, read its report. */
static inline void expect_reported(struct __test_metadata *_metadata, int builder, pid_t pid,
				   struct spawn *s, struct report *r)
{
	ASSERT_EQ(pid, start(builder, s))
		TH_LOG("%m, step %u", s->result.step);
	EXPECT_EQ(0, own_wait(pid));
	ASSERT_EQ(0, report_load(r));
}

/* The child is as it was: it can be started. */
static inline void expect_alive(struct __test_metadata *_metadata, int builder, pid_t pid)
{
	DEFINE_SPAWN(s, scratch_tiny);

	EXPECT_EQ(pid, start(builder, &s))
		TH_LOG("%m, step %u", s.result.step);
	EXPECT_EQ(0, own_wait(pid));
}

static inline bool link_is(pid_t pid, const char *name, const char *wanted)
{
	char path[64], target[PATH_MAX];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		return !wanted;
	target[size] = '\0';
	return wanted && !strcmp(target, wanted);
}

/* Make an operation that blocks, in another process. */
static inline pid_t hold_elsewhere(struct __test_metadata *_metadata, int builder, pid_t child)
{
	pid_t operator = assert_fork(_metadata);
	struct spawn s;

	if (!operator) {
		plain_init(&s);
		spawn_hold(&s);
		_exit(apply(builder, &s) ? errno : 0);
	}
	for (int i = 0; i < 1000 && events_of(builder); i++)
		own_sleep_ms(10);
	EXPECT_EQ(0, events_of(builder));
	EXPECT_TRUE(own_wait_state(child, 'S'));
	return operator;
}

static inline void note_alarm(int signal)
{
	(void)signal;
}

static inline void alarm_in_ms(struct __test_metadata *_metadata, int ms)
{
	struct sigaction action = { .sa_handler = note_alarm };
	struct itimerval timer = { .it_value = { .tv_usec = ms * 1000 } };

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
}

/* The value of @name, such as "SigIgn", in /proc/PID/@file; "" if it is not there. */
static inline void read_field(pid_t pid, const char *file, const char *name, char text[64])
{
	char path[64], line[512];
	size_t size = strlen(name);
	FILE *from;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	from = fopen(path, "re");
	while (from && fgets(line, sizeof(line), from)) {
		if (strncmp(line, name, size) || line[size] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, 64, "%.63s", line + size + 1 + strspn(line + size + 1, "\t "));
	}
	if (from)
		fclose(from);
}

/* A file of the child's in /proc, up to what fits; "" if it cannot be read. */
static inline const char *child_file(pid_t pid, const char *name)
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
static inline bool child_says(pid_t pid, const char *file, const char *name, const char *value)
{
	const char *line = strstr(child_file(pid, file), name);

	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, ": \t");
	return !strncmp(line, value, strlen(value));
}

#endif /* KSPAWN_ABI_BUILDERS_H */
