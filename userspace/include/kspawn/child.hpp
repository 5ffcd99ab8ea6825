// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * A child process, held by its pidfd.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_CHILD_HPP
#define KSPAWN_CHILD_HPP

#include <kspawn/base.hpp>

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <kspawn/exit_status.hpp>
#include <kspawn/file_descriptor.hpp>

namespace kspawn {

/** The output of a program, and how the program ended. */
struct Output {
    ExitStatus status; /**< how it ended */
    std::string out;   /**< what it wrote to its standard output, if that was piped */
    std::string err;   /**< what it wrote to its standard error, if that was piped */
    /** @name Of Command::capture() alone (since kspawn 0.2) */
    /**@{*/
    bool timed_out = false; /**< the time limit was over first */
    bool truncated = false; /**< there was more than Command::output_limit() */
    struct rusage usage {}; /**< what it has used, with the children it waited for */
    /**@}*/
};

/**
 * A child process.  Move-only.
 *
 * The process is held by a pidfd, so that neither a wait nor a signal can reach
 * another one that has been given the same process ID since.
 *
 * **The destructor.**  It neither kills the child nor waits for it:
 * a program that ends early must not take its children with it unless told to,
 * and a destructor that blocks until some other program ends (as that of
 * std::jthread would) turns an exception into a hang.  Nor does it leave a zombie
 * behind for good (as Rust's would): a child that has ended by then is reaped,
 * and one that has not is put on a list, to be reaped when it is found to have
 * ended.  The list is looked through by reap_abandoned(), and by the starts of a Command
 * and the destructors: whenever there were more of these since the last time than children
 * were running in it then.  So each of them costs the same however long the list is, and
 * there are never more zombies of this kind than twice that number, and one.
 * There is no thread and no signal handler behind it.
 *
 * If the program ignores SIGCHLD, or waits for any child elsewhere, the child may have
 * been reaped before its status is asked for.  Linux 6.15 and later keep the status of a
 * process as long as there is a pidfd of it (PIDFD_GET_INFO), and waits return it (since
 * kspawn 0.2).  On older kernels it is gone, and waits fail with ECHILD.
 *
 * Different objects may be used by different threads at once, one object may not,
 * but for pid(), pidfd() and kill().
 *
 * The functions that take a std::error_code do not throw for errors of the
 * operating system: they set it, or clear it after success.  The others throw
 * std::system_error.
 *
 * No function is a cancellation point: a thread that is cancelled (pthread_cancel())
 * while it waits here is cancelled after the wait.
 */
class KSPAWN_API Child {
public:
    /** No child: only assignment, destruction and operator bool are of use. */
    Child() noexcept;
    /** The other has then no child. */
    Child(Child&&) noexcept;
    /** The child that was here before is let go as by the destructor. */
    Child& operator=(Child&&) noexcept;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    /** See above. */
    ~Child();

    /** @return whether there is a child, running or not */
    explicit operator bool() const noexcept;

    /** @return its process ID, which may be another's once the child was waited for; 0: none */
    [[nodiscard]] pid_t pid() const noexcept;
    /**
     * @return its pidfd, owned by this object; it becomes readable for poll(),
     * epoll and their like when the child ends, after which wait() does not block.
     * Negative: none.  See pidfd_open(2)
     */
    [[nodiscard]] int pidfd() const noexcept;

    /**
     * Wait until the child ends, and reap it.
     *
     * The pipe to its standard input is closed first, as a child that reads up to
     * the end would wait for that.  Nothing is read: a child that fills a pipe
     * waits for somebody to do it, see wait_with_output().  Once the status is
     * known, every further call returns it again.
     *
     * @return how it ended
     * @throws std::system_error ECHILD: there is no child; or it is that of the process that
     *         this one was forked from, and runs; or somebody else has reaped it, and the
     *         kernel is older than 6.15
     */
    ExitStatus wait();
    /** @copydoc wait() */
    ExitStatus wait(std::error_code& error) noexcept;

    /**
     * wait(), but only if that does not block.  No pipe is closed.
     *
     * @return how it ended; nothing: it still runs
     * @throws std::system_error as wait()
     */
    std::optional<ExitStatus> try_wait();
    /** @copydoc try_wait() */
    std::optional<ExitStatus> try_wait(std::error_code& error) noexcept;

    /**
     * wait() until a point in time of the steady clock.  No pipe is closed.
     *
     * @return how it ended; nothing: it still runs
     * @throws std::system_error as wait()
     */
    std::optional<ExitStatus> wait_until(std::chrono::steady_clock::time_point deadline);
    /** @copydoc wait_until(std::chrono::steady_clock::time_point) */
    std::optional<ExitStatus> wait_until(std::chrono::steady_clock::time_point deadline,
                                         std::error_code& error) noexcept;

    /**
     * wait() for some time.  No pipe is closed.
     *
     * @param duration of any std::chrono kind; a negative one is as zero
     * @return how it ended; nothing: it still runs
     * @throws std::system_error as wait()
     */
    template <class Rep, class Period>
    std::optional<ExitStatus> wait_for(std::chrono::duration<Rep, Period> duration) {
        return wait_until(after(duration));
    }
    /** @copydoc wait_for(std::chrono::duration<Rep, Period>) */
    template <class Rep, class Period>
    std::optional<ExitStatus> wait_for(std::chrono::duration<Rep, Period> duration,
                                       std::error_code& error) noexcept {
        return wait_until(after(duration), error);
    }

    /**
     * Send a signal, through the pidfd.
     *
     * @param signal a signal number; 0 only asks whether the child is there
     * @throws std::system_error ESRCH: the child was reaped, or there is none;
     *         EINVAL: no such signal; EPERM: it has gained privileges since
     */
    void kill(int signal = SIGKILL);
    /** @copydoc kill(int) */
    void kill(int signal, std::error_code& error) noexcept;

    /**
     * Have it end: SIGTERM, and after a grace SIGKILL; then wait() for it.
     *
     * @param grace of any std::chrono kind; a negative one is as zero
     * @return how it ended
     * @throws std::system_error as wait(); EPERM: it has gained privileges since
     *
     * Since kspawn 0.2.
     */
    template <class Rep, class Period>
    ExitStatus terminate(std::chrono::duration<Rep, Period> grace) {
        return terminate_until(after(grace));
    }

    /** @return our end of the pipe to its standard input; an empty one if it has none */
    [[nodiscard]] FileDescriptor& stdin_pipe() noexcept { return pipe(0); }
    /** @return our end of the pipe from its standard output; an empty one if it has none */
    [[nodiscard]] FileDescriptor& stdout_pipe() noexcept { return pipe(1); }
    /** @return our end of the pipe from its standard error; an empty one if it has none */
    [[nodiscard]] FileDescriptor& stderr_pipe() noexcept { return pipe(2); }
    /**
     * @param child_number a descriptor of the child that Command::descriptor() made
     *                     a pipe.  Our ends are close-on-exec and may be moved from
     * @return our end of it; an empty one if it is no pipe
     */
    [[nodiscard]] FileDescriptor& pipe(int child_number) noexcept;

    /**
     * Write to its standard input, read its standard output and error up to
     * their ends, all at once, and wait.
     *
     * Only pipes that are still there take part, and pipes of other numbers do
     * not.  The pipes end when nobody has their other end open, which a process
     * that the child has left running can delay.  A child that does not read all
     * of the input is no error.  One poll() loop does it; SIGPIPE is not sent.
     *
     * @param input what to write; if there is no pipe to write it to, nothing is
     * @return what was read, and how the child ended
     * @throws std::system_error as wait(), read(2), write(2)
     */
    Output wait_with_output(std::string_view input = {});
    /** The same; what was read before an error is returned with it. */
    Output wait_with_output(std::string_view input, std::error_code& error);

    /** Let go of the child and its pipes as the destructor does; this object is then empty. */
    void detach() noexcept;

    /** A process, its pipes, and how it ended; for the library itself. */
    struct State;

private:
    friend struct internal::Access;

    KSPAWN_HIDDEN explicit Child(std::unique_ptr<State> state) noexcept;
    ExitStatus terminate_until(std::chrono::steady_clock::time_point deadline);

    template <class Rep, class Period>
    static std::chrono::steady_clock::time_point
    after(std::chrono::duration<Rep, Period> duration) noexcept {
        using Clock = std::chrono::steady_clock;
        const auto now = Clock::now();
        const std::chrono::duration<double> wanted = duration;
        const std::chrono::duration<double> most = Clock::time_point::max() - now;
        if (wanted >= most)
            return Clock::time_point::max();
        if (wanted.count() <= 0)
            return now;
        return now + std::chrono::ceil<Clock::duration>(duration);
    }

    std::unique_ptr<State> state_;
    FileDescriptor none_; // what pipe() returns for a descriptor that is none
};

/**
 * Reap the children that have ended since their Child was destroyed.
 *
 * For a program that lets go of children and then starts no more.
 *
 * @return how many of them it has found running; those that another thread is looking at
 *         just then are not counted
 */
KSPAWN_API std::size_t reap_abandoned() noexcept;

} // namespace kspawn

#endif // KSPAWN_CHILD_HPP
