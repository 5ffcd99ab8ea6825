// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/async_spawn.hpp>

#include <cstdint>
#include <optional>
#include <utility>

#include "checked.hpp"
#include "command_state.hpp"
#include "completion_queue_state.hpp"

namespace kspawn {

pid_t Command::spawn_async(CompletionQueue& queue, SpawnHandler handler) const {
    internal::Failure failure;
    const auto state =
        internal::Access::pointer(queue); // a handler in another thread may destroy the queue
    const pid_t pid = state_->start_async(*state, state->add(std::move(handler)), failure);
    failure.throw_if_any();
    return pid;
}

pid_t Command::spawn_async(CompletionQueue& queue, SpawnHandler handler,
                           std::error_code& error) const {
    internal::Failure failure;
    const auto state =
        internal::Access::pointer(queue); // a handler in another thread may destroy the queue
    const pid_t pid = state_->start_async(*state, state->add(std::move(handler)), failure);
    error = internal::error_of(failure.error);
    return pid;
}

/// The queue may go before the start is over, and the command while it is made.
struct KSPAWN_HIDDEN AsyncSpawn::State {
    std::shared_ptr<CompletionQueue::State> queue;
    Command command;
    std::uint64_t cookie = 0; // 0: nothing is under way
    std::optional<SpawnResult> result{};
};

AsyncSpawn Command::spawn_async(CompletionQueue& queue) const {
    auto state = std::make_unique<AsyncSpawn::State>(
        AsyncSpawn::State{.queue = internal::Access::pointer(queue), .command = *this});
    return internal::Access::make<AsyncSpawn>(std::move(state));
}

AsyncSpawn::AsyncSpawn(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

AsyncSpawn::~AsyncSpawn() {
    if (state_->cookie != 0 && !state_->result)
        state_->queue->forget(state_->cookie);
}

bool AsyncSpawn::await_suspend(std::coroutine_handle<> waiting) {
    internal::Failure failure;
    auto& own = *state_;
    // The queue may go as this does.
    const auto queue = own.queue;
    own.cookie = queue->add([&own, waiting](SpawnResult result) {
        own.result = std::move(result);
        waiting.resume();
    });
    if (internal::Access::state(own.command).start_async(*queue, own.cookie, failure) != 0) {
        // Another thread may have resumed the coroutine by now, and this be gone.
        return true;
    }
    own.result.emplace(failure.to_error());
    return false;
}

Child AsyncSpawn::await_resume() {
    return (*std::move(state_->result)).value();
}

} // namespace kspawn
