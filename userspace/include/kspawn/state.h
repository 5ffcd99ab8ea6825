/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The state of the child, as file actions: limits, ids, priorities, namespaces.
 *
 * Each takes effect at its place in the list, after those before it and before those
 * behind it, and is a system call of the child's own: with its checks, its privileges
 * and its errors.  An error of the child's is returned by the call that starts the
 * program, or by kspawn_builder_apply_np(), and kspawn_last_failure() tells which file
 * action it was.  Here are the errors of the functions themselves, each of which copies
 * what it is given.
 *
 * All of them return 0, or
 *   - EINVAL: file_actions has not been initialised
 *   - ENOMEM
 *   - what is said of the function.
 *
 * The kernel module is needed: through libc a start with one of them fails with ENOTSUP.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_STATE_H
#define KSPAWN_STATE_H

#include <kspawn/spawn.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Set the file mode creation mask, as umask().
 *
 * @param[in] mask the permissions that new files do not get; others of its bits are
 *                 ignored
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addumask_np(kspawn_spawn_file_actions_t* file_actions,
                                                     mode_t mask) KSPAWN_NOEXCEPT;

/**
 * Set a limit on a resource, as setrlimit().
 *
 * It holds from here on, for later file actions, too.  Fails at the start with EINVAL
 * for an unknown resource or a soft limit above the hard one, with EPERM for a hard limit
 * that is raised without CAP_SYS_RESOURCE.
 *
 * @param[in] resource RLIMIT_NOFILE and the others
 * @param[in] limit    the limits
 * @return 0, or an error number, as above, and
 *   - EINVAL: limit is NULL
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addrlimit_np(kspawn_spawn_file_actions_t* file_actions,
                                                      int resource,
                                                      const struct rlimit* limit) KSPAWN_NOEXCEPT;

/**
 * See to it that no program gains privileges by execve(), as PR_SET_NO_NEW_PRIVS of
 * prctl().
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addnonewprivs_np(kspawn_spawn_file_actions_t* file_actions)
    KSPAWN_NOEXCEPT;

/**
 * Have a signal sent to the program when its parent exits, as PR_SET_PDEATHSIG of prctl().
 *
 * The parent is the thread that makes the call, or, for a builder, a thread of the process
 * that made it.  If that has exited meanwhile the program is not started (ESRCH).  A change
 * of ids clears the signal, as does a program that gains capabilities or is set-user-ID:
 * put this behind addresuid_np().  Fails at the start with EINVAL for what is no signal.
 *
 * @param[in] signal_number the signal; 0: none
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addpdeathsig_np(kspawn_spawn_file_actions_t* file_actions,
                                                         int signal_number) KSPAWN_NOEXCEPT;

/**
 * Set the user IDs, as setresuid().
 *
 * Later file actions, and the execution of the program, are those of the new user.  Fails
 * at the start with EPERM without the privilege.
 *
 * @param[in] real      the real user ID; (uid_t)-1: as it is, here and below
 * @param[in] effective the effective one
 * @param[in] saved     the saved one
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addresuid_np(kspawn_spawn_file_actions_t* file_actions,
                                                      uid_t real, uid_t effective,
                                                      uid_t saved) KSPAWN_NOEXCEPT;

/**
 * Set the group IDs, as setresgid().
 *
 * Before addresuid_np(), which may give up the privilege for it.  Fails at the start with
 * EPERM without the privilege.
 *
 * @param[in] real      the real group ID; (gid_t)-1: as it is, here and below
 * @param[in] effective the effective one
 * @param[in] saved     the saved one
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addresgid_np(kspawn_spawn_file_actions_t* file_actions,
                                                      gid_t real, gid_t effective,
                                                      gid_t saved) KSPAWN_NOEXCEPT;

/**
 * Set the supplementary groups, as setgroups().
 *
 * Fails at the start with EPERM without CAP_SETGID.
 *
 * @param[in] count  how many
 * @param[in] groups the groups, copied; NULL if there are none
 * @return 0, or an error number, as above, and
 *   - EINVAL: more than 65536; NULL where there are some
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addgroups_np(kspawn_spawn_file_actions_t* file_actions,
                                                      size_t count,
                                                      const gid_t* groups) KSPAWN_NOEXCEPT;

/**
 * Make a terminal the controlling one, as TIOCSCTTY of ioctl().
 *
 * The child must lead a session without a terminal: KSPAWN_SPAWN_SETSID.  fd may be
 * close-on-exec.  Fails at the start with EPERM if the child leads none, or another session
 * has the terminal; with ENOTTY if fd is no terminal.
 *
 * @param[in] fd    a descriptor of the child's
 * @param[in] steal 1: take it from another session, which needs CAP_SYS_ADMIN; 0: do not
 * @return 0, or an error number, as above, and
 *   - EBADF: fd is negative or above the limit on descriptors
 *   - EINVAL: another steal
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addctty_np(kspawn_spawn_file_actions_t* file_actions,
                                                    int fd, int steal) KSPAWN_NOEXCEPT;

/**
 * Change the root directory, as chroot().
 *
 * The working directory remains what it is.  Later paths, also the program's, begin at the
 * new root if they are absolute.  Fails at the start with the errors of chroot().
 *
 * @param[in] path the directory, copied
 * @return 0, or an error number, as above, and
 *   - EINVAL: path is NULL
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addchroot_np(kspawn_spawn_file_actions_t* file_actions,
                                                      const char* path) KSPAWN_NOEXCEPT;

/**
 * The same for a path that is relative to a directory, as openat() has it.
 *
 * A path of "." is the directory itself, whose descriptor may be close-on-exec, and one of
 * O_PATH.  Fails at the start with EBADF if dirfd is not open and the path is relative, with
 * ENOTDIR if dirfd is no directory.
 *
 * @param[in] dirfd a descriptor of the child's, or AT_FDCWD: the working directory
 * @param[in] path  the directory, copied
 * @return 0, or an error number, as above, and
 *   - EBADF: dirfd is negative, and not AT_FDCWD
 *   - EINVAL: path is NULL
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addchrootat_np(kspawn_spawn_file_actions_t* file_actions,
                                                        int dirfd,
                                                        const char* path) KSPAWN_NOEXCEPT;

/**
 * Set the nice value, as setpriority().
 *
 * Fails at the start with EACCES if it is lowered without the privilege.
 *
 * @param[in] nice the value itself, not a difference; what is beyond -20 and 19 is these
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addnice_np(kspawn_spawn_file_actions_t* file_actions,
                                                    int nice) KSPAWN_NOEXCEPT;

/**
 * Set the CPUs on which the program may run, as sched_setaffinity().
 *
 * Fails at the start with EINVAL if the mask has no CPU that there is.
 *
 * @param[in] size bytes of mask, at most 4096
 * @param[in] mask a cpu_set_t, copied
 * @return 0, or an error number, as above, and
 *   - EINVAL: mask is NULL, or size is 0 or above 4096
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addaffinity_np(kspawn_spawn_file_actions_t* file_actions,
                                                        size_t size,
                                                        const void* mask) KSPAWN_NOEXCEPT;

/**
 * Set how ready the OOM killer is to choose the program, as a write to
 * /proc/self/oom_score_adj; that needs no /proc.
 *
 * Fails at the start with EINVAL beyond -1000 and 1000, with EACCES if it is lowered
 * without CAP_SYS_RESOURCE.
 *
 * @param[in] score the adjustment
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addoomscore_np(kspawn_spawn_file_actions_t* file_actions,
                                                        int score) KSPAWN_NOEXCEPT;

/**
 * Have the program stop before its first instruction, as by SIGSTOP.
 *
 * The parent is told as of any stop; SIGCONT lets the program go, from the moment at which
 * the call has returned.  A debugger can attach before.
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int
kspawn_spawn_file_actions_addstop_np(kspawn_spawn_file_actions_t* file_actions) KSPAWN_NOEXCEPT;

/**
 * Join a namespace, as setns().
 *
 * Later paths, also the program's, mean what they mean there.  A PID namespace is that of
 * the program's children.  Fails at the start with the errors of setns().
 *
 * @param[in] fd   a descriptor of the child's, which may be close-on-exec: of a namespace,
 *                 or a pidfd
 * @param[in] type CLONE_NEWNS and the others: what it must be, or which of a process's; 0:
 *                 any
 * @return 0, or an error number, as above, and
 *   - EBADF: fd is negative or above the limit on descriptors
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addsetns_np(kspawn_spawn_file_actions_t* file_actions,
                                                     int fd, int type) KSPAWN_NOEXCEPT;

/**
 * Make new namespaces, as unshare().
 *
 * Fails at the start with EINVAL for flags that are no namespaces, with EPERM without the
 * privilege.
 *
 * @param[in] flags CLONE_NEWNS and the others
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addunshare_np(kspawn_spawn_file_actions_t* file_actions,
                                                       int flags) KSPAWN_NOEXCEPT;

/**
 * Set the capabilities, as capset().
 *
 * Fails at the start with EPERM for capabilities that the child does not have.
 *
 * @param[in] data two struct __user_cap_data_struct, 24 bytes in all, copied
 * @return 0, or an error number, as above, and
 *   - EINVAL: data is NULL
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int
kspawn_spawn_file_actions_addcapabilities_np(kspawn_spawn_file_actions_t* file_actions,
                                             const void* data) KSPAWN_NOEXCEPT;

/**
 * Call prctl().
 *
 * Fails at the start with EINVAL for any other option.
 *
 * @param[in] option   PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAPBSET_DROP, PR_CAP_AMBIENT,
 *                     PR_SET_CHILD_SUBREAPER or PR_SET_TIMERSLACK
 * @param[in] argument its argument
 * @param[in] more     the second of PR_CAP_AMBIENT; 0 otherwise
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addprctl_np(kspawn_spawn_file_actions_t* file_actions,
                                                     int option, unsigned long argument,
                                                     unsigned long more) KSPAWN_NOEXCEPT;

/**
 * Set the scheduling, with deadlines and all, as sched_setattr().
 *
 * @param[in] attributes a struct sched_attr, copied
 * @param[in] size       its bytes, at most 4096
 * @return 0, or an error number, as above, and
 *   - EINVAL: attributes is NULL, or size is below 4 or above 4096
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addsched_np(kspawn_spawn_file_actions_t* file_actions,
                                                     const void* attributes,
                                                     size_t size) KSPAWN_NOEXCEPT;

/**
 * Set the priority of input and output, as ioprio_set().
 *
 * Fails at the start with EPERM or EINVAL, as that does.
 *
 * @param[in] ioprio class and level, as IOPRIO_PRIO_VALUE() of <linux/ioprio.h> makes them
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addioprio_np(kspawn_spawn_file_actions_t* file_actions,
                                                      int ioprio) KSPAWN_NOEXCEPT;

/**
 * Set the execution domain, as personality().
 *
 * @param[in] persona ADDR_NO_RANDOMIZE and the others; 0xffffffff fails at the start with
 *                    EINVAL
 * @return 0, or an error number, as above
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int
kspawn_spawn_file_actions_addpersonality_np(kspawn_spawn_file_actions_t* file_actions,
                                            unsigned int persona) KSPAWN_NOEXCEPT;

/**
 * Set the NUMA policy, as set_mempolicy().
 *
 * @param[in] mode  MPOL_BIND and the others
 * @param[in] nodes a mask of nodes, copied; NULL if there is none
 * @param[in] count its words, at most 512
 * @return 0, or an error number, as above, and
 *   - EINVAL: more than 512 words; NULL where there are some
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addmempolicy_np(kspawn_spawn_file_actions_t* file_actions,
                                                         int mode, const unsigned long* nodes,
                                                         size_t count) KSPAWN_NOEXCEPT;

/**
 * Close a range of descriptors, but for some.
 *
 * Those remain as they are: close-on-exec, too, if they are.
 *
 * @param[in] first the first to close
 * @param[in] last  the last; INT_MAX: all above it, too
 * @param[in] kept  the exceptions, in any order, copied; NULL if there are none
 * @param[in] count how many, at most 65536
 * @return 0, or an error number, as above, and
 *   - EBADF: a number is negative, or first is above the limit on descriptors
 *   - EINVAL: last is below first; more than 65536; NULL where there are some
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int
kspawn_spawn_file_actions_addclose_except_np(kspawn_spawn_file_actions_t* file_actions, int first,
                                             int last, const int* kept,
                                             size_t count) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_STATE_H */
