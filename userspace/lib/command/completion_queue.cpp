// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/completion_queue.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "checked.hpp"
#include "completion_queue_state.hpp"
#include "failed_step.hpp"

namespace kspawn {

namespace {

FileDescriptor open_completion(unsigned capacity) {
    int descriptor = -1;
    if (const int error = kspawn_completion_open_np(&descriptor, capacity, O_NONBLOCK); error != 0)
        throw internal::last_failure(error).to_error();
    return FileDescriptor(descriptor);
}

FileDescriptor open_idle() {
    FileDescriptor idle(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!idle)
        throw SpawnError(errno, Step::prepare, 0, "eventfd of a completion queue");
    return idle;
}

// If it throws, the operation is as it was.
SpawnResult result_of(const kspawn_event& event, CompletionQueue::Operation& operation) {
    if (event.error == 0)
        return SpawnResult(std::move(operation.child));
    kspawn_remember_event_np(&event, operation.program.c_str(),
                             operation.search ? operation.search->c_str() : nullptr,
                             operation.actions.get(), &operation.attributes);
    return SpawnResult(internal::last_failure(event.error).to_error());
}

} // namespace

CompletionQueue::State::State(unsigned capacity)
    : descriptor_(open_completion(capacity)), idle_(open_idle()) {}

std::size_t CompletionQueue::State::pending() const {
    const std::lock_guard lock(mutex_);
    return operations_.size();
}

// With the lock.  The eventfd holds 1 or 0, so that neither can block or fail.
void CompletionQueue::State::tell_if_idle() {
    if (operations_.empty())
        ::eventfd_write(idle_.get(), 1);
}

std::uint64_t CompletionQueue::State::add(SpawnHandler handler) {
    const std::lock_guard lock(mutex_);
    Operation operation;
    operation.handler = std::move(handler);
    operations_.emplace(++last_cookie_, std::move(operation));
    eventfd_t value = 0;
    if (!closed_)
        ::eventfd_read(idle_.get(), &value);
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

void CompletionQueue::State::remove(std::uint64_t cookie) noexcept {
    Operations::node_type removed;
    const std::lock_guard lock(mutex_);
    removed = operations_.extract(cookie);
    if (!removed.empty())
        tell_if_idle();
    // The handler, with all that it holds, is destroyed without the lock.
}

void CompletionQueue::State::forget(std::uint64_t cookie) {
    const std::lock_guard lock(mutex_);
    if (const auto found = operations_.find(cookie); found != operations_.end())
        found->second.handler = nullptr;
}

bool CompletionQueue::State::kill(pid_t pid, int signal) {
    const std::lock_guard lock(mutex_);
    // A child that somebody else has reaped has given up its number, which another may
    // have by now.
    return std::ranges::any_of(operations_, [&](auto& entry) {
        auto& child = entry.second.child;
        std::error_code error;
        if (child.pid() != pid)
            return false;
        child.kill(signal, error);
        return !error;
    });
}

void CompletionQueue::State::close() {
    Operations left;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        left.swap(operations_);
        if (!left.empty())
            tell_if_idle();
        started_.notify_all();
    }
    // The handlers, with all that they hold, are destroyed without the lock.
}

bool CompletionQueue::State::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

bool CompletionQueue::State::idle() const {
    const std::lock_guard lock(mutex_);
    return closed_ || operations_.empty();
}

// Empty: the queue has gone.
CompletionQueue::State::Operations::node_type CompletionQueue::State::take(std::uint64_t cookie) {
    std::unique_lock lock(mutex_);
    auto found = operations_.end();
    started_.wait(lock, [&] {
        found = operations_.find(cookie);
        return closed_ || (found != operations_.end() && found->second.started);
    });
    if (closed_)
        return {};
    auto taken = operations_.extract(found);
    tell_if_idle();
    return taken;
}

void CompletionQueue::State::put_back(Operations::node_type taken, const kspawn_event& event) {
    const std::lock_guard lock(mutex_);
    if (closed_)
        return;
    taken.mapped().event = event;
    operations_.insert(std::move(taken));
    ++put_back_;
    eventfd_t value = 0;
    ::eventfd_read(idle_.get(), &value);
}

// Events that were put back come first.
bool CompletionQueue::State::next(kspawn_event& event) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = put_back_ == 0
                               ? operations_.end()
                               : std::ranges::find_if(operations_, [](const auto& entry) {
                                     return entry.second.event.has_value();
                                 });
        if (found != operations_.end()) {
            event = *std::exchange(found->second.event, std::nullopt);
            --put_back_;
            return true;
        }
    }
    return read(event);
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
    for (kspawn_event event{}; !closed() && next(event); ++count) {
        auto taken = take(event.cookie);
        if (taken.empty())
            break;
        auto& operation = taken.mapped();
        if (operation.handler == nullptr)
            continue;
        std::optional<SpawnResult> result;
        try {
            result.emplace(result_of(event, operation));
        } catch (...) {
            put_back(std::move(taken), event);
            throw;
        }
        operation.handler(*std::move(result));
    }
    return count;
}

std::size_t CompletionQueue::State::wait() {
    for (;;) {
        const auto count = dispatch();
        if (count != 0 || idle())
            return count;
        std::array<pollfd, 2> entries{{{.fd = descriptor(), .events = POLLIN, .revents = 0},
                                       {.fd = idle_.get(), .events = POLLIN, .revents = 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR)
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
