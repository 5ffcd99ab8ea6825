/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Start a program and go on at once: what becomes of the start is told later, by an
 * event on a completion descriptor.
 *
 *     int queue;
 *     kspawn_completion_open_np(&queue, 64, O_NONBLOCK);
 *     kspawn_spawn_async_np(&pid, NULL, queue, 42, "/bin/date", NULL, NULL, NULL, argv, environ);
 *     ...                                       // poll(), epoll or io_uring: readable
 *     kspawn_completion_read_np(queue, events, 64, &count);
 *     if (events[0].cookie == 42 && events[0].error == 0)
 *         ...                                   // the program runs
 *
 * The caller does not wait until the program has been executed, so a program on a
 * slow disk or an open action that blocks does not hold up its event loop.
 *
 * The child is an ordinary child from the moment the call returns: waitpid(), its
 * pidfd, kill() and SIGCHLD are as after fork().  Until its program has been executed
 * it blocks all signals but SIGKILL and SIGSTOP: SIGKILL ends a start that hangs.  If the start
 * fails later, the child is gone before the event can be read: no wait finds it, and there was no
 * SIGCHLD.
 *
 * All functions are thread-safe, may be used on the same descriptor by several
 * threads, return 0 or an error number, and do not set errno.
 *
 * Since kspawn 0.2; of this library only.
 */
#ifndef KSPAWN_SPAWN_ASYNC_H
#define KSPAWN_SPAWN_ASYNC_H

#include <kspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a completion descriptor.
 *
 * It is close-on-exec, and the caller's to close.  It polls readable while there is
 * an event.  Starts that are under way when it is closed go on; their events go with
 * it.
 *
 * @param[out] completion where to put the descriptor; left as it is on failure
 * @param[in]  capacity   how many starts may be under way or unread at a time: 1 to
 *                        KSPAWN_EVENTS_MAX.  Through libc it is
 *                        rounded up to what pages of a pipe hold, 340 at least
 * @param[in]  flags      O_NONBLOCK: kspawn_completion_read_np() does not wait; or 0
 * @return 0, or an error number, and kspawn_last_failure() tells more:
 *   - EINVAL: completion is NULL, or capacity or flags are none of those
 *   - ENOSYS: the kernel is required, and cannot be asked; see kspawn_spawn()
 *   - EPERM: the kernel is required, and refuses the caller, which runs under seccomp or
 *     may use I/O ports (ioperm(2), iopl(2))
 *   - EMFILE, ENFILE, ENOMEM
 *   - EPERM: through libc, 24 bytes times the capacity are more than an unprivileged
 *     user may have in a pipe (/proc/sys/fs/pipe-max-size)
 *   - ENOENT: through libc, /proc is not mounted
 *
 * Through libc (<kspawn/backend.h>) it is a pipe of its own, and each start waits until
 * the program has been executed.  A descriptor belongs to the backend that was in
 * effect when it was made.
 */
KSPAWN_API int kspawn_completion_open_np(int* completion, unsigned int capacity,
                                         int flags) KSPAWN_NOEXCEPT;

/**
 * Read events, which are struct kspawn_event of <kspawn/uapi.h>.
 *
 * Each event is read once.  read(2) into an array of struct kspawn_event
 * does the same, as long as its size is a multiple of the structure's.
 *
 * @param[in]  completion the descriptor
 * @param[out] events     where to put them
 * @param[in]  size       how many fit
 * @param[out] count      how many there were, at least 1; 0 on failure
 * @return 0 or
 *   - EINVAL: events or count is NULL, or size is 0
 *   - EAGAIN: there is none, and the descriptor has O_NONBLOCK
 *   - EINTR: a signal was handled while there was none
 *   - EBADF: not an open descriptor, or what it has are no events
 */
KSPAWN_API int kspawn_completion_read_np(int completion, struct kspawn_event* events, size_t size,
                                         size_t* count) KSPAWN_NOEXCEPT;

/**
 * Start a program without waiting until it has been executed.
 *
 * The call returns when there is a child.  Nothing of what it was given need be kept,
 * except for kspawn_strevent_np().  After success there will be one event.
 *
 * @param[out] pid        the child's process ID; left as it is on failure; NULL if not
 *                        wanted.  It is stored before a signal handler of the calling
 *                        thread can run
 * @param[out] pidfd      a pidfd of the child, close-on-exec and the caller's to close;
 *                        left as it is on failure; NULL if not wanted
 * @param[in]  completion where the event is to go
 * @param[in]  cookie     what it is to say; any number
 * @param[in]  file       the program; one with a '/' is taken as it is
 * @param[in]  search     directories to search it in, separated by ':', as
 *                        kspawn_spawnp() takes them from PATH; NULL: no search
 *
 * The other parameters are those of kspawn_spawn().
 *
 * @return 0, or an error number; then there is no child, and there will be no event.
 * Errors that can be known before there is a child are told so, such as ENOENT for a
 * program that is not there.  They are those of kspawn_spawn() and
 * kspawn_pidfd_spawn(), and
 *   - EBADF: completion is not a completion descriptor (step
 *     KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION), or one that was made for
 *     the other backend
 *   - EPERM (step KSPAWN_STEP_POLICY): it was made for the kernel, which refuses the
 *     caller since that runs under seccomp or may use I/O ports.  Unless the kernel is
 *     required, one that is made now is for libc
 *   - EAGAIN: as many starts as it has room for are under way or unread (the same
 *     step); read some events
 */
KSPAWN_API int kspawn_spawn_async_np(pid_t* pid, int* pidfd, int completion,
                                     unsigned long long cookie, const char* file,
                                     const char* search,
                                     const kspawn_spawn_file_actions_t* file_actions,
                                     const kspawn_spawnattr_t* attributes, char* const argv[],
                                     char* const envp[]) KSPAWN_NOEXCEPT;

/**
 * Say in words what an event tells of a failed start, as kspawn_strfailure() does for
 * one that the call itself told of.
 *
 * @param[in]  event        the event
 * @param[in]  file         what was to be started, as kspawn_spawn_async_np() was given
 *                          it, here and below
 * @param[in]  search       or NULL
 * @param[in]  file_actions or NULL
 * @param[in]  attributes   or NULL
 * @param[out] buffer       where to put the words, always with a NUL if size is not 0;
 *                          empty if the event tells of no failure
 * @param[in]  size         of buffer in bytes; KSPAWN_FAILURE_WORDS_MAX is enough.
 *                          Words that do not fit are cut
 * @return 0; EINVAL: event or buffer is NULL, size is 0, or an object is not valid
 */
KSPAWN_API int kspawn_strevent_np(const struct kspawn_event* event, const char* file,
                                  const char* search,
                                  const kspawn_spawn_file_actions_t* file_actions,
                                  const kspawn_spawnattr_t* attributes, char* buffer,
                                  size_t size) KSPAWN_NOEXCEPT;

/**
 * Make the failed start that an event tells of the calling thread's last failure, as if
 * the call had told it: the functions of <kspawn/failure.h> say it then.
 *
 * @param event        the event; one that tells of no failure changes nothing
 * @param file         what was to be started, as kspawn_spawn_async_np() was given it,
 *                     here and below
 * @param search       or NULL
 * @param file_actions or NULL
 * @param attributes   or NULL
 * @return 0; EINVAL: event is NULL, or an object is not valid
 */
KSPAWN_API int kspawn_remember_event_np(const struct kspawn_event* event, const char* file,
                                        const char* search,
                                        const kspawn_spawn_file_actions_t* file_actions,
                                        const kspawn_spawnattr_t* attributes) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_SPAWN_ASYNC_H */
