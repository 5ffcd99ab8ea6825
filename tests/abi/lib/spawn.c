// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn.h"

static void append(const char **strings, const char *string)
{
	unsigned int i = 0;

	while (strings[i])
		i++;
	if (i == SPAWN_STRINGS)
		abort();
	strings[i] = string;
}

void spawn_arg(struct spawn *s, const char *arg)
{
	append(s->argv, arg);
}

void spawn_env(struct spawn *s, const char *variable)
{
	append(s->envp, variable);
}

struct kspawn_action *spawn_action(struct spawn *s, __u32 op)
{
	struct kspawn_action *action;

	if (s->args.action_count == SPAWN_ACTIONS)
		abort();
	s->args.actions = spawn_pointer(s->actions);
	s->args.action_size = sizeof(*action);
	action = &s->actions[s->args.action_count++];
	/* A test may have taken back what was here before. */
	memset(action, 0, sizeof(*action));
	action->op = op;
	return action;
}

void spawn_open(struct spawn *s, int fd, const char *path, int oflag, mode_t mode)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_OPEN);

	action->fd = fd;
	action->dirfd = AT_FDCWD;
	action->path = spawn_pointer(path);
	action->oflag = oflag;
	action->mode = mode;
}

void spawn_close(struct spawn *s, int fd)
{
	spawn_action(s, KSPAWN_ACTION_CLOSE)->fd = fd;
}

void spawn_dup2(struct spawn *s, int fd, int newfd)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_DUP2);

	action->fd = fd;
	action->newfd = newfd;
}

void spawn_chdir(struct spawn *s, const char *path)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_CHDIR);

	action->dirfd = AT_FDCWD;
	action->path = spawn_pointer(path);
}

void spawn_fchdir(struct spawn *s, int fd)
{
	spawn_action(s, KSPAWN_ACTION_FCHDIR)->fd = fd;
}

void spawn_closefrom(struct spawn *s, int fd)
{
	spawn_action(s, KSPAWN_ACTION_CLOSEFROM)->fd = fd;
}

void spawn_tcsetpgrp(struct spawn *s, int fd)
{
	spawn_action(s, KSPAWN_ACTION_TCSETPGRP)->fd = fd;
}

void spawn_hold(struct spawn *s)
{
	mkfifo("fifo", 0666);
	spawn_open(s, 9, "fifo", O_RDONLY, 0);
}

void spawn_release(void)
{
	close(open("fifo", O_WRONLY | O_CLOEXEC));
}

void spawn_action_list(struct spawn *s, const void *list, __u32 count, __u32 size)
{
	s->args.actions = spawn_pointer(list);
	s->args.action_count = count;
	s->args.action_size = size;
}

void spawn_setpgroup(struct spawn *s, pid_t pgroup)
{
	s->args.attr_flags = KSPAWN_ATTR_SETPGROUP;
	s->args.pgroup = pgroup;
}

void spawn_setcgroup(struct spawn *s, int fd)
{
	s->args.attr_flags = KSPAWN_ATTR_SETCGROUP;
	s->args.cgroup = fd;
}

void spawn_setscheduler(struct spawn *s, int policy, int priority)
{
	s->args.attr_flags = KSPAWN_ATTR_SETSCHEDULER;
	s->args.sched_policy = policy;
	s->args.sched_priority = priority;
}

void spawn_without_result(struct spawn *s)
{
	s->args.result = 0;
	s->args.result_size = 0;
}

char *spawn_string(size_t size, char c)
{
	char *string = malloc(size);

	if (string) {
		memset(string, c, size - 1);
		string[size - 1] = '\0';
	}
	return string;
}

pid_t spawn_start(int device, struct spawn *s)
{
	memset(&s->result, 0xa5, sizeof(s->result));
	return ioctl(device, KSPAWN_IOC_SPAWN, &s->args);
}

void spawn_close_range(struct spawn *s, int first, int last)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_CLOSE_RANGE);

	action->fd = first;
	action->newfd = last;
}

void spawn_pass(struct spawn *s, int fd, int newfd, int oflag)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_PASS);

	action->fd = fd;
	action->newfd = newfd;
	action->oflag = oflag;
}

void spawn_pipe(struct spawn *s, int newfd, int direction, int oflag, int *end)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_PIPE);

	action->newfd = newfd;
	action->path = spawn_pointer(end);
	action->oflag = oflag;
	action->mode = direction;
}

void spawn_socketpair(struct spawn *s, int newfd, int type, int oflag, int *end)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_SOCKETPAIR);

	action->newfd = newfd;
	action->path = spawn_pointer(end);
	action->oflag = oflag;
	action->mode = type;
}

void spawn_memfd(struct spawn *s, int newfd, const void *bytes, size_t size, int oflag)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_MEMFD);

	action->newfd = newfd;
	action->path = spawn_pointer(bytes);
	action->oflag = oflag;
	action->mode = size;
}

void spawn_state(struct spawn *s, __u32 op, __u64 value, __u64 value2, __u64 value3)
{
	struct kspawn_action *action = spawn_action(s, op);

	action->value = value;
	action->value2 = value2;
	action->value3 = value3;
}

void spawn_state_data(struct spawn *s, __u32 op, const void *data, unsigned long size)
{
	struct kspawn_action *action = spawn_action(s, op);

	action->data = size ? spawn_pointer(data) : 0;
	action->value = size;
}

void spawn_state_fd(struct spawn *s, __u32 op, int fd, __u64 value)
{
	struct kspawn_action *action = spawn_action(s, op);

	action->fd = fd;
	action->value = value;
}

void spawn_chroot(struct spawn *s, int dirfd, const char *path)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_CHROOT);

	action->dirfd = dirfd;
	action->path = spawn_pointer(path);
}

void spawn_close_except(struct spawn *s, int first, int last, const int *kept, unsigned int count)
{
	struct kspawn_action *action = spawn_action(s, KSPAWN_ACTION_CLOSE_EXCEPT);

	action->fd = first;
	action->newfd = last;
	action->data = count ? spawn_pointer(kept) : 0;
	action->value = count * sizeof(*kept);
}
