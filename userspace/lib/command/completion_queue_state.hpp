// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_COMPLETION_QUEUE_STATE_HPP
#define KSPAWN_LIB_COMMAND_COMPLETION_QUEUE_STATE_HPP

#include <kspawn/completion_queue.hpp>
#include <kspawn/spawn_async.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "objects.hpp"

namespace kspawn {

/// One start: what to call when its event comes, and what the words of a failure are
/// made from.
struct CompletionQueue::Operation {
    SpawnHandler handler;
    Child child;
    std::string program;
    std::optional<std::string> search;
    internal::FileActions actions;
    kspawn_spawnattr_t attributes{};
    bool started = false; ///< the call that starts it has returned
};

/// The descriptor, and the starts that are under way, by their cookies.
class CompletionQueue::State {
public:
    explicit State(unsigned capacity);

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    [[nodiscard]] std::size_t pending() const;

    /// A cookie for a new start.
    std::uint64_t add(SpawnHandler handler);
    /// There is a child: its event can be dispatched from here on.
    void started(std::uint64_t cookie, Operation operation);
    /// There will be no event, or nobody waits for it.
    void remove(std::uint64_t cookie);
    /// The handler is not to be called any more; the event is still to come.
    void forget(std::uint64_t cookie);

    bool kill(pid_t pid, int signal);

    std::size_t dispatch();
    std::size_t wait();

    /// Nobody is left to call handlers for.
    void close();

private:
    bool read(kspawn_event& event) const;
    std::optional<Operation> take(std::uint64_t cookie);
    [[nodiscard]] bool closed() const;

    FileDescriptor descriptor_;
    mutable std::mutex mutex_;
    std::condition_variable started_; // an event may be faster than the call it is of
    bool closed_ = false;
    std::uint64_t last_cookie_ = 0;
    std::unordered_map<std::uint64_t, Operation> operations_;
};

} // namespace kspawn

#endif
