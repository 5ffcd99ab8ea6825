// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_BROKEN_PIPE_GUARD_HPP
#define KSPAWN_LIB_BROKEN_PIPE_GUARD_HPP

#include <cerrno>
#include <csignal>
#include <ctime>

namespace kspawn::internal {

/// While it lives, a write to a pipe that nobody reads is EPIPE and no SIGPIPE.
/// SIGPIPE goes to the thread that writes, so that its mask is enough: what other
/// threads do and what the program has set for SIGPIPE stay as they are.
class BrokenPipeGuard {
public:
    BrokenPipeGuard() noexcept : before_(), pending_before_(pending()) {
        const sigset_t set = only_sigpipe();
        ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    BrokenPipeGuard(const BrokenPipeGuard&) = delete;
    BrokenPipeGuard& operator=(const BrokenPipeGuard&) = delete;
    BrokenPipeGuard(BrokenPipeGuard&&) = delete;
    BrokenPipeGuard& operator=(BrokenPipeGuard&&) = delete;
    ~BrokenPipeGuard() {
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

private:
    static sigset_t only_sigpipe() noexcept {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGPIPE);
        return set;
    }

    static bool pending() noexcept {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigpending(&set);
        return ::sigismember(&set, SIGPIPE) == 1;
    }

    sigset_t before_;
    bool pending_before_;
};

} // namespace kspawn::internal

#endif
