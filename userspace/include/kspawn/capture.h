/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The tool call: run a program, collect what it writes, and be done with it and with all
 * that it has started.
 *
 *     struct kspawn_capture call = KSPAWN_CAPTURE_INIT;
 *     struct kspawn_captured result = KSPAWN_CAPTURED_INIT;
 *     call.file = "/usr/bin/rg";
 *     call.argv = argv;
 *     call.directory = directory;      // an open one
 *     call.time_limit_ms = 2000;
 *     call.death_signal = SIGKILL;
 *     if (kspawn_capture_np(&call, &result) == 0)
 *         fwrite(result.out, 1, result.out_size, stdout);
 *     kspawn_captured_free_np(&result);
 *
 * kspawn_capture_np() does it in one call; kspawn_capture_begin_np() and the functions below
 * it do it in an event loop.
 *
 * **Descriptors.**  The program has 0, 1 and 2, and what the caller's file actions give it;
 * nothing else.  Its ends of the pipes are never in the caller's table, and the caller's are
 * close-on-exec from birth: no other thread's start keeps a pipe open.
 *
 * **The end.**  Without a cgroup, a call ends when the program has ended and nobody has its
 * output open any more, which a process that it has left running can delay until the time
 * limit.  With a cgroup, all that is in it is killed as soon as the program has ended, and
 * the call ends when nothing is left there.
 *
 * **The time limit** counts from when the program has been executed, on the monotonic clock.
 * When it is over the program gets SIGTERM, alone; after the grace it gets SIGKILL, and so do
 * all in the cgroup.  The output until then is returned, with
 * KSPAWN_CAPTURED_TIMED_OUT.
 *
 * **Through libc** (<kspawn/backend.h>) it works, too, but: the ends of the pipes are made
 * before the start, and a process that another thread forks meanwhile has them; death_signal
 * fails with ENOTSUP, and so does cgroup before glibc 2.39.
 *
 * No function is a cancellation point, none sets errno, and none sends SIGPIPE.  Different
 * objects may be used by different threads at once.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_CAPTURE_H
#define KSPAWN_CAPTURE_H

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <kspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Flags of a call */
/**@{*/
/** Standard input is what file actions or the inheritance make it; input is not looked at. */
#define KSPAWN_CAPTURE_KEEP_STDIN 1U
/** The same for standard output: nothing is collected of it. */
#define KSPAWN_CAPTURE_KEEP_STDOUT 2U
/** The same for standard error. */
#define KSPAWN_CAPTURE_KEEP_STDERR 4U
/** Inherit what is not close-on-exec, as any start does. */
#define KSPAWN_CAPTURE_INHERIT 8U
/** Pass input_data through a pipe, whatever its size, and not as a file in memory. */
#define KSPAWN_CAPTURE_PIPE_INPUT 16U
/**@}*/

/**
 * The program to run, and how.  To be initialised with KSPAWN_CAPTURE_INIT: later versions may add
 * members at the end.  Nothing in it is changed, or needed after the call; but until a capture
 * that kspawn_capture_begin_np() has begun is over, the structure and input_data must live.
 */
struct kspawn_capture {
    size_t size;        /**< sizeof(struct kspawn_capture) */
    unsigned int flags; /**< KSPAWN_CAPTURE_*, or 0 */
    /** The program as a descriptor; -1: `file` names it.  A script needs one that is named. */
    int program;
    const char* file;   /**< the program; one with a '/' is taken as it is */
    const char* search; /**< directories, as of kspawn_spawn_search_np(); NULL: no search */
    char* const* argv;  /**< as of kspawn_spawn(), as is envp */
    char* const* envp;  /**< the environment; NULL: empty */
    /** Done after 0, 1, 2 and the working directory are as they are to be: a dup2 from 1 to
     *  2 merges the two.  NULL: none. */
    const kspawn_spawn_file_actions_t* file_actions;
    const kspawn_spawnattr_t* attributes; /**< NULL: none */
    int directory;                        /**< the working directory; -1: the caller's */
    /** A descriptor for standard input; -1: input_data, or /dev/null if that is NULL. */
    int input;
    const void* input_data; /**< what standard input has: up to 1 MiB a file in memory, that
                                 can be read and sought in; a pipe if it is more */
    size_t input_size;      /**< of input_data, in bytes */
    size_t out_max;         /**< how much of standard output is kept, in bytes; the rest is read
                                 and thrown away, and counted */
    size_t err_max;         /**< the same of standard error */
    long time_limit_ms;     /**< milliseconds; -1: none */
    long grace_ms;          /**< milliseconds from SIGTERM to SIGKILL; 0: SIGKILL at once */
    int death_signal;       /**< for the program when the calling thread exits; 0: none.  See
                                 kspawn_spawn_file_actions_addpdeathsig_np() */
    /** A directory of cgroup v2, which the call has for itself; -1: none.  The program is
     *  created in it, and whenever the call ends it is empty.  All processes in it and in cgroups
     *  below are killed by cgroup.kill; where Linux has no such file (before 5.14) they are
     *  frozen and killed by process IDs.  The directory is left for the caller to remove. */
    int cgroup;
};

/** No program; /dev/null; at most 16 MiB each; no limit of time; 1 s of grace. */
#define KSPAWN_CAPTURE_INIT                                                                        \
    {                                                                                              \
        sizeof(struct kspawn_capture), 0, -1, NULL, NULL, NULL, NULL, NULL, NULL, -1, -1, NULL, 0, \
            16777216, 16777216, -1, 1000, 0, -1                                                    \
    }

/** Flag of a result: the time limit was over before the call had ended. */
#define KSPAWN_CAPTURED_TIMED_OUT 1U

/**
 * The result.  To be initialised with KSPAWN_CAPTURED_INIT, and freed in any case by
 * kspawn_captured_free_np(): later versions may add members at the end.
 */
struct kspawn_captured {
    size_t size;                  /**< sizeof(struct kspawn_captured) */
    unsigned int flags;           /**< KSPAWN_CAPTURED_*, or 0 */
    int status;                   /**< as waitpid() reports it; -1: not known */
    pid_t pid;                    /**< which it had; 0: there was no child */
    char* out;                    /**< what it wrote to standard output, with a NUL behind it;
                                       NULL: none was collected */
    size_t out_size;              /**< bytes of that, without the NUL */
    unsigned long long out_total; /**< bytes that were read; more than out_size: truncated */
    char* err;                    /**< the same of standard error */
    size_t err_size;              /**< bytes of that, without the NUL */
    unsigned long long err_total; /**< bytes that were read, as out_total */
    struct rusage* usage;         /**< where to put what the program has used, with the children it
                                       waited for; stays as it is; NULL: not wanted */
};

/** No result yet, and nothing to free. */
#define KSPAWN_CAPTURED_INIT                                                                       \
    { sizeof(struct kspawn_captured), 0, -1, 0, NULL, 0, 0, NULL, 0, 0, NULL }

/** @name Index of a failure at KSPAWN_STEP_CAPTURE */
/**@{*/
#define KSPAWN_CAPTURE_CALL 0U   /**< a structure cannot be so; there was no child */
#define KSPAWN_CAPTURE_CGROUP 1U /**< the cgroup */
#define KSPAWN_CAPTURE_STDIN 2U  /**< standard input */
#define KSPAWN_CAPTURE_STDOUT 3U /**< standard output */
#define KSPAWN_CAPTURE_STDERR 4U /**< standard error */
#define KSPAWN_CAPTURE_WAIT 5U   /**< waiting for all of them */
/**@}*/

/**
 * Run a program, and return when all is over.
 *
 * @param[in]     call   what to run
 * @param[in,out] result what came of it
 * @return 0 if it has ended or was ended, whatever its status; or an error number, and
 * kspawn_last_failure() tells the step.  After a failure nothing of it runs, nothing of it is
 * left to wait for, and the cgroup is empty.
 *   - those of kspawn_spawn_search_np(), at their steps: there was no program.  The index of a
 *     file action is that in `file_actions`; those that this function adds count from there.
 *   - EINVAL (step KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_CALL): a size is none of any version, a
 *     flag is not known, both or none of `file` and `program` are given, `input_data` besides
 *     `input`, a time is below -1, or the grace below 0
 *   - E2BIG (the same): `call` is of a later version, and asks for what this one has not
 *   - those of openat() for files of the cgroup, ENOENT for a directory that is none (step
 *     KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_CGROUP); there was no child
 *   - EMFILE, ENFILE (step KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_STDIN): no descriptor for
 *     /dev/null; there was no child
 *   - ENOMEM, and those of read(), write() and poll() (step KSPAWN_STEP_CAPTURE): the
 *     program has been killed
 *   - ECHILD (step KSPAWN_STEP_WAIT): it has ended, and nobody knows how: the caller ignores
 *     SIGCHLD, or another thread has waited for it.  The result has all else
 *
 * A signal that is handled does not end the call.  Its end waits until the kernel has let go
 * of all that was killed.
 */
KSPAWN_API int kspawn_capture_np(const struct kspawn_capture* call,
                                 struct kspawn_captured* result) KSPAWN_NOEXCEPT;

/**
 * Free what a result owns, and make it as KSPAWN_CAPTURED_INIT does.
 *
 * @param[in,out] result NULL is passed over
 */
KSPAWN_API void kspawn_captured_free_np(struct kspawn_captured* result) KSPAWN_NOEXCEPT;

/** @name In an event loop */
/**@{*/

/** A call that is under way. */
struct kspawn_capturing;

/**
 * Start a program, and return when it has been executed.
 *
 * @param[in]  call      what to run
 * @param[out] capturing the call, to be given to kspawn_capture_end_np(); left as it is on
 *                       failure
 * @return 0 or an error number, as kspawn_capture_np(), and
 *   - EMFILE, ENFILE, ENOMEM (step KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_WAIT): no descriptor to
 *     poll
 */
KSPAWN_API int kspawn_capture_begin_np(const struct kspawn_capture* call,
                                       struct kspawn_capturing** capturing) KSPAWN_NOEXCEPT;

/**
 * The descriptor to poll.
 *
 * It is readable for poll(), epoll, io_uring and their like while kspawn_capture_handle_np()
 * has something to do: it is an epoll descriptor, close-on-exec, that stands for the pipes,
 * the end and the time limit.
 *
 * @return the descriptor, which is the call's own and stays so
 */
KSPAWN_API int
kspawn_capture_descriptor_np(const struct kspawn_capturing* capturing) KSPAWN_NOEXCEPT;

/**
 * Read, write, signal and kill whatever can be without waiting.
 *
 * @return EAGAIN: there is more to come; poll again.  0: the call is over, and
 * kspawn_capture_end_np() does not wait
 */
KSPAWN_API int kspawn_capture_handle_np(struct kspawn_capturing* capturing) KSPAWN_NOEXCEPT;

/**
 * End a call, and free it.
 *
 * One that is not over is ended by SIGKILL, without grace; this waits until nothing is left.
 *
 * @param[in]  capturing the call, which is gone afterwards
 * @param[out] result    what came of it; NULL: not wanted
 * @return 0 or an error number, as kspawn_capture_np()
 */
KSPAWN_API int kspawn_capture_end_np(struct kspawn_capturing* capturing,
                                     struct kspawn_captured* result) KSPAWN_NOEXCEPT;
/**@}*/

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_CAPTURE_H */
