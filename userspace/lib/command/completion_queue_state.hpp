// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_COMPLETION_QUEUE_STATE_HPP
#define KSPAWN_LIB_COMMAND_COMPLETION_QUEUE_STATE_HPP

#include <kspawn/completion_queue.hpp>
#include <kspawn/spawn_async.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "objects.hpp"

namespace kspawn {

/// One start: what to call when its event comes, and what the words of a failure are
/// made from.
struct KSPAWN_HIDDEN CompletionQueue::Operation {
    SpawnHandler handler;
    Child child;
    std::string program;
    std::optional<std::string> search;
    internal::FileActions actions;
    kspawn_spawnattr_t attributes{};
    bool started = false; ///< the call that starts it has returned
    /// It has been read, but there was no memory for the words of what it tells.
    std::optional<kspawn_event> event;
};

/// The descriptor, and the starts that are under way, by their cookies.
class KSPAWN_HIDDEN CompletionQueue::State {
public:
    explicit State(unsigned capacity);

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    [[nodiscard]] std::size_t pending() const;

    /// A cookie for a new start.
    std::uint64_t add(SpawnHandler handler);
    /// There is a child: its event can be dispatched from here on.
    void started(std::uint64_t cookie, Operation operation);
    /// There will be no event, or nobody waits for it.
    void remove(std::uint64_t cookie) noexcept;
    /// The handler is not to be called any more; the event is still to come.
    void forget(std::uint64_t cookie);

    bool kill(pid_t pid, int signal);

    std::size_t dispatch();
    std::size_t wait();

    /// Nobody is left to call handlers for.
    void close();

private:
    // In the order in which they were started.
    using Operations = std::map<std::uint64_t, Operation>;

    bool next(kspawn_event& event);
    bool read(kspawn_event& event) const;
    Operations::node_type take(std::uint64_t cookie);
    void put_back(Operations::node_type taken, const kspawn_event& event);
    [[nodiscard]] bool closed() const;
    [[nodiscard]] bool idle() const;
    void tell_if_idle();

    FileDescriptor descriptor_;
    // An eventfd that is readable while nothing is under way: whoever waits for an event
    // that another thread has read, or that will never come, waits for this as well.
    FileDescriptor idle_;
    mutable std::mutex mutex_;
    std::condition_variable started_; // an event may be faster than the call it is of
    bool closed_ = false;
    std::uint64_t last_cookie_ = 0;
    Operations operations_;
    std::size_t put_back_ = 0; // of these, those whose event has been read
};

namespace internal {

/// Removes what CompletionQueue::State::add() has added, unless there is a child.
class Registration {
public:
    Registration(CompletionQueue::State& state, std::uint64_t cookie) noexcept
        : state_(&state), cookie_(cookie) {}
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    Registration(Registration&&) = delete;
    Registration& operator=(Registration&&) = delete;
    ~Registration() {
        if (state_ != nullptr)
            state_->remove(cookie_);
    }

    void keep() noexcept { state_ = nullptr; }

private:
    CompletionQueue::State* state_;
    std::uint64_t cookie_;
};

} // namespace internal

} // namespace kspawn

#endif
