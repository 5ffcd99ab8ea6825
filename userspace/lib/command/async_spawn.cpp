// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/async_spawn.hpp>

#include <utility>

#include "checked.hpp"
#include "completion_queue_state.hpp"
#include "failure.hpp"

namespace kspawn {

pid_t Command::spawn_async(CompletionQueue& queue, SpawnHandler handler) const {
    Failure failure;
    const auto state = queue.state_; // a handler in another thread may destroy the queue
    const pid_t pid = start_async(*state, state->add(std::move(handler)), failure);
    failure.throw_if_any();
    return pid;
}

pid_t Command::spawn_async(CompletionQueue& queue, SpawnHandler handler,
                           std::error_code& error) const {
    Failure failure;
    const auto state = queue.state_; // a handler in another thread may destroy the queue
    const pid_t pid = start_async(*state, state->add(std::move(handler)), failure);
    error = internal::error_of(failure.error);
    return pid;
}

AsyncSpawn Command::spawn_async(CompletionQueue& queue) const {
    return {queue, *this};
}

AsyncSpawn::~AsyncSpawn() {
    if (cookie_ != 0 && !result_)
        queue_->forget(cookie_);
}

bool AsyncSpawn::await_suspend(std::coroutine_handle<> waiting) {
    Command::Failure failure;
    // The queue may go as this does.
    const auto queue = queue_;
    auto& state = *queue;
    cookie_ = state.add([this, waiting](SpawnResult result) {
        result_ = std::move(result);
        waiting.resume();
    });
    if (command_.start_async(state, cookie_, failure) != 0) {
        // Another thread may have resumed the coroutine by now, and this be gone.
        return true;
    }
    result_.emplace(failure.to_error());
    return false;
}

} // namespace kspawn
