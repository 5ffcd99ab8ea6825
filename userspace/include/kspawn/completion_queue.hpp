// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Asynchronous starts: what becomes of them, told in an event loop.
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_COMPLETION_QUEUE_HPP
#define KSPAWN_COMPLETION_QUEUE_HPP

#include <kspawn/base.hpp>

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <kspawn/child.hpp>
#include <kspawn/error.hpp>

namespace kspawn {

class Command;

/** The outcome of an asynchronous start: a child that runs its program, or why not. */
class [[nodiscard]] SpawnResult {
public:
    /** @param child which has executed its program, or was killed before it did */
    explicit SpawnResult(Child child) : child_(std::move(child)) {}
    /** @param error why there is no child */
    explicit SpawnResult(SpawnError error) : error_(std::move(error)) {}

    /** @return whether there is a child */
    explicit operator bool() const noexcept { return !error_; }

    /** @return the child
     *  @throws SpawnError if there is none */
    [[nodiscard]] Child value() && {
        if (error_)
            throw SpawnError(*error_);
        return std::move(child_);
    }
    /** @copydoc value() */
    [[nodiscard]] Child& value() & {
        if (error_)
            throw SpawnError(*error_);
        return child_;
    }

    /** @return why there is no child; null: there is one */
    [[nodiscard]] const SpawnError* error() const noexcept { return error_ ? &*error_ : nullptr; }

private:
    Child child_;
    std::optional<SpawnError> error_;
};

/** A function that CompletionQueue::dispatch() calls when a start has succeeded or failed. */
using SpawnHandler = std::function<void(SpawnResult)>;

/**
 * Asynchronous starts that are under way: a completion descriptor of
 * <kspawn/spawn_async.h>, and what is to be done with each of its events.
 *
 *     kspawn::CompletionQueue queue;
 *     kspawn::Command("make").spawn_async(queue, [](kspawn::SpawnResult result) {
 *         if (result)
 *             children.push_back(std::move(result).value());
 *         else
 *             std::cerr << result.error()->what() << '\n';
 *     });
 *     ...                // when queue.descriptor() is readable:
 *     queue.dispatch();  // calls the handlers
 *
 * Nothing is called behind the program's back: handlers run inside dispatch() and
 * wait(), in the thread that calls these.  All functions may be called by several
 * threads at once, and by handlers; a handler may destroy the queue that calls it.
 *
 * The destructor does not wait.  Starts that are under way go on; their handlers are
 * destroyed without being called, and their children let go of as by the destructor of
 * Child.  A coroutine that waits for one is never resumed: whoever has started it
 * destroys it.
 *
 * Through libc (see <kspawn/spawn_async.h>) a start waits until its program has been
 * executed, and all its failures are known at once.
 */
class KSPAWN_API CompletionQueue {
public:
    /** A start that is under way; for the library itself. */
    struct Operation;

    /**
     * @param capacity how many starts may be under way or not dispatched at a time; 1 to
     *                 65,536.  One more fails with EAGAIN
     * @throws SpawnError with the errors of kspawn_completion_open_np(), which
     *         kspawn_last_failure() tells as well; at Step::prepare, EMFILE, ENFILE or
     *         ENOMEM: there is no room for a second descriptor, by which wait() is told
     *         that nothing is under way any more
     */
    explicit CompletionQueue(unsigned capacity = 1024);
    CompletionQueue(const CompletionQueue&) = delete;
    CompletionQueue& operator=(const CompletionQueue&) = delete;
    CompletionQueue(CompletionQueue&&) = delete;
    CompletionQueue& operator=(CompletionQueue&&) = delete;
    /** See above. */
    ~CompletionQueue();

    /**
     * @return a descriptor, owned by this object and non-blocking, that is readable for
     * poll(), epoll, io_uring and their like while dispatch() has something to do
     */
    [[nodiscard]] int descriptor() const noexcept;

    /** @return how many starts are under way or not dispatched */
    [[nodiscard]] std::size_t pending() const;

    /**
     * Send a signal to the child of a start that is under way or not dispatched, through
     * its pidfd, so that it cannot reach another process.  Until its program has been
     * executed, such a child blocks all signals but SIGKILL and SIGSTOP.
     *
     * @param pid    what Command::spawn_async() returned
     * @param signal a signal number
     * @return whether it was sent; false: the start has been dispatched or was not this
     *         queue's, or the child has ended
     */
    bool kill(pid_t pid, int signal);

    /**
     * Call the handlers of all starts that have succeeded or failed, and of those that do
     * so meanwhile.  It does not wait.
     *
     * @return how many were dispatched, those without a handler or whose coroutine has
     *         gone included
     * @throws whatever a handler throws; the others are called by the next dispatch().
     *         std::bad_alloc: there is no memory for the words of a failure; the next
     *         dispatch() or wait() tries again, though the descriptor is not readable.
     *         std::system_error with the errors of kspawn_completion_read_np()
     */
    std::size_t dispatch();

    /**
     * Wait until there is something to dispatch, and dispatch() it.
     *
     * It returns as well when nothing is under way any more: another thread has dispatched
     * the last start, a start has failed at once, or the queue was destroyed.
     *
     * @return as dispatch(); 0: nothing was under way, or nothing is any more
     * @throws as dispatch()
     */
    std::size_t wait();

    /** The starts that are under way; for the library itself. */
    class State;

private:
    friend struct internal::Access;

    std::shared_ptr<State> state_; // a handler that destroys the queue is called by it
};

} // namespace kspawn

#endif // KSPAWN_COMPLETION_QUEUE_HPP
