// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Tool calls in an event loop: Command::capture() without the wait.
 *
 *     kspawn::CaptureQueue queue;
 *     ...
 *     kspawn::Output output = co_await kspawn::Command("rg").arg("x").capture_async(queue);
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_CAPTURE_HPP
#define KSPAWN_CAPTURE_HPP

#include <kspawn/base.hpp>

#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>

#include <kspawn/child.hpp>
#include <kspawn/command.hpp>

namespace kspawn {

/**
 * A tool call that is under way.  Move-only; different objects may be used by different
 * threads at once.
 *
 * The destructor ends one that is not over, by SIGKILL, and waits until nothing of it is left.
 */
class KSPAWN_API Capture {
public:
    /** The other is then only to be assigned to and destroyed. */
    Capture(Capture&&) noexcept;
    /** The call that was here before is ended as by the destructor. */
    Capture& operator=(Capture&&) noexcept;
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture();

    /**
     * @return a descriptor, owned by this object, that is readable for poll(), epoll, io_uring
     * and their like while handle() has something to do: the pipes, the end and the time limit
     * in one
     */
    [[nodiscard]] int descriptor() const noexcept;

    /**
     * Do what can be done without waiting.
     *
     * @return whether the call is over, so that output() does not wait
     */
    bool handle() noexcept;

    /**
     * The result.  To be called once; one that is not over is waited for.
     *
     * @throws SpawnError as Command::capture()
     */
    [[nodiscard]] Output output();
    /** @copydoc output() */
    [[nodiscard]] Output output(std::error_code& error);

    /** The collected output; for the library itself. */
    struct State;

private:
    friend struct internal::Access;
    KSPAWN_HIDDEN explicit Capture(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

/** The function that CaptureQueue::dispatch() calls with a call that is over. */
using CaptureHandler = std::function<void(Capture)>;

/**
 * Tool calls that are under way, in one descriptor.
 *
 * Handlers run, and coroutines are resumed, inside dispatch() and wait(); they may start other
 * calls.  To be used by one thread at a time.  The destructor ends the calls that are under
 * way, and calls no handler.
 */
class KSPAWN_API CaptureQueue {
public:
    /** @throws std::system_error EMFILE, ENFILE, ENOMEM: no descriptor */
    CaptureQueue();
    CaptureQueue(const CaptureQueue&) = delete;
    CaptureQueue& operator=(const CaptureQueue&) = delete;
    CaptureQueue(CaptureQueue&&) = delete;
    CaptureQueue& operator=(CaptureQueue&&) = delete;
    ~CaptureQueue();

    /** @return a descriptor, owned by this object, that is readable while dispatch() has
     *  something to do */
    [[nodiscard]] int descriptor() const noexcept;
    /** @return how many calls are under way */
    [[nodiscard]] std::size_t pending() const noexcept;

    /**
     * Start a program, and have a handler called when all is over.
     *
     * @throws SpawnError as Command::start_capture(); the handler is not called then
     */
    void start(const Command& command, CaptureHandler handler);

    /**
     * Serve the calls, and call the handlers of those that are over.  It does not wait.
     *
     * @return how many were over
     * @throws whatever a handler throws
     */
    std::size_t dispatch();
    /**
     * The same, but wait until there is something to serve.
     *
     * @return as dispatch(), which can be 0
     */
    std::size_t wait();

    /** The calls; for the library itself. */
    class State;

private:
    friend struct internal::Access;

    std::unique_ptr<State> state_;
};

/**
 * A tool call that a coroutine awaits; see Command::capture_async().
 *
 * Nothing happens until it is awaited, once.  A coroutine that is destroyed while it waits ends
 * the call.
 */
class KSPAWN_API AsyncCapture {
public:
    AsyncCapture(const AsyncCapture&) = delete;
    AsyncCapture& operator=(const AsyncCapture&) = delete;
    AsyncCapture(AsyncCapture&&) = delete;
    AsyncCapture& operator=(AsyncCapture&&) = delete;
    ~AsyncCapture();

    /** @return false: no call is over before it has begun */
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    /** Start the program.
     *  @throws SpawnError in the coroutine, as Command::capture() */
    void await_suspend(std::coroutine_handle<> waiting);
    /** @return what came of it
     *  @throws SpawnError as Command::capture() */
    [[nodiscard]] Output await_resume();

    /** The call; for the library itself. */
    struct State;

private:
    friend struct internal::Access;
    KSPAWN_HIDDEN explicit AsyncCapture(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

} // namespace kspawn

#endif // KSPAWN_CAPTURE_HPP
