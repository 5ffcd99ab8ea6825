/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A child that is made what it is to be step by step, then started.
 *
 * A builder is a descriptor for a child that exists and waits in the kernel: it has a
 * process ID, descriptors, credentials, a cgroup, a working directory and an empty memory
 * of its own.  File actions and attributes take effect on it at once, each with its own
 * error.  A start that fails leaves the child waiting, to be mended and tried again, unless
 * exec had passed its point of no return: the child then dies as any process that execs.
 *
 * **Reading the state back.**  /proc/PID shows what has been done: cwd, fd, status, limits,
 * cgroup.  The process ID is told at the creation.  Once the child has ended, the number may be
 * another process's.  pidfd_open(2) makes a pidfd of the child: if a
 * kspawn_builder_apply_np() of nothing succeeds after it, or after a file of /proc/PID has
 * been opened, it was the builder's child that was opened.  The same call without a pidfd
 * asks whether the child is there.
 *
 * **Until it is started** the child is nobody's: no wait finds it, and no SIGCHLD tells of
 * its end.  It is in the session, process group and cgroup of the thread that made it and
 * has its signal mask.  Signals that come meanwhile are pending when the program begins;
 * SIGKILL and SIGSTOP act at once.  When the last descriptor of the builder is closed, a
 * child that was not started is killed: so it ends with the process that made it, unless
 * another one has the descriptor.
 *
 * **The processes that may operate it.**  The process that made it, as long as the calling thread
 * has the credentials with which it was made.  After they have changed, that process is as any
 * other that has the descriptor: it may, if it could attach to the child as a debugger
 * (PTRACE_MODE_ATTACH_REALCREDS of ptrace(2); Yama knows the child as nobody's descendant).
 * A thread that has no_new_privs set may not, if the child has not.  This is asked at each call.
 *
 * **Waiting.**  Several threads may use one builder; their calls are made one after the
 * other.  A call waits for the child.  A signal that has a handler ends the wait: a call that
 * the child has not begun with is made again if the handler has SA_RESTART, else it fails
 * with EINTR and has done nothing.  An operation that blocks, such as the opening of a FIFO,
 * fails with EINTR whatever the handler says, and the child waits on.  A stop of the caller, a
 * debugger, the freezer of cgroup v2 and a live patch end the wait, too: a call that the
 * child has not begun with is then made again, and an operation that blocks fails with EINTR.
 * poll() tells POLLOUT while the child waits for the next call, and POLLHUP when it has been
 * started or has ended.
 *
 * The kernel module is needed: without it kspawn_builder_create_np() fails with ENOSYS.
 * kspawn_last_failure() and kspawn_strfailure() tell of a failure of any of these functions.
 * None is a cancellation point.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_BUILDER_H
#define KSPAWN_BUILDER_H

#include <kspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Create a child that waits to be started.
 *
 * @param[out] builder      the builder, close-on-exec and the caller's to close; left as it
 *                          is after a failure
 * @param[out] pid          the child's process ID; NULL if not wanted; left as it is after
 *                          a failure
 * @param[in]  file_actions done to the child at once, in their order; NULL: none
 * @param[in]  attributes   likewise, before them; NULL: none.  With
 *                          KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP the child has those of the
 *                          caller's descriptors that a file action names;
 *                          kspawn_spawn_file_actions_addpass_np() can give it others later
 *
 * @return 0, or an error number, and then there is no child:
 *   - EINVAL: an object was not initialised.
 *   - ENOSYS: there is no module, the device may not be used, the module has no builders,
 *     or kspawn_set_backend() asked for libc.
 *   - EPERM, at KSPAWN_STEP_POLICY: the caller runs under seccomp, or has permissions for
 *     I/O ports.
 *   - EMFILE, ENFILE: there is no descriptor for the builder.
 *   - EAGAIN: there is no process left (RLIMIT_NPROC, pids.max).
 *   - ENOMEM: there is no memory.
 *   - EINTR: the child was killed while it was made.
 *   - EFAULT: pid cannot be written.
 *   - at KSPAWN_STEP_ATTRIBUTE or KSPAWN_STEP_ACTION, the errors of the call that the
 *     attribute or file action stands for.
 */
KSPAWN_API int kspawn_builder_create_np(int* builder, pid_t* pid,
                                        const kspawn_spawn_file_actions_t* file_actions,
                                        const kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * Change the child of a builder.
 *
 * Attributes take effect first, in the order of kspawn_spawn(), then the file actions.
 * The first that fails ends the call: it has changed nothing, those before it hold.
 * Descriptors are the child's, but for that which kspawn_spawn_file_actions_addpass_np()
 * gives it.
 *
 * @param[in] builder      a builder
 * @param[in] file_actions what to do; NULL: nothing
 * @param[in] attributes   what to set; NULL: nothing.  KSPAWN_SPAWN_SETCGROUP and
 *                         KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP belong to the creation (EINVAL)
 *
 * @return 0, or an error number:
 *   - EINVAL: an object was not initialised, or an attribute belongs to the creation.
 *   - EBADF, at KSPAWN_STEP_BUILDER: not a builder.
 *   - EPERM, at KSPAWN_STEP_BUILDER: the caller may not operate this child; see above.
 *   - EPERM, at KSPAWN_STEP_POLICY: as kspawn_builder_create_np().
 *   - ESRCH, at KSPAWN_STEP_BUILDER: the child has been started, or has ended.
 *   - EINTR, at KSPAWN_STEP_BUILDER: a signal was handled before the child had begun; or the
 *     wait has ended while the child is stopped or frozen in the midst of an operation.
 *   - EINTR, at KSPAWN_STEP_ACTION: a signal was handled while the action blocked.
 *   - ENOMEM: there is no memory.
 *   - at KSPAWN_STEP_ATTRIBUTE or KSPAWN_STEP_ACTION, the errors of the call that the
 *     attribute or file action stands for.
 */
KSPAWN_API int kspawn_builder_apply_np(int builder, const kspawn_spawn_file_actions_t* file_actions,
                                       const kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * Execute a program in the child of a builder.
 *
 * After success the child is a child of the process that made the builder, whoever has made
 * this call: that process waits for it, and gets its SIGCHLD.  The builder is of no more
 * use, and is to be closed.  After a failure the child waits on, with what the file actions
 * and attributes of this call have done to it.
 *
 * @param[in]  builder      a builder
 * @param[out] pid          the child's process ID, 0 if it has none in the caller's PID
 *                          namespace; NULL if not wanted; left as it is after a failure
 * @param[out] pidfd        a pidfd of the child, close-on-exec and the caller's to close;
 *                          NULL if not wanted; left as it is after a failure
 * @param[in]  file         the program; a relative path begins at the child's working
 *                          directory, and N of /proc/self/fd/N is a descriptor of the child
 * @param[in]  search       directories to search it in, as kspawn_spawn_search_np();
 *                          NULL: no search
 * @param[in]  file_actions as kspawn_builder_apply_np(), before the program; NULL: none
 * @param[in]  attributes   likewise; NULL: none
 * @param[in]  argv         the arguments, as execve()
 * @param[in]  envp         the environment, as execve()
 *
 * @return 0, or an error number: those of kspawn_builder_apply_np(), and
 *   - ESRCH, at KSPAWN_STEP_BUILDER, also if the process that made the builder has ended:
 *     nobody could wait for the program.
 *   - EMFILE, ENFILE, ENOMEM, at KSPAWN_STEP_PIDFD: there is no room for a pidfd.
 *   - at KSPAWN_STEP_EXEC, the errors of execve(2); EINTR: a signal was handled while the
 *     program was looked up or read.
 *   - E2BIG, EFAULT, at KSPAWN_STEP_COPY: as kspawn_spawn().
 */
KSPAWN_API int kspawn_builder_start_np(int builder, pid_t* pid, int* pidfd, const char* file,
                                       const char* search,
                                       const kspawn_spawn_file_actions_t* file_actions,
                                       const kspawn_spawnattr_t* attributes, char* const argv[],
                                       char* const envp[]) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_BUILDER_H */
