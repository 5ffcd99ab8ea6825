/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kspawn ABI: one ioctl on /dev/kspawn that starts a program as a new
 * child process of the caller, the way a posix_spawn() system call would.
 *
 * This header is the whole contract between the module and user space.  Its
 * manner is that of clone3() and openat2(): structures carry their size, grow
 * only at the end, and a larger one is accepted as long as what this kernel
 * does not know is zero.  Flags and reserved fields that are not known must be
 * zero; so must every field whose flag is not set.
 */
#ifndef _UAPI_KSPAWN_H
#define _UAPI_KSPAWN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KSPAWN_DEVICE		"/dev/kspawn"

/* Raised only if a change could not be made by growing a structure. */
#define KSPAWN_ABI_VERSION	1

/*
 * Limits.  Argument and environment strings are limited as execve() limits
 * them: MAX_ARG_STRLEN for one, and a quarter of RLIMIT_STACK (at least
 * ARG_MAX, at most 6 MiB) for all of them together with their pointers.
 */
#define KSPAWN_ACTIONS_MAX	65536	/* file actions in one request */
#define KSPAWN_ACTION_BYTES_MAX	8388608	/* bytes of all their paths, with NULs */
#define KSPAWN_SEARCH_MAX	131072	/* bytes of a search list, with its NUL */
#define KSPAWN_SIZE_MAX		4096	/* bytes of any structure below */

/* kspawn_args.flags */
#define KSPAWN_PIDFD		0x00000001 /* return a pidfd, close-on-exec */
#define KSPAWN_FLAGS_ALL	0x00000001

/*
 * kspawn_args.attr_flags.  The values up to SETCGROUP are those that glibc's
 * <spawn.h> gives the flags of the same name (0x40, USEVFORK, means nothing
 * here and is refused).  They are applied in this order, which is glibc's:
 * SETSIGMASK and the dispositions, scheduling, SETSID, SETPGROUP, RESETIDS;
 * then the file actions.  SETCGROUP takes effect as the child is created.
 */
#define KSPAWN_ATTR_RESETIDS		0x00000001
#define KSPAWN_ATTR_SETPGROUP		0x00000002
#define KSPAWN_ATTR_SETSIGDEF		0x00000004
#define KSPAWN_ATTR_SETSIGMASK		0x00000008
#define KSPAWN_ATTR_SETSCHEDPARAM	0x00000010
#define KSPAWN_ATTR_SETSCHEDULER	0x00000020
#define KSPAWN_ATTR_SETSID		0x00000080
#define KSPAWN_ATTR_SETCGROUP		0x00000100
/* Ignore the signals in sigignore (Solaris); wins over SETSIGDEF. */
#define KSPAWN_ATTR_SETSIGIGN		0x00000200
/* Treat every descriptor that no file action names as close-on-exec. */
#define KSPAWN_ATTR_CLOEXEC_DEFAULT	0x00000400
/*
 * Solaris: the child's end sends no SIGCHLD (NOSIGCHLD); waits for any child
 * do not find it (WAITPID).  Linux has one switch for both, the child's exit
 * signal, so either flag does both: the child must be waited for with __WALL
 * or __WCLONE, by its pid or pidfd.
 */
#define KSPAWN_ATTR_NOSIGCHLD		0x00001000
#define KSPAWN_ATTR_WAITPID		0x00002000
#define KSPAWN_ATTR_ALL			0x000037bf

/* kspawn_action.op, and the fields that each uses */
#define KSPAWN_ACTION_OPEN	1 /* fd, path, oflag, mode */
#define KSPAWN_ACTION_CLOSE	2 /* fd; one that is not open is no error */
#define KSPAWN_ACTION_DUP2	3 /* fd to newfd; equal: clears close-on-exec */
#define KSPAWN_ACTION_CHDIR	4 /* path */
#define KSPAWN_ACTION_FCHDIR	5 /* fd */
#define KSPAWN_ACTION_CLOSEFROM	6 /* fd and everything above it */
#define KSPAWN_ACTION_TCSETPGRP	7 /* fd: a terminal; gets the child's group */

/**
 * struct kspawn_action - one file action
 * @op:       KSPAWN_ACTION_*
 * @fd:       descriptor: target of OPEN, source of DUP2
 * @newfd:    target of DUP2; 0 otherwise
 * @oflag:    flags of open(2), for OPEN; 0 otherwise
 * @mode:     mode of a file that OPEN creates; 0 otherwise
 * @reserved: 0
 * @path:     const char *, for OPEN and CHDIR; 0 otherwise
 */
struct kspawn_action {
	__u32 op;
	__s32 fd;
	__s32 newfd;
	__u32 oflag;
	__u32 mode;
	__u32 reserved;
	__aligned_u64 path;
};

/*
 * kspawn_result.step: how far a start came, in the order of its way; only argv
 * and envp may be read as late as the program is executed
 */
#define KSPAWN_STEP_NONE	0 /* nothing failed */
#define KSPAWN_STEP_POLICY	1 /* callers like this one are refused */
#define KSPAWN_STEP_COPY	2 /* reading the request; index: KSPAWN_ARG_* */
#define KSPAWN_STEP_DESCRIPTORS	3 /* making the child's descriptor table */
#define KSPAWN_STEP_CLONE	4 /* creating the child */
#define KSPAWN_STEP_ATTRIBUTE	5 /* index: the KSPAWN_ATTR_* that failed */
#define KSPAWN_STEP_ACTION	6 /* index: of the file action, from 0 */
#define KSPAWN_STEP_PIDFD	7 /* making the pidfd */
#define KSPAWN_STEP_EXEC	8 /* finding and executing the program */

/* kspawn_result.index when reading the request failed */
#define KSPAWN_ARG_ARGS		0 /* struct kspawn_args itself */
#define KSPAWN_ARG_PATH		1
#define KSPAWN_ARG_SEARCH	2
#define KSPAWN_ARG_ARGV		3
#define KSPAWN_ARG_ENVP		4
#define KSPAWN_ARG_ACTIONS	5
#define KSPAWN_ARG_ATTRIBUTES	6
#define KSPAWN_ARG_RESULT	7

/**
 * struct kspawn_result - what became of a request
 * @pid:      the child, in the caller's pid namespace; 0 if there is none
 * @pidfd:    descriptor of the child with KSPAWN_PIDFD; -1 if there is none
 * @error:    errno value of the failure, 0 after success
 * @step:     KSPAWN_STEP_* that failed
 * @index:    which part of that step
 * @reserved: 0
 *
 * It is written once before the child exists, so that memory that cannot be
 * written is found in time, and once at the end.
 */
struct kspawn_result {
	__s32 pid;
	__s32 pidfd;
	__s32 error;
	__u32 step;
	__u32 index;
	__u32 reserved;
};

/**
 * struct kspawn_args - what to start, and how
 * @size:           sizeof(struct kspawn_args) as the caller knows it
 * @flags:          KSPAWN_PIDFD
 * @path:           const char *: the program
 * @search:         const char *: directories separated by ':', searched in
 *                  the child for a @path without '/'; an empty one is the
 *                  working directory.  0: @path is taken as it is
 * @argv:           char *const *, ends with a null pointer; 0: no arguments
 *                  (the program then sees one empty string, as with execve())
 * @envp:           char *const *, ends with a null pointer; 0: empty
 * @actions:        const struct kspawn_action *; 0 if there are none
 * @action_count:   how many; at most KSPAWN_ACTIONS_MAX
 * @action_size:    sizeof(struct kspawn_action) as the caller knows it; 0 if
 *                  there are none
 * @attr_flags:     KSPAWN_ATTR_*; each field below needs its flag
 * @pgroup:         SETPGROUP: process group to join; 0: a new one
 * @sigdefault:     SETSIGDEF: signals to set to their default; bit N-1 is
 *                  signal N, here and below
 * @sigmask:        SETSIGMASK: the child's signal mask
 * @sigignore:      SETSIGIGN: signals to ignore
 * @sched_policy:   SETSCHEDULER: SCHED_*
 * @sched_priority: SETSCHEDULER or SETSCHEDPARAM: static priority
 * @cgroup:         SETCGROUP: descriptor of a cgroup v2 directory
 * @result_size:    sizeof(struct kspawn_result) as the caller knows it
 * @result:         struct kspawn_result *; 0: not wanted
 */
struct kspawn_args {
	__u32 size;
	__u32 flags;
	__aligned_u64 path;
	__aligned_u64 search;
	__aligned_u64 argv;
	__aligned_u64 envp;
	__aligned_u64 actions;
	__u32 action_count;
	__u32 action_size;
	__u32 attr_flags;
	__s32 pgroup;
	__aligned_u64 sigdefault;
	__aligned_u64 sigmask;
	__aligned_u64 sigignore;
	__s32 sched_policy;
	__s32 sched_priority;
	__s32 cgroup;
	__u32 result_size;
	__aligned_u64 result;
};

#define KSPAWN_ARGS_SIZE_VER0	 112 /* sizeof the first published version */
#define KSPAWN_ACTION_SIZE_VER0	 32
#define KSPAWN_RESULT_SIZE_VER0	 24
#define KSPAWN_INFO_SIZE_VER0	 40

/**
 * struct kspawn_info - what this module can do
 * @size:        in: sizeof(struct kspawn_info) as the caller knows it; out:
 *               as the module knows it
 * @abi_version: KSPAWN_ABI_VERSION
 * @flags:       bits known in kspawn_args.flags
 * @attr_flags:  bits known in kspawn_args.attr_flags
 * @actions:     bit N is set if action op N is known
 * @actions_max: KSPAWN_ACTIONS_MAX
 * @args_size:   sizeof(struct kspawn_args)
 * @action_size: sizeof(struct kspawn_action)
 * @result_size: sizeof(struct kspawn_result)
 * @reserved:    0
 */
struct kspawn_info {
	__u32 size;
	__u32 abi_version;
	__u32 flags;
	__u32 attr_flags;
	__u32 actions;
	__u32 actions_max;
	__u32 args_size;
	__u32 action_size;
	__u32 result_size;
	__u32 reserved;
};

/*
 * The size of the structure is in the structure, not in the number: a request
 * keeps its number as it grows.
 *
 * KSPAWN_IOC_SPAWN(struct kspawn_args *) returns the child's pid, or -1 with
 * errno; struct kspawn_result says which step failed.  Errors of its own:
 *
 *   EPERM   (step POLICY) the caller runs under seccomp: its filter could not
 *           see what the child executes
 *   EINVAL  (step COPY, ACTION) an unknown flag or operation, a reserved or
 *           unused field that is not zero, a structure that is too small
 *   E2BIG   (step COPY) a structure is larger and not zero where this kernel
 *           does not know it; too many actions; too many argument bytes, of
 *           which step EXEC may tell instead
 *   EFAULT  (step COPY) memory that cannot be read or written
 *   EINTR   the caller was killed while it waited
 *
 * and those of clone(2), execve(2) and the calls that the attributes and file
 * actions stand for.  A program that is not there is told of before argv and
 * envp are looked at, unless an action could change what is found; what cannot
 * be read of these, before or after the attributes and actions.
 *
 * If the child is killed by a signal before it executes the program, the call
 * succeeds, as it does with fork(), and the child's wait status tells.
 *
 * KSPAWN_IOC_INFO(struct kspawn_info *) returns 0.
 */
#define KSPAWN_IOC_MAGIC	0xBC
#define KSPAWN_IOC_INFO		_IO(KSPAWN_IOC_MAGIC, 0)
#define KSPAWN_IOC_SPAWN	_IO(KSPAWN_IOC_MAGIC, 1)

#endif /* _UAPI_KSPAWN_H */
