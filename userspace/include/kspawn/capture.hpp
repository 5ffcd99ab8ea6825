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

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <kspawn/base.h>
#include <kspawn/child.hpp>
#include <kspawn/command.hpp>
#include <kspawn/file_descriptor.hpp>

namespace kspawn {

/**
 * A tool call that is under way.  Move-only; different objects may be used by different
 * threads at once.
 *
 * The destructor ends one that is not over, by SIGKILL, and waits until nothing of it is left.
 */
class KSPAWN_API Capture {
public:
    Capture(Capture&&) noexcept;
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

private:
    friend class Command;
    struct State;
    explicit Capture(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

/** What CaptureQueue::dispatch() calls with a call that is over. */
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
    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }
    /** @return how many calls are under way */
    [[nodiscard]] std::size_t pending() const noexcept { return calls_.size(); }

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
    std::size_t dispatch() { return serve(0); }
    /**
     * The same, but wait until there is something to serve.
     *
     * @return as dispatch(), which can be 0
     */
    std::size_t wait() { return pending() == 0 ? 0 : serve(-1); }

private:
    friend class AsyncCapture;
    struct Call {
        Capture capture;
        CaptureHandler handler;
    };

    std::uint64_t add(const Command& command, CaptureHandler handler);
    void forget(std::uint64_t number) noexcept { calls_.erase(number); }
    std::size_t serve(int timeout);

    FileDescriptor epoll_;
    std::map<std::uint64_t, Call> calls_;
    std::uint64_t last_ = 0;
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
    [[nodiscard]] Output await_resume() { return capture_->output(); }

private:
    friend class Command;
    AsyncCapture(CaptureQueue& queue, Command command)
        : queue_(queue), command_(std::move(command)) {}

    CaptureQueue& queue_;
    Command command_;
    std::uint64_t number_ = 0; // 0: nothing is under way
    std::optional<Capture> capture_;
};

} // namespace kspawn

#endif // KSPAWN_CAPTURE_HPP
