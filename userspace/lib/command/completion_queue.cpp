// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/completion_queue.hpp>

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <string>

#include "checked.hpp"
#include "completion_queue_state.hpp"
#include "words_of_failure.hpp"

namespace kspawn {

namespace {

FileDescriptor open_completion(unsigned capacity) {
    int descriptor = -1;
    if (const int error = kspawn_completion_open_np(&descriptor, capacity, O_NONBLOCK); error != 0)
        throw internal::last_failure(error).to_error();
    return FileDescriptor(descriptor);
}

SpawnResult result_of(const kspawn_event& event, CompletionQueue::Operation& operation) {
    if (event.error == 0)
        return SpawnResult(std::move(operation.child));
    std::array<char, KSPAWN_FAILURE_WORDS_MAX> words{};
    kspawn_strevent_np(&event, operation.program.c_str(),
                       operation.search ? operation.search->c_str() : nullptr,
                       operation.actions.get(), &operation.attributes, words.data(), words.size());
    return SpawnResult(SpawnError(event.error, static_cast<Step>(event.step), event.index,
                                  internal::without_error(words.data(), event.error)));
}

} // namespace

CompletionQueue::State::State(unsigned capacity) : descriptor_(open_completion(capacity)) {}

std::size_t CompletionQueue::State::pending() const {
    const std::lock_guard lock(mutex_);
    return operations_.size();
}

std::uint64_t CompletionQueue::State::add(SpawnHandler handler) {
    const std::lock_guard lock(mutex_);
    Operation operation;
    operation.handler = std::move(handler);
    operations_.emplace(++last_cookie_, std::move(operation));
    return last_cookie_;
}

void CompletionQueue::State::started(std::uint64_t cookie, Operation operation) {
    const std::lock_guard lock(mutex_);
    const auto found = operations_.find(cookie);
    if (found == operations_.end())
        return; // the queue has gone
    operation.handler = std::move(found->second.handler);
    operation.started = true;
    found->second = std::move(operation);
    started_.notify_all();
}

void CompletionQueue::State::remove(std::uint64_t cookie) {
    const std::lock_guard lock(mutex_);
    operations_.erase(cookie);
}

void CompletionQueue::State::forget(std::uint64_t cookie) {
    const std::lock_guard lock(mutex_);
    if (const auto found = operations_.find(cookie); found != operations_.end())
        found->second.handler = nullptr;
}

bool CompletionQueue::State::kill(pid_t pid, int signal) {
    const std::lock_guard lock(mutex_);
    for (auto& [cookie, operation] : operations_) {
        if (operation.child.pid() != pid)
            continue;
        std::error_code error;
        operation.child.kill(signal, error);
        return !error;
    }
    return false;
}

void CompletionQueue::State::close() {
    std::unordered_map<std::uint64_t, Operation> left;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        left.swap(operations_);
        started_.notify_all();
    }
    // What the handlers hold is destroyed without the lock.
}

bool CompletionQueue::State::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

// Nothing: the queue has gone.
std::optional<CompletionQueue::Operation> CompletionQueue::State::take(std::uint64_t cookie) {
    std::unique_lock lock(mutex_);
    auto found = operations_.end();
    started_.wait(lock, [&] {
        found = operations_.find(cookie);
        return closed_ || (found != operations_.end() && found->second.started);
    });
    if (closed_)
        return std::nullopt;
    auto taken = std::move(found->second);
    operations_.erase(found);
    return taken;
}

bool CompletionQueue::State::read(kspawn_event& event) const {
    for (;;) {
        std::size_t count = 0;
        const int error = kspawn_completion_read_np(descriptor(), &event, 1, &count);
        if (error == 0)
            return true;
        if (error == EAGAIN)
            return false;
        if (error != EINTR)
            throw std::system_error(internal::error_of(error), "completion descriptor");
    }
}

std::size_t CompletionQueue::State::dispatch() {
    std::size_t count = 0;
    // One at a time: if a handler throws, the rest is still to be read.
    for (kspawn_event event{}; !closed() && read(event); ++count) {
        auto operation = take(event.cookie);
        if (!operation)
            break;
        if (operation->handler != nullptr)
            operation->handler(result_of(event, *operation));
    }
    return count;
}

std::size_t CompletionQueue::State::wait() {
    for (;;) {
        const auto count = dispatch();
        if (count != 0 || pending() == 0)
            return count;
        pollfd entry{.fd = descriptor(), .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, -1) < 0 && errno != EINTR)
            throw std::system_error(internal::last_error(), "poll");
    }
}

CompletionQueue::CompletionQueue(unsigned capacity) : state_(std::make_shared<State>(capacity)) {}

CompletionQueue::~CompletionQueue() {
    state_->close();
}

int CompletionQueue::descriptor() const noexcept {
    return state_->descriptor();
}

std::size_t CompletionQueue::pending() const {
    return state_->pending();
}

bool CompletionQueue::kill(pid_t pid, int signal) {
    return state_->kill(pid, signal);
}

std::size_t CompletionQueue::dispatch() {
    const auto state = state_;
    return state->dispatch();
}

std::size_t CompletionQueue::wait() {
    const auto state = state_;
    return state->wait();
}

} // namespace kspawn
