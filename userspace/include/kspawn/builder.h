/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A child that is made what it is to be step by step, then started.
 *
 * A builder is a descriptor for a child that exists and waits in the kernel: it has a
 * process ID, descriptors, credentials and a working directory of its own, which
 * /proc/PID shows.  File actions and attributes take effect on it at once, each with
 * its own error, and a start that fails leaves it as it was, to be tried again.
 *
 * Until it is started the child is nobody's: no wait finds it, and no SIGCHLD tells of
 * it.  Closing the builder with close() kills a child that was not started.  poll()
 * tells POLLOUT while the child waits for the next call, and POLLHUP when it has been
 * started or has ended.
 *
 * The process that made a builder may operate it as long as that process could read
 * the child's memory (ptrace(2), PTRACE_MODE_READ_REALCREDS): no longer, if it has
 * dropped privileges that the child still has.  Another process that has the
 * descriptor may operate it if that process could attach to the child as a debugger.
 *
 * The kernel module is needed: without it these functions fail with ENOSYS.
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
 * @param[out] builder      the builder, close-on-exec and the caller's to close
 * @param[out] pid          the child's process ID; NULL if not wanted
 * @param[in]  file_actions done to the child at once, in their order; NULL: none
 * @param[in]  attributes   likewise, before them; NULL: none.  Of the caller's
 *                          descriptors KSPAWN_SPAWN_CLOEXEC_DEFAULT leaves the child
 *                          those that a file action names
 *
 * @return 0, or an error number, and then there is no child:
 *   - ENOSYS: there is no module, or kspawn_set_backend() asked for libc.
 *   - EPERM: the caller runs under seccomp, or has permissions for I/O ports.
 *   - EMFILE, ENFILE, ENOMEM, EAGAIN: no descriptor, memory or process was left.
 *   - EINVAL: an object was not initialised.
 *   - any error of a file action or attribute; kspawn_last_failure() tells which.
 */
KSPAWN_API int kspawn_builder_create_np(int* builder, pid_t* pid,
                                        const kspawn_spawn_file_actions_t* file_actions,
                                        const kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * Change the child of a builder.
 *
 * Attributes take effect first, in the order of kspawn_spawn(), then the file actions.
 * The first that fails ends the call: it has changed nothing, those before it hold.
 * Descriptors are the child's, but for kspawn_spawn_file_actions_addpass_np().
 *
 * @param[in] builder      a builder
 * @param[in] file_actions what to do; NULL: nothing
 * @param[in] attributes   what to set; NULL: nothing
 *
 * @return 0, or an error number:
 *   - EBADF: not a builder.
 *   - EPERM: the caller may not operate this child; see above.
 *   - ESRCH: the child has been started, or has ended.
 *   - EINTR: a signal was handled while an operation blocked, or while another thread's
 *     call was under way.
 *   - EINVAL: an object was not initialised; KSPAWN_SPAWN_SETCGROUP or
 *     KSPAWN_SPAWN_CLOEXEC_DEFAULT, which belong to the creation.
 *   - any error of a file action or attribute.
 *
 * kspawn_last_failure() tells the step: KSPAWN_STEP_BUILDER for those that are about
 * the builder.
 */
KSPAWN_API int kspawn_builder_apply_np(int builder,
                                       const kspawn_spawn_file_actions_t* file_actions,
                                       const kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * Execute a program in the child of a builder.
 *
 * After success the child is a child of the process that made the builder, as any
 * other; the builder is of no more use, and is to be closed.  After a failure the
 * child waits on.
 *
 * @param[in]  builder      a builder
 * @param[out] pid          the child's process ID, 0 if it has none in the caller's PID
 *                          namespace; NULL if not wanted
 * @param[out] pidfd        a pidfd of the child, close-on-exec and the caller's to close;
 *                          NULL if not wanted
 * @param[in]  file         the program, found from the child's working directory
 * @param[in]  search       directories to search it in, as kspawn_spawn_search_np();
 *                          NULL: no search
 * @param[in]  file_actions as kspawn_builder_apply_np(), before the program
 * @param[in]  attributes   likewise
 * @param[in]  argv         the arguments, as execve()
 * @param[in]  envp         the environment, as execve()
 *
 * @return 0, or an error number: those of kspawn_builder_apply_np() and execve();
 *   - ESRCH also if the process that made the builder has ended.
 *   - EMFILE, ENFILE, ENOMEM: there was no room for a pidfd.
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
