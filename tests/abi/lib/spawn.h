/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request to /dev/kspawn, put together field by field.  Nothing here knows
 * libkspawn: the tests speak to the ioctl alone.
 */
#ifndef KSPAWN_ABI_SPAWN_H
#define KSPAWN_ABI_SPAWN_H

#include <fcntl.h>
#include <sys/types.h>

#include "kspawn.h"

#define SPAWN_ACTIONS	32
#define SPAWN_STRINGS	16

/**
 * struct spawn - a request and the memory that it points to
 *
 * It points into itself: use it where it was initialised, never a copy.
 */
struct spawn {
	struct kspawn_args args;
	struct kspawn_result result;
	struct kspawn_action actions[SPAWN_ACTIONS];
	const char *argv[SPAWN_STRINGS + 1];
	const char *envp[SPAWN_STRINGS + 1];
};

static inline __u64 spawn_pointer(const void *p)
{
	return (__u64)(unsigned long)p;
}

/* A request for @path with these arguments; no environment, no actions. */
#define SPAWN_INIT(s, program, ...) {						\
	.args = {								\
		.size = sizeof(struct kspawn_args),				\
		.dirfd = AT_FDCWD,						\
		.path = spawn_pointer(program),					\
		.argv = spawn_pointer((s).argv),				\
		.envp = spawn_pointer((s).envp),				\
		.result = spawn_pointer(&(s).result),				\
		.result_size = sizeof(struct kspawn_result),			\
	},									\
	.argv = { __VA_ARGS__ },						\
}

#define DEFINE_SPAWN(name, program, ...) \
	struct spawn name = SPAWN_INIT(name, program, ##__VA_ARGS__)

/* The same for one that there is already. */
#define spawn_init(s, program, ...) \
	(*(s) = (struct spawn)SPAWN_INIT(*(s), program, ##__VA_ARGS__))

/* Each of these abort()s when the fixed arrays above are full. */
void spawn_arg(struct spawn *s, const char *arg);
void spawn_env(struct spawn *s, const char *variable);
struct kspawn_action *spawn_action(struct spawn *s, __u32 op);

void spawn_open(struct spawn *s, int fd, const char *path, int oflag, mode_t mode);
void spawn_close(struct spawn *s, int fd);
void spawn_close_range(struct spawn *s, int first, int last);
void spawn_dup2(struct spawn *s, int fd, int newfd);
void spawn_pass(struct spawn *s, int fd, int newfd, int oflag);
/* Descriptors that the start makes; the number of the caller's end goes to @end. */
void spawn_pipe(struct spawn *s, int newfd, int direction, int oflag, int *end);
void spawn_socketpair(struct spawn *s, int newfd, int type, int oflag, int *end);
void spawn_memfd(struct spawn *s, int newfd, const void *bytes, size_t size, int oflag);
void spawn_chdir(struct spawn *s, const char *path);
void spawn_fchdir(struct spawn *s, int fd);
void spawn_closefrom(struct spawn *s, int fd);
void spawn_tcsetpgrp(struct spawn *s, int fd);
void spawn_chroot(struct spawn *s, int dirfd, const char *path);
void spawn_close_except(struct spawn *s, int first, int last, const int *kept, unsigned int count);

/* Operations on the child's state: with numbers, with data, with a descriptor. */
void spawn_state(struct spawn *s, __u32 op, __u64 value, __u64 value2, __u64 value3);
void spawn_state_data(struct spawn *s, __u32 op, const void *data, unsigned long size);
void spawn_state_fd(struct spawn *s, __u32 op, int fd, __u64 value);

/*
 * An action in which the child waits: it opens the FIFO "fifo" in the working directory,
 * which is made if it is not there, as descriptor 9.  Until that is opened and closed by
 * spawn_release(), which waits for the child.
 */
void spawn_hold(struct spawn *s);
void spawn_release(void);

/* Actions that are elsewhere, of whatever size each. */
#define spawn_set_actions(s, list, count)	spawn_action_list(s, list, count, sizeof(*(list)))
void spawn_action_list(struct spawn *s, const void *list, __u32 count, __u32 size);

/* The one attribute of the request. */
void spawn_setpgroup(struct spawn *s, pid_t pgroup);
void spawn_setcgroup(struct spawn *s, int fd);
void spawn_setscheduler(struct spawn *s, int policy, int priority);

void spawn_without_result(struct spawn *s);

/* MAX_ARG_STRLEN: what a string of a list may have at most, with its NUL. */
#define SPAWN_STRING_MAX	(32 * 4096UL)

/* A string of @size bytes with its NUL, to be freed; null if there is no memory. */
char *spawn_string(size_t size, char c);

/*
 * The ioctl.  Fills the result with a pattern first, so that what the module
 * does not write is seen.  Returns the child's pid, or -1 with errno.
 */
pid_t spawn_start(int device, struct spawn *s);

/* Bit N-1 for signal N, as the request has it. */
static inline __u64 spawn_signal_bit(int signal)
{
	return 1ULL << (signal - 1);
}

#endif /* KSPAWN_ABI_SPAWN_H */
