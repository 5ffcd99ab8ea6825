/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Start a program and wait for its end, in one call.
 *
 * One system call does what kspawn_spawn() and waitpid() do in two; the caller does not
 * come back to user mode in between.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_SPAWN_WAIT_H
#define KSPAWN_SPAWN_WAIT_H

#include <sys/resource.h>

#include <kspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Start a program and wait until it has ended.
 *
 * A signal that is handled ends the wait, and not the child: the call fails with
 * EINTR at the step KSPAWN_STEP_WAIT, whether or not the handler has SA_RESTART,
 * and the child is the caller's to wait for, with waitpid() or wait4().  The wait
 * never ends so before the program has been executed: a start that fails is told of
 * as ever.  A signal that is ignored does not end the wait.  A debugger, the freezer
 * of cgroup v2, and a stop of the caller that is continued can end it as well.
 *
 * All signals of the calling thread are blocked until the wait begins, and pid and
 * pidfd are stored before: a handler that passes a signal on to the child does so by
 * its pidfd, which cannot be another process's.
 *
 * @param[out] pid    the child's process ID, as soon as there is a child; NULL if not
 *                    wanted.  After success it has been waited for
 * @param[out] pidfd  a pidfd of the child, close-on-exec and the caller's to close, as
 *                    soon as there is a child, also after success; NULL if not wanted
 * @param[out] status how the child ended, as waitpid() reports it; only after
 *                    success; NULL if not wanted
 * @param[out] usage  what it has used, as wait4() reports it; only after success; NULL
 *                    if not wanted
 * @param[in]  file   the program; one with a '/' is taken as it is
 * @param[in]  search directories to search it in, separated by ':', as
 *                    kspawn_spawnp() takes them from PATH; NULL: no search
 *
 * The other parameters are those of kspawn_spawn().
 *
 * @return 0 if the child has ended, or an error number.  At the step
 * KSPAWN_STEP_WAIT (see kspawn_last_failure()) there is or was a child:
 *   - EINTR: a signal ended the wait, see above.
 *   - ECHILD: the child has ended, and nobody knows how: the caller ignores SIGCHLD,
 *     or another thread has waited for it.
 *
 * At any other step there is none, pid and pidfd are left as they are, and the errors
 * are those of kspawn_spawn() and kspawn_pidfd_spawn().
 *
 * The call is not a cancellation point.  Through libc it is posix_spawn() and wait4().
 * A signal that arrives between the two is handled and does not end the wait.
 */
KSPAWN_API int kspawn_spawn_wait_np(pid_t* pid, int* pidfd, int* status, struct rusage* usage,
                                    const char* file, const char* search,
                                    const kspawn_spawn_file_actions_t* file_actions,
                                    const kspawn_spawnattr_t* attributes, char* const argv[],
                                    char* const envp[]) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_SPAWN_WAIT_H */
