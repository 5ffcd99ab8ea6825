/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Start several programs in one call: a pipeline, or all of them or none.
 *
 *     struct kspawn_batch_start starts[] = {
 *         {.file = "/bin/ls", .argv = ls, .envp = environ},
 *         {.file = "/usr/bin/sort", .argv = sort, .envp = environ},
 *     };
 *     error = kspawn_spawn_batch_np(starts, 2, KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT, NULL);
 *
 * All children exist before any of them is set up.  They are set up and execute their
 * programs at the same time, and no program runs an instruction before the last of them
 * has been executed or has failed.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_BATCH_H
#define KSPAWN_BATCH_H

#include <stddef.h>
#include <sys/resource.h>

#include <kspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Flags of a batch
 *
 * The first three are those of <kspawn/uapi.h>; there may be more of them in a newer one.
 *   - KSPAWN_BATCH_ALL_OR_NONE: no program runs an instruction unless all of them can.
 *     If one start fails, the others are given up and leave nothing either: no child, no
 *     SIGCHLD, no descriptor.  The effects of their file actions on files remain.
 *   - KSPAWN_BATCH_PIPES: the standard output of each but the last is a pipe, which is the
 *     standard input of the next.  A child has its ends before its attributes and file
 *     actions are applied, which may move or replace them, as in a shell.  Neither end is
 *     ever a descriptor of the caller.
 *   - KSPAWN_BATCH_PGROUP: the children are one new process group, whose number is the
 *     process ID of the first that could be created.  No start of such a batch may have
 *     KSPAWN_SPAWN_SETPGROUP or KSPAWN_SPAWN_SETSID.
 */
/**@{*/
/** Return when all children have ended, as kspawn_spawn_wait_np() does. */
#define KSPAWN_BATCH_WAIT 0x00010000
/** Make a pidfd of each child, close-on-exec and the caller's to close. */
#define KSPAWN_BATCH_PIDFDS 0x00020000
/**@}*/

/** One start of a batch. */
struct kspawn_batch_start {
    /** The program; one with a '/' is taken as it is. */
    const char* file;
    /** Directories to search it in, as kspawn_spawn_search_np() takes them; NULL: no search. */
    const char* search;
    /** File actions, as kspawn_spawn() takes them; NULL: none. */
    const kspawn_spawn_file_actions_t* file_actions;
    /** Attributes; NULL: none. */
    const kspawn_spawnattr_t* attributes;
    /** Its arguments, with a null pointer at the end; NULL: none. */
    char* const* argv;
    /** Its environment, with a null pointer at the end; NULL: an empty one. */
    char* const* envp;
    /** kspawn_spawn_batch_async_np(): what the event is to say; any number. */
    unsigned long long cookie;
    /** KSPAWN_BATCH_WAIT: where to put what the child has used, as wait4() reports it;
     *  NULL: not wanted. */
    struct rusage* usage;
    /** 0. */
    unsigned long reserved[4];
    /**
     * The result of this start; set by the call.
     *   - pid: the child's process ID; 0: there is none.  It is stored before a signal
     *     handler of the calling thread can run.  If the child has been waited for, another
     *     process may have this number by now
     *   - pidfd: with KSPAWN_BATCH_PIDFDS, of the child; -1: there is none
     *   - error, step, index: what failed, as in struct kspawn_failure; error 0: nothing did
     *   - status: with KSPAWN_BATCH_WAIT, how the child ended, as waitpid() reports it
     */
    struct kspawn_result result;
};

/**
 * Start several programs.
 *
 * The call returns when each program has been executed, or has failed to; with
 * KSPAWN_BATCH_WAIT, when all children have ended.  SIGCHLD is blocked during that wait;
 * another signal that is handled can end it as it ends the wait of kspawn_spawn_wait_np():
 * the error is EINTR and the step KSPAWN_STEP_WAIT in the result of each child that has not
 * been waited for.
 *
 * A child that is held up, by a debugger or by an open action that blocks, holds up all.
 *
 * @param[in,out] starts what to start; the results in it are set, whatever the call returns
 * @param[in]     count  how many: 1 to KSPAWN_BATCH_MAX
 * @param[in]     flags  KSPAWN_BATCH_*, or 0
 * @param[out]    failed the index, from 0, of the first start that failed; count if the
 *                       failure is about none of them; left as it is if none failed; NULL if
 *                       not wanted
 * @return 0 if all were started (and have ended), or the error of the first, in the order of
 * starts, that failed of itself; if there is none, of the first whose wait failed.
 * kspawn_last_failure() tells its step, and
 * kspawn_strfailure() begins with its number: "start 2: ".
 *
 * A start that could be made has a child even if the call has failed because of another:
 * its result has the error 0 and a process ID.  With KSPAWN_BATCH_ALL_OR_NONE there is none.
 * An error that is known before there is a child, such as an object that is not valid or
 * memory that cannot be read, fails the whole call, with or without the flag.  That a
 * program is not there is the failure of its start.  The results of starts that were given
 * up or not begun because of another have ECANCELED at the step KSPAWN_STEP_BATCH.
 *
 * The errors are those of kspawn_spawn(), kspawn_pidfd_spawn() and kspawn_spawn_wait_np(), and
 *   - EINVAL (step KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS): starts is NULL, count is 0, a
 *     reserved member is not 0, or a flag is unknown
 *   - E2BIG (the same step): count is above KSPAWN_BATCH_MAX
 *   - ENOMEM (the same step): there is no memory for the request
 *   - EINVAL (step KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES): with KSPAWN_BATCH_PGROUP, a
 *     start has KSPAWN_SPAWN_SETPGROUP or KSPAWN_SPAWN_SETSID
 *   - those of pipe2(2) (step KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES), and of setpgid(2)
 *     (KSPAWN_BATCH_PGROUP)
 *   - EINTR (the same step, KSPAWN_BATCH_ALL_OR_NONE): a signal killed the child before
 *     its program began
 *   - ENOSYS (the same step): the kernel is required, and its module knows no batches
 *
 * Through libc (<kspawn/backend.h>), which is asked too if the module knows no batches:
 *   - KSPAWN_BATCH_ALL_OR_NONE fails with ENOTSUP.
 *   - the programs are started one after the other, and the first may have run, or ended,
 *     before the last begins.
 *   - both ends of a pipe are descriptors of the caller, close-on-exec, until the programs on
 *     its two sides have been started: a fork() in another thread inherits them.
 *   - each child of KSPAWN_BATCH_PGROUP joins the group of the first when it is started.
 *     If that has ended and has been waited for by then, the start fails with EPERM.
 *   - a failure that is known before there is a child is that of its start only.
 *
 * Not a cancellation point.
 */
KSPAWN_API int kspawn_spawn_batch_np(struct kspawn_batch_start* starts, size_t count,
                                     unsigned int flags, size_t* failed) KSPAWN_NOEXCEPT;

/**
 * Start several programs without waiting until they have been executed.
 *
 * The call returns when all children exist.  There will be one event for each start whose
 * result has the error 0, with its cookie.  With KSPAWN_BATCH_ALL_OR_NONE the events of
 * those that were given up after that have ECANCELED at the step KSPAWN_STEP_BATCH.
 *
 * @param starts     as kspawn_spawn_batch_np() takes it
 * @param count      as there; the completion descriptor must have room for so many events
 * @param flags      as there, but for KSPAWN_BATCH_WAIT
 * @param completion where the events are to go; see kspawn_completion_open_np()
 * @param failed     as there
 * @return as there; the errors are also those of kspawn_spawn_async_np()
 */
KSPAWN_API int kspawn_spawn_batch_async_np(struct kspawn_batch_start* starts, size_t count,
                                           unsigned int flags, int completion,
                                           size_t* failed) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_BATCH_H */
