/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Start a program as a new child process, in one step inside the kernel.
 *
 * This is <spawn.h> of POSIX.1-2024 and of glibc 2.39 with `posix_` replaced by
 * `kspawn_` and `POSIX_` by `KSPAWN_`.  Names that end in `_np` are not in
 * POSIX; each says whose they are.  Where the words below say no more, meaning
 * and errors are those of the function that the name replaces.
 *
 * The difference is in who does the work, wherever the module is there to do it
 * (see <kspawn/backend.h> for what happens elsewhere).  The child's descriptors, attributes
 * and file actions are set up by the kernel module kspawn, and the child runs
 * no instruction in user space before its program has been executed: no copy of
 * the caller's memory is made, no lock is held, no handler of the caller can run
 * in the child, and nothing that other threads do to the caller's memory during
 * the call can change what is started.
 *
 * All functions are thread-safe as long as no two threads change the same
 * object at once; an object that nobody changes may be used by any number of
 * threads.  Functions that return int return 0 or an error number; they do not
 * set errno.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_SPAWN_H
#define KSPAWN_SPAWN_H

#include <sched.h>
#include <signal.h>
#include <sys/select.h> /* sigset_t, even in strict ISO C */
#include <sys/types.h>

#include <kspawn/backend.h>
#include <kspawn/base.h>
#include <kspawn/failure.h>
#include <kspawn/support.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Flags of kspawn_spawnattr_setflags()
 *
 * An attribute has no effect unless its flag is set.  They are applied in this
 * order: the cgroup, in which the child is created; before the file actions, signal
 * dispositions, scheduling, session, process group, user and group IDs; and the signal
 * mask with the program, until which the child blocks all signals.
 */
/**@{*/
/** Set the effective user and group ID to the real ones.  (POSIX) */
#define KSPAWN_SPAWN_RESETIDS KSPAWN_ATTR_RESETIDS
/** Join the process group of kspawn_spawnattr_setpgroup().  (POSIX) */
#define KSPAWN_SPAWN_SETPGROUP KSPAWN_ATTR_SETPGROUP
/** Set signals to their default; see kspawn_spawnattr_setsigdefault().  (POSIX) */
#define KSPAWN_SPAWN_SETSIGDEF KSPAWN_ATTR_SETSIGDEF
/** Set the signal mask; see kspawn_spawnattr_setsigmask().  (POSIX) */
#define KSPAWN_SPAWN_SETSIGMASK KSPAWN_ATTR_SETSIGMASK
/** Set the priority; see kspawn_spawnattr_setschedparam().  (POSIX) */
#define KSPAWN_SPAWN_SETSCHEDPARAM KSPAWN_ATTR_SETSCHEDPARAM
/** Set policy and priority; see kspawn_spawnattr_setschedpolicy().  (POSIX) */
#define KSPAWN_SPAWN_SETSCHEDULER KSPAWN_ATTR_SETSCHEDULER
/** Accepted for old sources of glibc; means nothing. */
#define KSPAWN_SPAWN_USEVFORK 0x40
/** Make the child the leader of a new session, as setsid() does.  (POSIX.1-2024) */
#define KSPAWN_SPAWN_SETSID KSPAWN_ATTR_SETSID
/** Create the child in a cgroup; see kspawn_spawnattr_setcgroup_np().  (glibc 2.39) */
#define KSPAWN_SPAWN_SETCGROUP KSPAWN_ATTR_SETCGROUP
/** Ignore signals; see kspawn_spawnattr_setsigignore_np().  (Solaris 11.4) */
#define KSPAWN_SPAWN_SETSIGIGN_NP KSPAWN_ATTR_SETSIGIGN
/**
 * Treat every descriptor as close-on-exec that no file action names: the child
 * inherits only what dup2 actions (a descriptor onto itself will do), inherit actions
 * and open actions give it.  That goes for 0, 1 and 2 as well.  (macOS)  A descriptor
 * that an action only reads, such as the one that a dup2 action duplicates, is named
 * too and keeps the close-on-exec flag that it has.
 *
 * Through libc it is done by closing the others; see <kspawn/backend.h> for what
 * another thread can do to that.
 */
#define KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP KSPAWN_ATTR_CLOEXEC_DEFAULT
/**@}*/

/**
 * Attributes of the programs to start.  The members are private.
 *
 * The object owns no memory: it may be moved with memcpy(), and copies are
 * independent of each other.
 */
typedef struct {
    /** For the library itself. */
    struct {
        unsigned int magic;
        unsigned int flags;
        int pgroup;
        int sched_policy;
        int sched_priority;
        int cgroup;
        unsigned long long sigdefault;
        unsigned long long sigmask;
        unsigned long long sigignore;
        unsigned long reserved[16];
    } private_members;
} kspawn_spawnattr_t;

/**
 * File actions: what to do, in their order, to the child's descriptors and
 * working directory.  The members are private.
 *
 * The object owns memory that kspawn_spawn_file_actions_destroy() frees.  It
 * may be moved with memcpy() if only one of the two is used from then on.
 */
typedef struct {
    /** For the library itself. */
    struct {
        unsigned int magic;
        unsigned int count;
        unsigned int capacity;
        unsigned int fallback;
        void* actions;
        unsigned long reserved[8];
    } private_members;
} kspawn_spawn_file_actions_t;

/**
 * @name Starting a program
 */
/**@{*/

/**
 * Start a program.  (POSIX: posix_spawn)
 *
 * The call returns when the program has been executed or when the attempt has
 * failed; only the calling thread waits.  After a failure there is no child:
 * nothing to wait for, no SIGCHLD, no descriptor.
 *
 * @param[out] pid          where to put the child's process ID; left as it is on
 *                          failure; NULL if not wanted
 * @param[in]  path         the program, relative to the child's working
 *                          directory as the file actions leave it
 * @param[in]  file_actions what to do to descriptors; NULL: nothing.  It is only
 *                          read and stays the caller's
 * @param[in]  attributes   NULL: none.  It is only read and stays the caller's
 * @param[in]  argv         the arguments, ending with NULL.  NULL or an empty
 *                          list: the program sees one empty string
 * @param[in]  envp         the environment, ending with NULL.  NULL: empty
 *
 * @return 0, or an error number.  kspawn_last_failure() tells which step failed
 * and kspawn_strfailure() says it in words.
 *   - ENOSYS: the kernel is required (kspawn_set_backend(), KSPAWN_BACKEND) and
 *     cannot be asked: no module, no permission to use its device, or an ABI
 *     that this library does not speak; kspawn_query() tells which it is (step
 *     KSPAWN_STEP_DEVICE).  Or the start went through libc and is to return a pidfd,
 *     and the kernel or a seccomp filter has no pidfd_open() (KSPAWN_STEP_PIDFD).
 *   - ENOTSUP: the start went through libc (see <kspawn/backend.h>), which
 *     cannot do what kspawn_strfailure() names.
 *   - EPERM: the kernel is required and the caller runs under seccomp, whose
 *     filter could not see what the child executes, or may use I/O ports (ioperm(2),
 *     iopl(2)), which its child would not have (step KSPAWN_STEP_POLICY); or an attribute
 *     needs a privilege.
 *   - EINVAL: an object was not initialised or has been destroyed, a file
 *     action or an attribute has a value that the kernel refuses.
 *   - E2BIG: arguments and environment are larger than execve() takes, or
 *     there are more file actions than the kernel takes (65,536; see
 *     kspawn_support.actions_max).
 *   - EFAULT: a pointer is not valid.
 *   - EAGAIN, ENOMEM: no process, or no memory for one.
 *   - EMFILE, ENFILE: no two descriptors could be had for the device, and the
 *     kernel is required; or none for an open action, or for the pidfd.
 *   - those of execve() for the program: ENOENT, EACCES, ENOEXEC, ENOTDIR,
 *     ELOOP, ENAMETOOLONG, ETXTBSY, ...
 *   - those of open(), dup2(), chdir(), fchdir() and tcsetpgrp() for the file
 *     actions; those of setpgid(), setsid(), sched_setscheduler(),
 *     sched_setparam(), setresuid() for the attributes; those of clone3()
 *     with CLONE_INTO_CGROUP for KSPAWN_SPAWN_SETCGROUP.
 *
 * If the child is killed by a signal before the program has been executed, the
 * call succeeds and the child's wait status tells, as after fork().
 *
 * Handlers of pthread_atfork() do not run, and the call is not a cancellation
 * point.  It takes no lock and allocates no memory, apart from the first call in
 * a process, which opens the device, and from starts through libc with an inherit or
 * close_range action or with objects, which are translated.
 *
 * The library keeps one descriptor of its own, close-on-exec and above 2, open
 * on /dev/kspawn.  If the program closes it or puts another file in its place,
 * the library notices and opens another.  It is never the last that the program
 * could have: where there is no second free one, the library does not keep it and
 * starts the program through libc, if it may (kspawn_set_backend()); and if a pidfd
 * finds no room (EMFILE), it gives its own away.
 */
KSPAWN_API int kspawn_spawn(pid_t* pid, const char* path,
                            const kspawn_spawn_file_actions_t* file_actions,
                            const kspawn_spawnattr_t* attributes, char* const argv[],
                            char* const envp[]) KSPAWN_NOEXCEPT;

/**
 * Start a program that is searched for in PATH.  (POSIX: posix_spawnp)
 *
 * @param[in] file a name with a '/' is taken as it is.  One without is searched
 *                 for in the directories that the caller's PATH lists, an empty
 *                 one being the child's working directory; if PATH is not set,
 *                 in those of confstr(_CS_PATH), which is "/bin:/usr/bin"
 *
 * The search runs in the kernel, after the file actions, as execvp() does
 * it: a directory that cannot be searched or in which the file is missing is
 * passed over; if nothing was found and somewhere permission was denied, the
 * error is EACCES.  A file that is not in an executable format is an error
 * (ENOEXEC), not a script for /bin/sh, as in glibc since 2.15.
 *
 * All else is as in kspawn_spawn(), with these errors more:
 *   - ENOENT: also for an empty name.
 *   - E2BIG: PATH is 131,072 bytes or longer.
 */
KSPAWN_API int kspawn_spawnp(pid_t* pid, const char* file,
                             const kspawn_spawn_file_actions_t* file_actions,
                             const kspawn_spawnattr_t* attributes, char* const argv[],
                             char* const envp[]) KSPAWN_NOEXCEPT;

/**
 * Start a program and get a pidfd of it.  (glibc 2.39: pidfd_spawn)
 *
 * @param[out] pidfd where to put the descriptor, which is close-on-exec from
 *                   its birth and the caller's to close; left as it is on
 *                   failure, when no descriptor was made.  See pidfd_open(2)
 *                   for what can be done with it
 *
 * All else is as in kspawn_spawn(), with these errors more:
 *   - EINVAL: pidfd is NULL.
 *   - EMFILE, ENFILE: no descriptor could be had (step KSPAWN_STEP_PIDFD).
 */
KSPAWN_API int kspawn_pidfd_spawn(int* pidfd, const char* path,
                                  const kspawn_spawn_file_actions_t* file_actions,
                                  const kspawn_spawnattr_t* attributes, char* const argv[],
                                  char* const envp[]) KSPAWN_NOEXCEPT;

/**
 * Start a program that is searched for in PATH and get a pidfd of it.
 * (glibc 2.39: pidfd_spawnp)
 *
 * The search is that of kspawn_spawnp(), the rest that of kspawn_pidfd_spawn().
 */
KSPAWN_API int kspawn_pidfd_spawnp(int* pidfd, const char* file,
                                   const kspawn_spawn_file_actions_t* file_actions,
                                   const kspawn_spawnattr_t* attributes, char* const argv[],
                                   char* const envp[]) KSPAWN_NOEXCEPT;

/**
 * Start a program, with a search list of the caller's choice, and get both its
 * process ID and a pidfd.  (kspawn; what kspawn::Command is built on)
 *
 * @param[out] pid    as in kspawn_spawn()
 * @param[out] pidfd  as in kspawn_pidfd_spawn(), but NULL means that none is
 *                    wanted
 * @param[in]  file   the program; one with a '/' is taken as it is
 * @param[in]  search directories to search it in, separated by ':', as
 *                    kspawn_spawnp() takes them from PATH; NULL: no search, file
 *                    is a path as in kspawn_spawn()
 *
 * All else, errors included, is as in kspawn_spawnp() and kspawn_pidfd_spawn().
 */
KSPAWN_API int kspawn_spawn_search_np(pid_t* pid, int* pidfd, const char* file, const char* search,
                                      const kspawn_spawn_file_actions_t* file_actions,
                                      const kspawn_spawnattr_t* attributes, char* const argv[],
                                      char* const envp[]) KSPAWN_NOEXCEPT;
/**@}*/

/**
 * @name File actions
 *
 * Each is done in the child, in the order in which they were added.  If one
 * fails, the start fails with its error and nothing is executed.
 *
 * Where an error EBADF is named for a function that adds an action, it is about
 * the number only: negative, or not below the caller's limit on open descriptors
 * (RLIMIT_NOFILE) at that time.  Whether a file is open there is known only when
 * the program is started.
 *
 * All of them yield EINVAL if the object was not initialised or has been
 * destroyed.  That is noticed where it can be; it is no excuse.
 */
/**@{*/

/**
 * Make an object without actions.  (POSIX)
 *
 * @param[out] file_actions must not be an initialised object, whose memory
 *                          would be lost
 * @return 0; EINVAL: file_actions is NULL
 */
KSPAWN_API int
kspawn_spawn_file_actions_init(kspawn_spawn_file_actions_t* file_actions) KSPAWN_NOEXCEPT;

/**
 * Free what the object owns.  (POSIX)
 *
 * It may be initialised again after this, and must not be used before.
 * @return 0, or EINVAL
 */
KSPAWN_API int
kspawn_spawn_file_actions_destroy(kspawn_spawn_file_actions_t* file_actions) KSPAWN_NOEXCEPT;

/**
 * Open a file.  (POSIX)
 *
 * @param[in] fd    descriptor to open it as; if it is in use, it is closed first
 * @param[in] path  copied; relative to the child's working directory at that
 *                  point
 * @param[in] oflag as open() takes them
 * @param[in] mode  permissions of a file that is created (O_CREAT or O_TMPFILE in
 *                  oflag), less the caller's umask; passed over otherwise
 * @return 0 or
 *   - EBADF: fd, see above
 *   - EINVAL: path is NULL
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addopen(kspawn_spawn_file_actions_t* file_actions, int fd,
                                                 const char* path, int oflag,
                                                 mode_t mode) KSPAWN_NOEXCEPT;

/**
 * Close a descriptor.  (POSIX)
 *
 * One that is not open when its turn comes is no error, as in glibc and musl.
 * @param[in] fd the descriptor
 * @return 0 or
 *   - EBADF: fd, see above
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addclose(kspawn_spawn_file_actions_t* file_actions,
                                                  int fd) KSPAWN_NOEXCEPT;

/**
 * Duplicate a descriptor.  (POSIX)
 *
 * @param[in] fd    the descriptor
 * @param[in] newfd what to have it as, not close-on-exec.  If it equals fd, the
 *                  descriptor loses its close-on-exec flag (Austin Group
 *                  defect 411, POSIX.1-2024)
 * @return 0 or
 *   - EBADF: fd or newfd, see above
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_adddup2(kspawn_spawn_file_actions_t* file_actions, int fd,
                                                 int newfd) KSPAWN_NOEXCEPT;

/**
 * Change the working directory.  (POSIX.1-2024)
 *
 * @param[in] path copied; relative to the child's working directory at that
 *                 point
 * @return 0 or
 *   - EINVAL: path is NULL
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addchdir(kspawn_spawn_file_actions_t* file_actions,
                                                  const char* path) KSPAWN_NOEXCEPT;

/** The name of kspawn_spawn_file_actions_addchdir() before POSIX.1-2024.  (glibc 2.29) */
KSPAWN_API int kspawn_spawn_file_actions_addchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                                     const char* path) KSPAWN_NOEXCEPT;

/**
 * Change the working directory to an open one.  (POSIX.1-2024)
 *
 * @param[in] fd descriptor of a directory; as the child has it at that point
 * @return 0 or
 *   - EBADF: fd, see above
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addfchdir(kspawn_spawn_file_actions_t* file_actions,
                                                   int fd) KSPAWN_NOEXCEPT;

/** The name of kspawn_spawn_file_actions_addfchdir() before POSIX.1-2024.  (glibc 2.29) */
KSPAWN_API int kspawn_spawn_file_actions_addfchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                                      int fd) KSPAWN_NOEXCEPT;

/**
 * Close a descriptor and all above it.  (glibc 2.34)
 *
 * @param[in] from the lowest to close
 * @return 0 or
 *   - EBADF: from, see above
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addclosefrom_np(kspawn_spawn_file_actions_t* file_actions,
                                                         int from) KSPAWN_NOEXCEPT;

/**
 * Close a range of descriptors.  (kspawn; as close_range() of Linux does it)
 *
 * Numbers in it that are not open are no error.
 *
 * Through libc, up to 4,096 numbers, and all above first if last is INT_MAX, are closed
 * whatever they are.  If the range is longer, only those are closed that are open as the
 * start begins, so that a descriptor that another thread opens during the start may
 * be inherited.
 *
 * @param[in] first the lowest to close
 * @param[in] last  the highest to close, which may be above any limit; INT_MAX: no
 *                  end
 * @return 0 or
 *   - EBADF: first, see above; last is negative
 *   - EINVAL: last is less than first
 *   - ENOMEM
 *
 * Since kspawn 0.1.
 */
KSPAWN_API int
kspawn_spawn_file_actions_addclose_range_np(kspawn_spawn_file_actions_t* file_actions, int first,
                                            int last) KSPAWN_NOEXCEPT;

/**
 * Give the child a descriptor of whoever makes the call.  (kspawn; as SCM_RIGHTS)
 *
 * Whatever other file actions do, fd is what the calling process has open as fd when
 * it calls kspawn_spawn(), kspawn_builder_create_np(), kspawn_builder_apply_np() or
 * kspawn_builder_start_np(), close-on-exec or not; a kspawn_builder_apply_np() so hands
 * over what was opened long after the child was created.  newfd is closed first.
 *
 * Through libc fd is duplicated as by kspawn_spawn_file_actions_adddup2(): a start fails
 * with ENOTSUP if oflag is O_CLOEXEC, or if an action before it opens, closes or
 * replaces fd.
 *
 * @param[in] fd    a descriptor of the caller's; a builder cannot be passed (EINVAL, at
 *                  the call)
 * @param[in] newfd its number in the child
 * @param[in] oflag O_CLOEXEC, which leaves it to later file actions only, or 0
 * @return 0 or
 *   - EBADF: fd or newfd is negative or above the limit on descriptors
 *   - EINVAL: another oflag
 *   - ENOMEM
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addpass_np(kspawn_spawn_file_actions_t* file_actions,
                                                    int fd, int newfd, int oflag) KSPAWN_NOEXCEPT;

/**
 * Give the child an end of a pipe that the start makes.  (kspawn)
 *
 * The other end is the caller's: when the call that starts (or, of a builder, applies)
 * has succeeded, its number is in *end, close-on-exec.  After a failure *end is -1.  The
 * child's end is never in the caller's table, and the caller's only after success: no
 * process that another thread forks or starts meanwhile has the child's end.  newfd is
 * closed first.
 *
 * The kernel module is needed: through libc a start with it fails with ENOTSUP, unless
 * kspawn_spawn_file_actions_setfallback_np() says else.
 *
 * @param[in]  newfd     its number in the child
 * @param[in]  direction what the child does: O_RDONLY or O_WRONLY
 * @param[in]  oflag     O_CLOEXEC leaves newfd to later file actions only; O_NONBLOCK is
 *                       for the caller's end alone; O_DIRECT for the end that writes,
 *                       see pipe(2)
 * @param[out] end       set to -1 now, and by each start; it must live until then
 * @return 0 or
 *   - EBADF: newfd is negative or not below the limit on descriptors
 *   - EINVAL: another direction or oflag; end is null
 *   - ENOMEM
 *
 * The start itself may fail with EMFILE or ENFILE, and with E2BIG if more than 1,024
 * descriptors are to be made.
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addpipe_np(kspawn_spawn_file_actions_t* file_actions,
                                                    int newfd, int direction, int oflag,
                                                    int* end) KSPAWN_NOEXCEPT;

/**
 * Give the child one of a pair of AF_UNIX sockets that the start makes.  (kspawn)
 *
 * Otherwise as kspawn_spawn_file_actions_addpipe_np().
 *
 * @param[in]  newfd its number in the child
 * @param[in]  type  SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
 * @param[in]  oflag O_CLOEXEC leaves newfd to later file actions only; O_NONBLOCK is for
 *                   the caller's end alone
 * @param[out] end   set to -1 now, and by each start; it must live until then
 * @return 0 or
 *   - EBADF: newfd is negative or not below the limit on descriptors
 *   - EINVAL: another type or oflag; end is null
 *   - ENOMEM
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addsocketpair_np(kspawn_spawn_file_actions_t* file_actions,
                                                          int newfd, int type, int oflag,
                                                          int* end) KSPAWN_NOEXCEPT;

/**
 * Give the child a file in memory with these contents.  (kspawn)
 *
 * As memfd_create() makes it with MFD_NOEXEC_SEAL: open for reading and writing, at offset
 * 0, not executable.  Nobody else has it.  The contents are copied now.
 *
 * The kernel module is needed: through libc a start with it fails with ENOTSUP, unless
 * kspawn_spawn_file_actions_setfallback_np() says else.
 *
 * @param[in] newfd    its number in the child, which is closed first
 * @param[in] contents what is in it; may be null if size is 0
 * @param[in] size     bytes of that; at most 8 MiB together with all paths and contents
 *                     of an object
 * @param[in] oflag    O_CLOEXEC, which leaves it to later file actions only, or 0
 * @return 0 or
 *   - EBADF: newfd is negative or not below the limit on descriptors
 *   - EINVAL: another oflag; contents is null
 *   - E2BIG: more than 8 MiB; all together are counted as the start begins
 *   - ENOMEM
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addmemfd_np(kspawn_spawn_file_actions_t* file_actions,
                                                     int newfd, const void* contents, size_t size,
                                                     int oflag) KSPAWN_NOEXCEPT;

/**
 * Have a start that goes through libc make pipes and files in memory, too.  (kspawn)
 *
 * Without this, a start through libc fails with ENOTSUP at an action of
 * kspawn_spawn_file_actions_addpipe_np() or kspawn_spawn_file_actions_addmemfd_np().  With
 * it, they are made in the calling process, close-on-exec, before libc is called: a process
 * that another thread forks meanwhile has the child's end, too.  So it is with a kernel
 * module that is older than these actions.  An action before them in the list must not close
 * numbers that it does not name.  Starts through a module that has the actions stay as they
 * are.
 *
 * @param[in] wanted 1, or 0: as at first
 * @return 0; EINVAL: another number
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_setfallback_np(kspawn_spawn_file_actions_t* file_actions,
                                                        int wanted) KSPAWN_NOEXCEPT;

/**
 * Open /dev/null, for reading and writing, as a descriptor.  (kspawn)
 *
 * As kspawn_spawn_file_actions_addopen() does it, also through libc.
 *
 * @param[in] fd its number in the child
 * @return 0 or
 *   - EBADF: fd is negative or not below the limit on descriptors
 *   - ENOMEM
 *
 * Since kspawn 0.2.
 */
KSPAWN_API int kspawn_spawn_file_actions_addnull_np(kspawn_spawn_file_actions_t* file_actions,
                                                    int fd) KSPAWN_NOEXCEPT;

/**
 * Let the child have a descriptor if it is open.  (macOS)
 *
 * The descriptor loses its close-on-exec flag in the child, and is one that an action
 * names for KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP.  One that is not open when its turn
 * comes is no error, which is the difference to a dup2 action onto itself.
 *
 * Through libc, whether a descriptor of the caller's is open is looked up as the start
 * begins: one that another thread closes during the start is an error EBADF, one that
 * another thread opens then is not seen.
 *
 * @param[in] fd the descriptor
 * @return 0 or
 *   - EBADF: fd, see above
 *   - ENOMEM
 *
 * Since kspawn 0.1.
 */
KSPAWN_API int kspawn_spawn_file_actions_addinherit_np(kspawn_spawn_file_actions_t* file_actions,
                                                       int fd) KSPAWN_NOEXCEPT;

/**
 * Make the child's process group the foreground group of a terminal.  (glibc 2.35)
 *
 * @param[in] tcfd descriptor of the terminal, which must be the controlling
 *                 terminal of the child's session; as the child has it at that
 *                 point
 * @return 0 or
 *   - EBADF: tcfd, see above
 *   - ENOMEM
 */
KSPAWN_API int kspawn_spawn_file_actions_addtcsetpgrp_np(kspawn_spawn_file_actions_t* file_actions,
                                                         int tcfd) KSPAWN_NOEXCEPT;
/**@}*/

/**
 * @name Attributes
 *
 * To set a value is not enough: kspawn_spawnattr_setflags() says which are to
 * be used.  A fresh object has no flags and zero or empty for each value.
 *
 * All of them yield EINVAL if the object was not initialised or has been
 * destroyed, or if another pointer is NULL.
 */
/**@{*/

/**
 * Make an object without flags.  (POSIX)
 *
 * @return 0; EINVAL: attributes is NULL
 */
KSPAWN_API int kspawn_spawnattr_init(kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * End the use of an object.  (POSIX)
 *
 * It may be initialised again after this, and must not be used before.
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_destroy(kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

/**
 * Get the flags.  (POSIX)
 *
 * @param[out] flags any of KSPAWN_SPAWN_*
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getflags(const kspawn_spawnattr_t* attributes,
                                         short* flags) KSPAWN_NOEXCEPT;

/**
 * Set the flags.  (POSIX)
 *
 * @param[in] flags any of KSPAWN_SPAWN_*, which replace those set before
 * @return 0; EINVAL: also for a flag that the library does not know
 */
KSPAWN_API int kspawn_spawnattr_setflags(kspawn_spawnattr_t* attributes,
                                         short flags) KSPAWN_NOEXCEPT;

/**
 * Get the process group.  (POSIX)
 *
 * @param[out] pgroup what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getpgroup(const kspawn_spawnattr_t* attributes,
                                          pid_t* pgroup) KSPAWN_NOEXCEPT;

/**
 * Set the process group, for KSPAWN_SPAWN_SETPGROUP.  (POSIX)
 *
 * @param[in] pgroup one to join, in the caller's session; 0: a new one, whose ID is
 *                   the child's process ID
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setpgroup(kspawn_spawnattr_t* attributes,
                                          pid_t pgroup) KSPAWN_NOEXCEPT;

/**
 * Get the signals to set to their default.  (POSIX)
 *
 * @param[out] sigdefault what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getsigdefault(const kspawn_spawnattr_t* attributes,
                                              sigset_t* sigdefault) KSPAWN_NOEXCEPT;

/**
 * Set the signals to set to their default, for KSPAWN_SPAWN_SETSIGDEF.  (POSIX)
 *
 * @param[in] sigdefault copied.  Signals that cannot be ignored in the first place
 *                       are passed over
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setsigdefault(kspawn_spawnattr_t* attributes,
                                              const sigset_t* sigdefault) KSPAWN_NOEXCEPT;

/**
 * Get the signals to ignore.  (Solaris 11.4: posix_spawnattr_getsigignore_np)
 *
 * @param[out] sigignore what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getsigignore_np(const kspawn_spawnattr_t* attributes,
                                                sigset_t* sigignore) KSPAWN_NOEXCEPT;

/**
 * Set the signals to ignore, for KSPAWN_SPAWN_SETSIGIGN_NP.
 * (Solaris 11.4: posix_spawnattr_setsigignore_np)
 *
 * @param[in] sigignore copied.  It wins over the set of
 *                      kspawn_spawnattr_setsigdefault().  SIGKILL and SIGSTOP
 *                      are passed over
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setsigignore_np(kspawn_spawnattr_t* attributes,
                                                const sigset_t* sigignore) KSPAWN_NOEXCEPT;

/**
 * Get the signal mask.  (POSIX)
 *
 * @param[out] sigmask what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getsigmask(const kspawn_spawnattr_t* attributes,
                                           sigset_t* sigmask) KSPAWN_NOEXCEPT;

/**
 * Set the signal mask, for KSPAWN_SPAWN_SETSIGMASK.  (POSIX)
 *
 * @param[in] sigmask copied: the signals that the child blocks.  SIGKILL and
 *                    SIGSTOP are passed over
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setsigmask(kspawn_spawnattr_t* attributes,
                                           const sigset_t* sigmask) KSPAWN_NOEXCEPT;

/**
 * Get the scheduling policy.  (POSIX)
 *
 * @param[out] schedpolicy what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getschedpolicy(const kspawn_spawnattr_t* attributes,
                                               int* schedpolicy) KSPAWN_NOEXCEPT;

/**
 * Set the scheduling policy, for KSPAWN_SPAWN_SETSCHEDULER.  (POSIX)
 *
 * @param[in] schedpolicy SCHED_OTHER, SCHED_FIFO, SCHED_RR; of Linux also
 *                        SCHED_BATCH and SCHED_IDLE, which glibc's function refuses.
 *                        The priority that goes with it is that of
 *                        kspawn_spawnattr_setschedparam()
 * @return 0; EINVAL: also for any other policy
 */
KSPAWN_API int kspawn_spawnattr_setschedpolicy(kspawn_spawnattr_t* attributes,
                                               int schedpolicy) KSPAWN_NOEXCEPT;

/**
 * Get the scheduling parameters.  (POSIX)
 *
 * @param[out] schedparam what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getschedparam(const kspawn_spawnattr_t* attributes,
                                              struct sched_param* schedparam) KSPAWN_NOEXCEPT;

/**
 * Set the scheduling parameters, for KSPAWN_SPAWN_SETSCHEDULER and, with the
 * policy that the child inherits, for KSPAWN_SPAWN_SETSCHEDPARAM.  (POSIX)
 *
 * @param[in] schedparam copied; only sched_priority is used.  Whether it suits
 *                       the policy is known only when the program is started
 *                       (EINVAL, step KSPAWN_STEP_ATTRIBUTE)
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setschedparam(kspawn_spawnattr_t* attributes,
                                              const struct sched_param* schedparam) KSPAWN_NOEXCEPT;

/**
 * Get the cgroup.  (glibc 2.39)
 *
 * @param[out] cgroup what was set
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_getcgroup_np(const kspawn_spawnattr_t* attributes,
                                             int* cgroup) KSPAWN_NOEXCEPT;

/**
 * Set the cgroup to create the child in, for KSPAWN_SPAWN_SETCGROUP.  (glibc 2.39)
 *
 * @param[in] cgroup descriptor of a directory of cgroup version 2; it stays the
 *                   caller's and must be open when the program is started
 * @return 0, or EINVAL
 */
KSPAWN_API int kspawn_spawnattr_setcgroup_np(kspawn_spawnattr_t* attributes,
                                             int cgroup) KSPAWN_NOEXCEPT;
/**@}*/

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_SPAWN_H */
