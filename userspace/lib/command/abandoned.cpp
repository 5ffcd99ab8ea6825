// SPDX-License-Identifier: LGPL-2.1-or-later
// Children whose Child is gone, until they have ended.
//
// The list is a stack without a lock: a lock could be held by another thread
// while this one forks, and would be held in the new process for ever.
#include <sys/wait.h>

#include <atomic>

#include "child_state.hpp"

namespace kspawn {

namespace {

constinit std::atomic<Child::State*> abandoned{nullptr};

void push(std::unique_ptr<Child::State> state) noexcept {
    Child::State* const node = state.release();
    node->next = abandoned.load(std::memory_order_relaxed);
    while (!abandoned.compare_exchange_weak(node->next, node, std::memory_order_release,
                                            std::memory_order_relaxed)) {
    }
}

// An error is ECHILD: somebody else has reaped it, or it is the child of the
// process that this one was forked from.
bool gone(Child::State& state) noexcept {
    std::error_code error;
    return state.reap(WNOHANG, error) || error;
}

} // namespace

std::size_t reap_abandoned() noexcept {
    // Taken as a whole: nobody else looks at these meanwhile.
    Child::State* next = abandoned.exchange(nullptr, std::memory_order_acquire);
    std::size_t running = 0;
    while (next != nullptr) {
        std::unique_ptr<Child::State> state(next);
        next = state->next;
        if (gone(*state))
            continue;
        push(std::move(state));
        ++running;
    }
    return running;
}

void internal::abandon(std::unique_ptr<Child::State> state) noexcept {
    if (state != nullptr && !state->status && !gone(*state))
        push(std::move(state));
    reap_abandoned();
}

} // namespace kspawn
