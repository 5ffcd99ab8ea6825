// SPDX-License-Identifier: LGPL-2.1-or-later
// Children whose Child is gone, until they have ended.
//
// The list is a stack without a lock: a lock could be held by another thread
// while this one forks, and would be held in the new process for ever.
#include <sys/wait.h>

#include <atomic>

#include "../cancel_guard.hpp"
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

// The number of those that the last look at the list has found running, and how many calls of
// reap_some_abandoned() there were since.  Other threads may change either meanwhile: the
// list is then looked through a little earlier or later.
constinit std::atomic<std::size_t> found_running{0};
constinit std::atomic<std::size_t> calls_since{0};

// The program has closed the pidfd, or has put another file there: then the child is
// waited for by its number.
bool reap_by_number(Child::State& state) noexcept {
    const internal::CancelGuard no_cancellation;
    siginfo_t info{};
    const int result =
        ::waitid(P_PID, static_cast<id_t>(state.pid), &info, WEXITED | WNOHANG | __WALL);
    return result != 0 || info.si_pid != 0;
}

// ECHILD: somebody else has reaped it, or it is the child of the process that this one
// was forked from.
bool gone(Child::State& state) noexcept {
    std::error_code error;
    if (state.reap(WNOHANG, error) || error == std::errc::no_child_process)
        return true;
    return error && reap_by_number(state);
}

} // namespace

std::size_t reap_abandoned() noexcept {
    calls_since = 0;
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
    found_running = running;
    return running;
}

void internal::reap_some_abandoned() noexcept {
    if (calls_since.fetch_add(1) >= found_running)
        reap_abandoned();
}

void internal::abandon(std::unique_ptr<Child::State> state) noexcept {
    if (state != nullptr && !state->status && !gone(*state))
        push(std::move(state));
    reap_some_abandoned();
}

} // namespace kspawn
