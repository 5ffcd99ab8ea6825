// SPDX-License-Identifier: LGPL-2.1-or-later
#include "broken_pipe_guard.hpp"

#include <cerrno>
#include <ctime>

namespace kspawn::internal {

namespace {

sigset_t only_sigpipe() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    return set;
}

bool pending() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigpending(&set);
    return ::sigismember(&set, SIGPIPE) == 1;
}

} // namespace

BrokenPipeGuard::BrokenPipeGuard() noexcept : before_(), pending_before_(pending()) {
    const sigset_t set = only_sigpipe();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

BrokenPipeGuard::~BrokenPipeGuard() {
    const int errno_before = errno;
    // One that was pending before is not ours to take.
    if (!pending_before_) {
        const sigset_t set = only_sigpipe();
        const timespec at_once{};
        while (::sigtimedwait(&set, nullptr, &at_once) < 0 && errno == EINTR) {
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = errno_before;
}

} // namespace kspawn::internal
