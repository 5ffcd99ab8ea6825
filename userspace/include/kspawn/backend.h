/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Which backend starts the programs: the kernel module, or libc's posix_spawn().
 *
 * The library asks the kernel.  Where it cannot, because there is no module, the
 * device may not be used, the module speaks another ABI, or the caller runs under
 * seccomp or may use I/O ports (ioperm(2), iopl(2)), the library asks libc, with the same results.
 * A program that is linked to it is therefore of use on any Linux.  These functions are for
 * programs that want to know which it is, or that insist.
 *
 * A start through libc differs in this:
 *   - what libc's posix_spawn() cannot do fails with ENOTSUP, and
 *     kspawn_strfailure() names it: KSPAWN_SPAWN_SETSIGIGN_NP;
 *     KSPAWN_SPAWN_SETCGROUP before glibc 2.39; SCHED_BATCH and SCHED_IDLE; a
 *     search list other than PATH with a relative directory, if a file action
 *     changes the working directory; a descriptor that is passed with O_CLOEXEC, or whose
 *     number a file action before has changed; and what a libc lacks, see below.
 *   - there are no builders (<kspawn/builder.h>): ENOSYS.
 *   - the programs of a batch are started one after the other, and
 *     KSPAWN_BATCH_ALL_OR_NONE fails with ENOTSUP: <kspawn/batch.h>.
 *   - KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP is done by closing, at the end of the file
 *     actions, what none of them names.  Above the highest descriptor that is kept,
 *     and below it if no more than 4,096 numbers lie between those that are kept,
 *     that is exact.  If there are more numbers, only those are closed that are open
 *     as the start begins: a descriptor that another thread opens during the start
 *     may be inherited, unless it is close-on-exec.
 *   - libc does not tell which step failed: see KSPAWN_STEP_LIBC.
 *   - what libc's posix_spawn() does otherwise than the kernel, it does here too:
 *     kspawn-differences(7).  A start that fails has had a child, and so there is
 *     a SIGCHLD; O_CLOEXEC in an open action may be lost.
 *   - pipes, sockets and files in memory are not made: a start with
 *     kspawn_spawn_file_actions_addpipe_np(), kspawn_spawn_file_actions_addsocketpair_np()
 *     or kspawn_spawn_file_actions_addmemfd_np() fails with ENOTSUP.  After
 *     kspawn_spawn_file_actions_setfallback_np() the first and the last are made in the
 *     calling process, before the start.
 *   - there is no limit to file actions or to the search list.
 *   - a pidfd (before glibc 2.39), or the process ID that is wanted beside one (from 2.39
 *     on), is got after the child has been started.  If somebody else has reaped the
 *     child by then (SIGCHLD is ignored, or another thread waits for any child), the
 *     start fails with ESRCH.  If there is no descriptor or memory for it (EMFILE,
 *     ENFILE, ENOMEM), the child is killed and reaped.  In both cases its program may
 *     have run.
 *   - a pointer that is not valid is a fault (SIGSEGV) where the kernel says
 *     EFAULT; only a null path is told.
 *   - the file actions of <kspawn/state.h> are those of no libc (ENOTSUP).
 *   - it is as fast as libc, and has libc's race windows.
 *
 * Which libc: the library is compiled for that of its headers, and has of it:
 *   - glibc 2.39 and later: all.
 *   - glibc 2.35 to 2.38: no KSPAWN_SPAWN_SETCGROUP; a pidfd is opened after the
 *     start, see above.
 *   - glibc 2.34: nor the tcsetpgrp action (ENOTSUP).
 *   - glibc 2.29 to 2.33: nor a closefrom action.  Descriptors that are open as the
 *     start begins are closed one by one; one that another thread opens during the
 *     start may be inherited.  That goes for KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP too.
 *   - glibc before 2.29: nor chdir and fchdir actions (ENOTSUP).
 *   - musl 1.2: as glibc 2.29, but without scheduling attributes (ENOTSUP), and
 *     libkspawn as an archive only, without kspawn::Command and the preload library.
 *     The headers need the kernel's: musl-gcc is told where <linux/types.h> is.
 * Starts through the kernel need none of that and are the same with all of them.
 * The tests run glibc 2.36 and musl 1.2.3, and compile for older ones by glibc 2.36
 * without what these lack.
 *
 * All functions are thread-safe.
 *
 * Since kspawn 0.1; of this library only.
 */
#ifndef KSPAWN_BACKEND_H
#define KSPAWN_BACKEND_H

#include <kspawn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A way to start programs. */
enum kspawn_backend {
    /** The kernel if it can be asked, else libc. */
    KSPAWN_BACKEND_AUTO = 0,
    /** The kernel, or the start fails: ENOSYS; EPERM under seccomp or with I/O ports. */
    KSPAWN_BACKEND_KERNEL = 1,
    /** libc's posix_spawn(). */
    KSPAWN_BACKEND_LIBC = 2
};

/**
 * Say who shall start programs from now on, in the whole process.
 *
 * This wins over the environment variable KSPAWN_BACKEND ("auto", "kernel",
 * "libc"), which is read when it is first needed and is for whoever runs a
 * program that does not call this.  Any other value of the variable means
 * "auto"; a program that runs with more privileges than its caller (see
 * secure_getenv(3)) does not look at it.
 *
 * @param[in] backend enum kspawn_backend
 * @return 0; EINVAL: another number
 */
KSPAWN_API int kspawn_set_backend(int backend) KSPAWN_NOEXCEPT;

/**
 * The backend that kspawn_set_backend() or the environment asked for.
 *
 * @return enum kspawn_backend; KSPAWN_BACKEND_AUTO if nobody said anything
 */
KSPAWN_API int kspawn_get_backend(void) KSPAWN_NOEXCEPT;

/**
 * The backend that would start a program if the calling thread asked now.
 *
 * The answer is that of this moment: a module can come and go.
 *
 * @return KSPAWN_BACKEND_KERNEL or KSPAWN_BACKEND_LIBC
 */
KSPAWN_API int kspawn_effective_backend(void) KSPAWN_NOEXCEPT;

/**
 * The backend that made the last attempt to start a program in the calling thread,
 * whether it succeeded or not.
 *
 * @return KSPAWN_BACKEND_KERNEL or KSPAWN_BACKEND_LIBC; KSPAWN_BACKEND_AUTO
 * if there has been none
 */
KSPAWN_API int kspawn_last_backend(void) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_BACKEND_H */
