/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kspawn ABI: an ioctl on /dev/kspawn that starts a program as a new child
 * process of the caller, the way a posix_spawn() system call would.
 *
 * This header is the whole contract between the module and user space.  Its
 * manner is that of clone3() and openat2(): a structure carries its size, grows
 * only at its end, and a larger one is accepted as long as what this kernel
 * does not know of it is zero.  Unknown flags, reserved fields and fields that
 * belong to a flag or an operation that is not there must be zero.  A change
 * that cannot be made by growing a structure gets an ioctl number of its own,
 * so an old program never meets a new meaning.
 */
#ifndef _UAPI_KSPAWN_H
#define _UAPI_KSPAWN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KSPAWN_DEVICE		"/dev/kspawn"

/*
 * Limits.  Argument and environment strings are limited as execve() limits
 * them: MAX_ARG_STRLEN for one, and a quarter of RLIMIT_STACK (at least
 * ARG_MAX, at most 6 MiB) for all of them together with their pointers.
 */
#define KSPAWN_ACTIONS_MAX	65536	/* file actions in one request */
#define KSPAWN_ACTION_BYTES_MAX	8388608	/* of all their paths, with NULs, and data */
#define KSPAWN_MADE_MAX		1024	/* descriptors that one request makes */
#define KSPAWN_SEARCH_MAX	131072	/* bytes of a search list, with its NUL */
#define KSPAWN_EVENTS_MAX	65536	/* events of one completion descriptor */
#define KSPAWN_SIZE_MAX		4096	/* bytes of any structure below */
#define KSPAWN_KEPT_MAX		65536	/* descriptors that CLOSE_EXCEPT keeps */
#define KSPAWN_BATCH_MAX	64	/* starts of one batch */
#define KSPAWN_BATCH_BYTES_MAX	67108864 /* of all their strings, data and actions */

/*
 * kspawn_args.flags
 *
 * ASYNC: the call returns when the child exists, with its pid (and pidfd); an
 * event on the completion descriptor tells whether the program was executed.
 * A start that fails leaves no child then either: nothing can be waited for,
 * and the pid is free again.
 *
 * WAIT: the call returns when the child has ended, with its wait status.  A
 * signal that has a handler ends the wait, not the child: the call fails with
 * EINTR, the step is KSPAWN_STEP_WAIT, and the result tells the pid of the child;
 * then go on with waitpid().  A signal that is ignored does not end the wait.
 * A debugger, the freezer of cgroup v2, a live patch of the kernel and a stop of
 * the caller can end it, too.  In no case does it end before the program has been
 * executed, so a start that fails is told of as ever, and a signal that would stop
 * the caller waits until then.  If a thread of the caller traces the child, each
 * stop of the child is told to that thread.  At most one of ASYNC and WAIT.
 */
#define KSPAWN_PIDFD		0x00000001 /* return a pidfd, close-on-exec */
#define KSPAWN_EMPTY_PATH	0x00000002 /* path is "": execute dirfd itself */
#define KSPAWN_ASYNC		0x00000004
#define KSPAWN_WAIT		0x00000008
#define KSPAWN_FLAGS_ALL	0x0000000f

/*
 * kspawn_args.attr_flags.  The values up to SETCGROUP are those that glibc's
 * <spawn.h> gives the flags of the same name (0x40, USEVFORK, means nothing
 * here and is refused).  They are applied in this order, which is glibc's: the
 * dispositions, scheduling, SETSID, SETPGROUP, RESETIDS; then the file actions;
 * the signal mask is SETSIGMASK's as the program begins.  SETCGROUP takes
 * effect as the child is created; a negative descriptor is EINVAL, as with
 * clone3().
 *
 * There is no flag that makes the end of the child send no SIGCHLD: an exit
 * signal other than SIGCHLD does not survive the execve() of any program, see
 * execve(2).
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
/*
 * Treat every descriptor that no file action names as close-on-exec; so also
 * one that only the program's dirfd, path or search names (see below).  A script
 * that is reached by such a descriptor is not found by its interpreter: ENOENT,
 * as with any descriptor that is close-on-exec.
 */
#define KSPAWN_ATTR_CLOEXEC_DEFAULT	0x00000400
#define KSPAWN_ATTR_ALL			0x000007bf

/*
 * kspawn_action.op, and the fields that each uses.
 *
 * The child has the descriptors of its caller that are not close-on-exec and
 * those that are named.  Named are: fd of DUP2, FCHDIR, TCSETPGRP, INHERIT, CTTY
 * and SETNS, every dirfd with which a path begins, and N where a path of an action, of the
 * program or of its search begins with /proc/self/fd/N, /proc/thread-self/fd/N or
 * /dev/fd/N.
 */
#define KSPAWN_ACTION_OPEN	 1 /* fd, dirfd, path, oflag, mode, resolve */
#define KSPAWN_ACTION_CLOSE	 2 /* fd; one that is not open is no error */
#define KSPAWN_ACTION_DUP2	 3 /* fd to newfd; equal: clears close-on-exec */
#define KSPAWN_ACTION_CHDIR	 4 /* dirfd, path */
#define KSPAWN_ACTION_FCHDIR	 5 /* fd */
#define KSPAWN_ACTION_CLOSEFROM	 6 /* fd and everything above it */
#define KSPAWN_ACTION_TCSETPGRP	 7 /* fd: a terminal; gets the child's group */
#define KSPAWN_ACTION_INHERIT	 8 /* fd loses close-on-exec, if it is open */
#define KSPAWN_ACTION_CLOSE_RANGE 9 /* fd to newfd, both included */
/*
 * fd, a descriptor of whoever makes the call, at that moment, becomes newfd of
 * the child, with close-on-exec if oflag is O_CLOEXEC.  A builder cannot be
 * passed to the child of a builder: EINVAL.
 */
#define KSPAWN_ACTION_PASS	10
/*
 * A descriptor that the start makes becomes newfd of the child, in the order of
 * the list; with close-on-exec if oflag has O_CLOEXEC.  A pipe or a pair of
 * sockets has another end for whoever makes the call: its number is stored at
 * path, a __s32 *, and it is close-on-exec.  It is in the caller's table after a
 * call that succeeds only, or one that fails at the step WAIT, when the child is a
 * program; the child's end never is.  So no other thread's fork or start finds the
 * one early, or the other at all.  The number is reserved meanwhile: dup2() onto it
 * fails with EBUSY.
 *
 * -1 is stored as the request is read, so after a failure there is -1, or what was
 * there if the failure came before.  If this memory cannot be written at the end,
 * the call succeeds, and the other end is closed.  With KSPAWN_ASYNC the number is
 * there when the call returns: if the start fails later, the other end has nobody to
 * talk to.  With KSPAWN_WAIT it is there from when the program has been executed;
 * a program that waits for somebody to read or write needs another thread for that.
 * The other ends of what a call of a builder did before it failed are closed, though
 * the child has its own: make them by a call that starts nothing.
 *
 * PIPE: mode is what the child does: O_RDONLY or O_WRONLY.  oflag may have
 * O_NONBLOCK, for the caller's end alone, and O_DIRECT, for the end that writes.
 * SOCKETPAIR: of AF_UNIX; mode is SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
 * oflag may have O_NONBLOCK, for the caller's end alone.
 * MEMFD: a file in memory, as memfd_create() makes it with MFD_NOEXEC_SEAL (not
 * executable; the seal is there since Linux 6.3), with what is at path, of mode bytes;
 * its offset is 0.  Nobody else has it.  Contents beyond RLIMIT_FSIZE are EFBIG, and
 * SIGXFSZ, as with write(2).
 *
 * They are made in the caller, before there is a child: the limits on descriptors,
 * pipes and memory that count are the caller's, and their errors are EMFILE,
 * ENFILE, ENOMEM, those of write(2) for the contents, and E2BIG for more than
 * KSPAWN_MADE_MAX, or more than KSPAWN_ACTION_BYTES_MAX bytes.
 */
#define KSPAWN_ACTION_PIPE	11 /* newfd, path, oflag, mode */
#define KSPAWN_ACTION_SOCKETPAIR 12 /* newfd, path, oflag, mode */
#define KSPAWN_ACTION_MEMFD	13 /* newfd, path, oflag, mode */

/*
 * The state of the child.  Each is a system call that the child makes on itself at
 * its place in the list, with its own checks and its own errors.  Numbers have 32
 * bits, signed or not, but for those of RLIMIT.  Where there is data, value is its
 * size in bytes, and data is 0 if that is 0.  A field that an operation does not
 * take is 0; one that it takes and that cannot be so is EINVAL before there is a
 * child, as is data of a size that cannot be.
 */
#define KSPAWN_ACTION_UMASK	14 /* value */
/*
 * prlimit64(): value: the soft limit; value2: RLIMIT_*; value3: the hard limit.
 * RLIMIT_AS and RLIMIT_DATA hold at once: for data of later operations that is larger
 * than a page, and for the arguments of the program.  How many bytes of arguments
 * there may be is decided before, by the RLIMIT_STACK of the caller.
 */
#define KSPAWN_ACTION_RLIMIT	15
#define KSPAWN_ACTION_NO_NEW_PRIVS 16 /* prctl(PR_SET_NO_NEW_PRIVS) */
/*
 * prctl(PR_SET_PDEATHSIG), value: a signal, or 0.  The parent is the thread that
 * makes the call; if it has exited meanwhile, the child does not start: ESRCH.  For a
 * builder's child it is a thread of the process that made the builder, from the
 * start on; one that exits while a start is under way that fails leaves its signal
 * pending.  A later change of ids clears it, and so does a program that gains
 * capabilities: one that is set-user-ID or has some, or root's after a loss of some.
 */
#define KSPAWN_ACTION_PDEATHSIG	17
/* setresuid(), setresgid(): value: real; value2: effective; value3: saved; or -1 */
#define KSPAWN_ACTION_RESUID	18
#define KSPAWN_ACTION_RESGID	19
#define KSPAWN_ACTION_GROUPS	20 /* setgroups(); data: __u32 each */
/*
 * ioctl(TIOCSCTTY): fd, a terminal, becomes the controlling one; value: 1 takes it
 * from another session.  The child must lead its session: KSPAWN_ATTR_SETSID.
 */
#define KSPAWN_ACTION_CTTY	21
/* chroot(): dirfd, path.  The working directory remains what it is. */
#define KSPAWN_ACTION_CHROOT	22
#define KSPAWN_ACTION_PRIORITY	23 /* setpriority(PRIO_PROCESS); value: nice */
#define KSPAWN_ACTION_AFFINITY	24 /* sched_setaffinity(); data: a mask */
/*
 * value: as written to /proc/self/oom_score_adj: EINVAL if it is not within -1000
 * and 1000, EACCES if it is lowered without CAP_SYS_RESOURCE
 */
#define KSPAWN_ACTION_OOM_SCORE	25
/*
 * The program stops before its first instruction, as by a SIGSTOP of its own: its
 * parent is told, and SIGCONT lets it go, from the moment at which the call returns,
 * or its event can be read.  A debugger can attach meanwhile.
 */
#define KSPAWN_ACTION_STOP	26
/*
 * setns(): fd: of a namespace, or a pidfd; value: CLONE_NEW*, or 0 for a namespace.
 * unshare(): value: CLONE_NEW*; others are the child's own already: EINVAL.  A PID
 * namespace is that of the program's children, not its own; so is a time namespace
 * on Linux 6.1.  Paths, also the program's, mean what they mean after it.
 */
#define KSPAWN_ACTION_SETNS	27
#define KSPAWN_ACTION_UNSHARE	28
/* capset(), version 3; data: two struct __user_cap_data_struct */
#define KSPAWN_ACTION_CAPABILITIES 29
/*
 * prctl(value2, value, value3), value2 being PR_SET_KEEPCAPS, PR_SET_SECUREBITS,
 * PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_SET_CHILD_SUBREAPER or PR_SET_TIMERSLACK;
 * any other is EINVAL
 */
#define KSPAWN_ACTION_PRCTL	30
#define KSPAWN_ACTION_SCHEDULER	31 /* sched_setattr(); data: struct sched_attr */
#define KSPAWN_ACTION_IOPRIO	32 /* ioprio_set(IOPRIO_WHO_PROCESS); value */
#define KSPAWN_ACTION_PERSONALITY 33 /* personality(); value */
/* set_mempolicy(); value2: MPOL_*; data: the nodes, a mask in 64-bit words */
#define KSPAWN_ACTION_MEMPOLICY	34
/*
 * fd to newfd, both included, but for those in data: __s32 each, in ascending order
 * (else EINVAL).  These stay as they are: close-on-exec, too, if they are.
 */
#define KSPAWN_ACTION_CLOSE_EXCEPT 35

/**
 * struct kspawn_action - one file action
 * @op:      KSPAWN_ACTION_*
 * @fd:      descriptor: target of OPEN, source of DUP2 and PASS
 * @newfd:   target of DUP2, PASS, PIPE, SOCKETPAIR and MEMFD, end of CLOSE_RANGE;
 *           0 otherwise
 * @dirfd:   where a relative @path begins: a descriptor of a directory, or
 *           AT_FDCWD; 0 for an operation without a path
 * @path:    const char *, for OPEN, CHDIR and CHROOT; __s32 *, for PIPE and
 *           SOCKETPAIR; const void *, for MEMFD; 0 otherwise
 * @data:    const void *, for operations that have data
 * @oflag:   for OPEN: flags of struct open_how; for PASS: O_CLOEXEC or 0; for
 *           PIPE, SOCKETPAIR and MEMFD: see there; 0 otherwise
 * @value:   for the operations on state, here and below
 * @mode:    for OPEN: mode of struct open_how; for PIPE, SOCKETPAIR and MEMFD:
 *           see there; 0 otherwise
 * @value2:  see there
 * @resolve: for OPEN: resolve of struct open_how, RESOLVE_*; 0 otherwise
 * @value3:  see there
 */
__extension__ struct kspawn_action {
	__u32 op;
	__s32 fd;
	__s32 newfd;
	__s32 dirfd;
	union {
		__aligned_u64 path;
		__aligned_u64 data;
	};
	union {
		__aligned_u64 oflag;
		__aligned_u64 value;
	};
	union {
		__aligned_u64 mode;
		__aligned_u64 value2;
	};
	union {
		__aligned_u64 resolve;
		__aligned_u64 value3;
	};
};

/* kspawn_result.step: how far a start came, in the order of its way */
#define KSPAWN_STEP_NONE	0 /* nothing failed */
#define KSPAWN_STEP_POLICY	1 /* callers like this one are refused */
#define KSPAWN_STEP_COPY	2 /* reading the request; index: KSPAWN_ARG_* */
#define KSPAWN_STEP_DESCRIPTORS	3 /* making the child's descriptor table */
#define KSPAWN_STEP_CLONE	4 /* creating the child */
#define KSPAWN_STEP_ATTRIBUTE	5 /* index: the KSPAWN_ATTR_* that failed */
#define KSPAWN_STEP_ACTION	6 /* index: of the file action, from 0 */
#define KSPAWN_STEP_PIDFD	7 /* making the pidfd */
#define KSPAWN_STEP_EXEC	8 /* finding and executing the program */
#define KSPAWN_STEP_WAIT	9 /* KSPAWN_WAIT: the wait failed; see there */
#define KSPAWN_STEP_BUILDER	10 /* making or reaching a builder's child */
#define KSPAWN_STEP_BATCH	11 /* index: the KSPAWN_BATCH_* that failed */

/* kspawn_result.index when reading the request failed */
#define KSPAWN_ARG_ARGS		0 /* struct kspawn_args itself */
#define KSPAWN_ARG_PATH		1
#define KSPAWN_ARG_SEARCH	2
#define KSPAWN_ARG_ARGV		3
#define KSPAWN_ARG_ENVP		4
#define KSPAWN_ARG_ACTIONS	5
#define KSPAWN_ARG_ATTRIBUTES	6
#define KSPAWN_ARG_RESULT	7
#define KSPAWN_ARG_COMPLETION	8
#define KSPAWN_ARG_RUSAGE	9

/**
 * struct kspawn_result - what became of a request
 * @pid:    the child, in the caller's pid namespace; 0 if there is none
 * @pidfd:  descriptor of the child with KSPAWN_PIDFD; -1 if there is none
 * @error:  errno value of the failure, 0 after success
 * @step:   KSPAWN_STEP_* that failed
 * @index:  which part of that step
 * @status: KSPAWN_WAIT: the child's wait status, as wait4() stores it
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
	__s32 status;
};

/**
 * struct kspawn_args - what to start, and how
 * @size:           sizeof(struct kspawn_args) as the caller knows it
 * @flags:          KSPAWN_PIDFD and the other flags
 * @dirfd:          where a relative @path begins: a descriptor of a directory,
 *                  or AT_FDCWD; with KSPAWN_EMPTY_PATH the program
 * @attr_flags:     KSPAWN_ATTR_*; each field below needs its flag
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
 * @pgroup:         SETPGROUP: process group to join; 0: a new one
 * @cgroup:         SETCGROUP: descriptor of a cgroup v2 directory
 * @sigdefault:     SETSIGDEF: signals to set to their default; bit N-1 is
 *                  signal N, here and below
 * @sigmask:        SETSIGMASK: the child's signal mask
 * @sigignore:      SETSIGIGN: signals to ignore
 * @sched_policy:   SETSCHEDULER: SCHED_*
 * @sched_priority: SETSCHEDULER or SETSCHEDPARAM: static priority
 * @completion:     KSPAWN_ASYNC: descriptor that KSPAWN_IOC_COMPLETION made
 * @result_size:    sizeof(struct kspawn_result) as the caller knows it
 * @cookie:         KSPAWN_ASYNC: returned in the event
 * @result:         struct kspawn_result *; 0: not wanted
 * @pid:            __s32 *: set to the pid, before any signal handler of the
 *                  calling thread can run; 0: not wanted.  Like @pidfd it is
 *                  not touched if there is no child.  If this memory cannot be
 *                  written, the call succeeds, and returns the pid
 * @pidfd:          KSPAWN_PIDFD: __s32 *: set to the pidfd; 0: not wanted.  If
 *                  neither this memory nor @result can be written at the end,
 *                  the call succeeds, and the pidfd is closed
 * @rusage:         KSPAWN_WAIT: struct rusage *; 0: not wanted
 */
struct kspawn_args {
	__u32 size;
	__u32 flags;
	__s32 dirfd;
	__u32 attr_flags;
	__aligned_u64 path;
	__aligned_u64 search;
	__aligned_u64 argv;
	__aligned_u64 envp;
	__aligned_u64 actions;
	__u32 action_count;
	__u32 action_size;
	__s32 pgroup;
	__s32 cgroup;
	__aligned_u64 sigdefault;
	__aligned_u64 sigmask;
	__aligned_u64 sigignore;
	__s32 sched_policy;
	__s32 sched_priority;
	__s32 completion;
	__u32 result_size;
	__aligned_u64 cookie;
	__aligned_u64 result;
	__aligned_u64 pid;
	__aligned_u64 pidfd;
	__aligned_u64 rusage;
};

/*
 * kspawn_batch.flags
 *
 * ALL_OR_NONE: no program runs an instruction unless all of them can.  If one
 * start fails, whatever is the matter with it (a program that is not there, a text
 * file, an interpreter that is missing, an image that turns out to be broken when it
 * is mapped, no memory, a signal that kills the child before all have come so far),
 * the others are given up: they leave no child, no SIGCHLD and no descriptor either.
 * The effects of their file actions on files remain.  Until they are gone altogether,
 * which may be after the call, they count for RLIMIT_NPROC and pids.max.
 *
 * PIPES: the standard output of each but the last is a pipe, which is the standard
 * input of the next.  The pipes are made by the start: neither end is ever in the
 * descriptor table of the caller.  A child has its ends before its attributes and
 * file actions are applied, which may move or replace them, as in a shell; with
 * CLOEXEC_DEFAULT, too.
 *
 * PGROUP: the children are one new process group, which none of them can miss or
 * leave before its program begins, unless another thread of the caller moves it by
 * setpgid().  The group has the pid of the first child that could be created.  A start
 * that has SETPGROUP or SETSID is EINVAL at ATTRIBUTES.
 */
#define KSPAWN_BATCH_ALL_OR_NONE	0x00000001
#define KSPAWN_BATCH_PIPES		0x00000002
#define KSPAWN_BATCH_PGROUP		0x00000004
#define KSPAWN_BATCH_FLAGS_ALL		0x00000007

/**
 * struct kspawn_batch - several starts in one call
 * @size:   sizeof(struct kspawn_batch) as the caller knows it
 * @flags:  KSPAWN_BATCH_*
 * @starts: const __u64 *: the addresses of so many struct kspawn_args
 * @count:  how many; 1 to KSPAWN_BATCH_MAX
 * @reserved: 0
 * @failed: __u32 *: set to the index, from 0, of the first start that failed, in
 *          the order of @starts; after a call that fails only; 0: not wanted
 */
struct kspawn_batch {
	__u32 size;
	__u32 flags;
	__aligned_u64 starts;
	__u32 count;
	__u32 reserved;
	__aligned_u64 failed;
};

/**
 * struct kspawn_completion - a new completion descriptor
 * @size:     sizeof(struct kspawn_completion) as the caller knows it
 * @flags:    O_NONBLOCK or 0; the descriptor is close-on-exec in any case
 * @capacity: how many starts may be under way or unread at a time; 1 to
 *            KSPAWN_EVENTS_MAX
 * @reserved: 0
 */
struct kspawn_completion {
	__u32 size;
	__u32 flags;
	__u32 capacity;
	__u32 reserved;
};

/**
 * struct kspawn_event - what became of an asynchronous start
 * @cookie: of the request
 * @pid:    what the call returned, in the pid namespace of the caller
 * @error:  errno value of the failure; 0: the program was executed, or the
 *          child was killed by a signal before it was
 * @step:   KSPAWN_STEP_* that failed
 * @index:  which part of that step
 *
 * A completion descriptor is read in whole events: read() returns as many as
 * are there and fit, EINVAL if not one fits, EAGAIN with O_NONBLOCK if there is
 * none.  It polls readable while there is one.  Several threads may read; each
 * event is read once, unless the memory for it cannot be written.  Each start
 * that is under way holds its place, so no event is lost; the events of a
 * descriptor that is closed go with it, their children live on.
 */
struct kspawn_event {
	__aligned_u64 cookie;
	__s32 pid;
	__s32 error;
	__u32 step;
	__u32 index;
};

#define KSPAWN_ARGS_SIZE_VER0		152 /* sizeof the first published version */
#define KSPAWN_ACTION_SIZE_VER0		48
#define KSPAWN_RESULT_SIZE_VER0		24
#define KSPAWN_COMPLETION_SIZE_VER0	16
#define KSPAWN_EVENT_SIZE_VER0		24
#define KSPAWN_BATCH_SIZE_VER0		32
#define KSPAWN_INFO_SIZE_VER0		40
#define KSPAWN_INFO_SIZE_VER1		48

/**
 * struct kspawn_info - what this module can do
 * @size:        in: sizeof(struct kspawn_info) as the caller knows it; out:
 *               as the module knows it
 * @flags:       bits known in kspawn_args.flags
 * @attr_flags:  bits known in kspawn_args.attr_flags
 * @actions_max: KSPAWN_ACTIONS_MAX
 * @actions:     bit N is set if action op N is known
 * @args_size:   sizeof(struct kspawn_args)
 * @action_size: sizeof(struct kspawn_action)
 * @result_size: sizeof(struct kspawn_result)
 * @event_size:  sizeof(struct kspawn_event)
 * @batch_flags: bits known in kspawn_batch.flags; 0: there is no KSPAWN_IOC_BATCH
 * @batch_size:  sizeof(struct kspawn_batch)
 */
struct kspawn_info {
	__u32 size;
	__u32 flags;
	__u32 attr_flags;
	__u32 actions_max;
	__aligned_u64 actions;
	__u32 args_size;
	__u32 action_size;
	__u32 result_size;
	__u32 event_size;
	__u32 batch_flags;
	__u32 batch_size;
};

/*
 * The size of a structure is in the structure, not in the number: a request
 * keeps its number as it grows.
 *
 * KSPAWN_IOC_SPAWN(struct kspawn_args *) returns the child's pid, or -1 with
 * errno; struct kspawn_result says which step failed.  Errors of its own:
 *
 *   EPERM   (step POLICY) the caller runs under seccomp: its filter could not
 *           see what the child executes; or it has permissions for I/O ports
 *           (ioperm(2), iopl(2)), which the child could not inherit
 *   EINVAL  (step COPY, ACTION) an unknown flag or operation, a reserved or
 *           unused field that is not zero, a structure that is too small;
 *           KSPAWN_EMPTY_PATH with a path that is not ""
 *   E2BIG   (step COPY) a structure is larger and not zero where this kernel
 *           does not know it; too many actions; too many argument bytes, of
 *           which step EXEC may tell instead
 *   EFAULT  (step COPY) memory that cannot be read or written
 *   EBADF   (step COPY, COMPLETION) not a completion descriptor
 *   EAGAIN  (step COPY, COMPLETION) as many starts as it has room for are under
 *           way or unread
 *   EINTR   (step CLONE) the caller was killed; (step WAIT) see KSPAWN_WAIT
 *   ECHILD  (step WAIT) the child has ended, and its status is lost: the
 *           caller ignores SIGCHLD, or another thread has waited for the child
 *
 * and those of clone(2), execve(2) and the calls that the attributes and file
 * actions stand for.  A program that is not there is told of before argv and
 * envp are looked at, unless an attribute or an action could fail first, or an
 * action could change what is found.
 *
 * A tracer that changes the mask of a caller which is inside the call has no
 * effect: all signals are seen to be blocked there, and at the end the mask is
 * what it was at the beginning.
 *
 * A search goes on to the next directory after ENOENT, ENOTDIR, EACCES, ESTALE,
 * ENODEV and ETIMEDOUT, and after a path that is too long.  It ends with EACCES
 * if any candidate gave that, else with the last error.  The file actions run
 * once, before it.
 *
 * All signals but SIGKILL and SIGSTOP are blocked for the calling thread while
 * the call is under way, but for the wait of KSPAWN_WAIT.
 *
 * If the child is killed by a signal before it executes the program, the call
 * succeeds, as it does with fork(), and the child's wait status tells.
 *
 * KSPAWN_IOC_COMPLETION(struct kspawn_completion *) returns a descriptor, or
 * EINVAL, E2BIG, EFAULT as above, EMFILE, ENFILE or ENOMEM.
 *
 * KSPAWN_IOC_INFO(struct kspawn_info *) returns 0.
 *
 * Batches.  KSPAWN_IOC_BATCH(struct kspawn_batch *) makes several starts, each as by
 * KSPAWN_IOC_SPAWN, and returns how many children there are.  All children exist
 * before the first attribute or file action is applied; they are set up and execute
 * their programs at the same time; and no program runs an instruction before the
 * last of them has been executed or has failed.  So each finds the whole process
 * group there, and the foreground group of a terminal that a TCSETPGRP has set.
 * A debugger that holds up one child, or a file action that blocks, holds up all.
 *
 * KSPAWN_ASYNC and KSPAWN_WAIT are flags of all starts of a batch or of none: else
 * EINVAL at ARGS.  With ASYNC the call returns when all children exist, and there is
 * an event for each.  With WAIT it returns when all have ended; SIGCHLD is
 * blocked meanwhile; a signal that ends the wait is told as KSPAWN_WAIT has it, in the
 * result of each child that has not been waited for.
 *
 * An error before there is a child fails the call: none is started, the result
 * of the start that it is about tells the step, and what follows that has not been
 * read, nor is its result written; but a program that is not there, as any failure
 * from then on, is that start's own.  Without ALL_OR_NONE the others are made, the
 * result of each tells what became of it, and the call succeeds, even if it returns 0.
 * With it the call fails with the error of the first, in the order of @starts, that
 * failed of itself.  If the call fails, the results of those that were given up have
 * ECANCELED at the step BATCH, and ALL_OR_NONE as index.  With ASYNC the events tell
 * the same of what fails when the call has returned.
 *
 * Errors of the call's own, of which no result tells: EINVAL, E2BIG, EFAULT for
 * struct kspawn_batch, as above; E2BIG also for more than KSPAWN_BATCH_MAX; ENOMEM.
 * Other errors: E2BIG (ARGS of the step COPY), more than KSPAWN_BATCH_BYTES_MAX;
 * EINVAL (step CLONE), the child would be the init of a new PID namespace, which could
 * not be given up alone.  Those at the step BATCH: ECANCELED, as said; EINTR (index
 * ALL_OR_NONE), a signal killed the child; those of pipe2() and dup2() (index PIPES);
 * those of setpgid() (index PGROUP).
 *
 * If the caller is killed (also by an execve() of another thread) before all children
 * exist, they are given up; later those of an ALL_OR_NONE are, unless it is ASYNC and
 * the call has returned, and the others go on, as children of whoever adopts them.
 *
 * Builders.  KSPAWN_IOC_BUILDER(struct kspawn_args *) creates a child, does what
 * the attributes and file actions say, and returns a descriptor, close-on-exec,
 * for a child that then waits in the kernel for what it is to do next.  The
 * child is a process: it has a pid, told in the result and at @pid, its own
 * descriptors (of which CLOEXEC_DEFAULT leaves only the named), credentials,
 * cgroup and an empty memory of its own, and /proc/PID shows all that has been
 * done to it.  path, search, argv, envp, dirfd and flags are 0.
 *
 * On that descriptor:
 *
 * KSPAWN_IOC_APPLY(struct kspawn_args *) does the same to the child as it is:
 * attributes in their order, then file actions, each at once.  The first that
 * fails ends the call, with its step and index; it has changed nothing itself,
 * but those before it hold.  Not undone are a file that O_CREAT made or O_TRUNC
 * emptied before its descriptor could not be had, and the group IDs of RESETIDS
 * if there is no memory to set the user IDs.  Unlike OPEN of KSPAWN_IOC_SPAWN, which
 * closes its fd first, an OPEN here may need one free descriptor more.  SETCGROUP and CLOEXEC_DEFAULT are EINVAL here and
 * below.  @pid is 0.  Returns 0.
 *
 * KSPAWN_IOC_START(struct kspawn_args *) does that, then executes the program:
 * flags may be KSPAWN_PIDFD and KSPAWN_EMPTY_PATH; dirfd, and N of
 * /proc/self/fd/N, are the child's descriptors.  If it fails, the child waits
 * on, and may be started again: what the attributes and file actions did holds, but
 * for SETSIGMASK, whose mask is that of the program alone.  An error past the
 * point of no return of exec fails no call: the child dies of a signal.  Returns the
 * child's pid (0 if it has none where the caller is).  From then on, and from just before its exec, the child is
 * the child of the process that made the builder, as after KSPAWN_IOC_SPAWN.  A
 * debugger that is told of the exec must not be the thread that waits for this
 * call.
 *
 * Until then it is nobody's child: no wait finds it, and no SIGCHLD tells of it.
 * It is in the session, process group and cgroup of the thread that made it, and
 * has its signal mask; a signal that comes meanwhile is pending when the program
 * begins, SIGKILL and SIGSTOP act at once.  Closing the last descriptor of a
 * builder that was not started kills the child.
 *
 * The process that made the builder may operate it as long as the credentials of
 * the calling thread are the very ones with which it was made: those of the thread
 * that made it, and of threads that share them.  A thread that has set an ID, a
 * capability or the like since, be it to the same value or through libc, which has
 * every thread do it, has others.  It may operate the builder as any other process
 * may that has the descriptor: if it could attach to the child as a debugger
 * (PTRACE_MODE_ATTACH_REALCREDS of ptrace(2); Yama knows the child as nobody's
 * descendant).  In no case one that has no_new_privs set, if the child has not.
 * This is asked at each call.  Calls of several threads are made one after the
 * other.  poll() tells POLLOUT while the child waits, POLLHUP when it has been
 * started or has ended.  /proc/PID/fdinfo tells "Pid:", as that of a pidfd, and
 * "Builder:", which is waiting, busy, started or ended.
 *
 * A child that is passed a socket in whose queue its builder lies, or an io_uring that
 * has a reference to it, keeps itself alive when all others have closed it: nobody
 * looks for such cycles.  It counts for the RLIMIT_NPROC of its user, and SIGKILL ends
 * it.
 *
 * A signal that has a handler, a stop, a debugger, the freezer of cgroup v2 and a
 * live patch end a call that waits.  Before the child has begun with it, it is as
 * if it had not been made: it is made again after a handler with SA_RESTART, else
 * the error is EINTR at the step BUILDER.  An operation or an exec that can be
 * interrupted then (the open of a FIFO) fails with EINTR, whatever the handler
 * says, and the child waits on.  An exec that a debugger stops (PTRACE_O_TRACEEXEC)
 * is done: the call returns when the debugger lets the child go on.
 *
 * Errors at the step BUILDER: EPERM, as said; ESRCH, the child has been started,
 * or has ended, or the process that would be its parent has; EINTR, as said;
 * EMFILE, ENFILE, ENOMEM.
 */
#define KSPAWN_IOC_MAGIC	0xBC
#define KSPAWN_IOC_INFO		_IO(KSPAWN_IOC_MAGIC, 16)
#define KSPAWN_IOC_SPAWN	_IO(KSPAWN_IOC_MAGIC, 17)
#define KSPAWN_IOC_COMPLETION	_IO(KSPAWN_IOC_MAGIC, 18)
#define KSPAWN_IOC_BUILDER	_IO(KSPAWN_IOC_MAGIC, 19)
#define KSPAWN_IOC_APPLY	_IO(KSPAWN_IOC_MAGIC, 20)
#define KSPAWN_IOC_START	_IO(KSPAWN_IOC_MAGIC, 21)
#define KSPAWN_IOC_BATCH	_IO(KSPAWN_IOC_MAGIC, 22)

#endif /* _UAPI_KSPAWN_H */
