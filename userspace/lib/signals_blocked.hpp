// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_SIGNALS_BLOCKED_HPP
#define KSPAWN_LIB_SIGNALS_BLOCKED_HPP

#include <csignal>

namespace kspawn::internal {

/// Signals of the calling thread blocked, besides those that are.
class SignalsBlocked {
public:
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    SignalsBlocked(SignalsBlocked&&) = delete;
    SignalsBlocked& operator=(SignalsBlocked&&) = delete;

    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

protected:
    explicit SignalsBlocked(const sigset_t& signals) noexcept {
        ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

/// All of them.
class AllBlocked : public SignalsBlocked {
public:
    AllBlocked() noexcept : SignalsBlocked(all()) {}

private:
    static sigset_t all() noexcept {
        sigset_t signals;
        ::sigfillset(&signals);
        return signals;
    }
};

/// SIGCHLD of one child must not end the wait for another.
class SigchldBlocked : public SignalsBlocked {
public:
    SigchldBlocked() noexcept : SignalsBlocked(sigchld()) {}

private:
    static sigset_t sigchld() noexcept {
        sigset_t signals;
        ::sigemptyset(&signals);
        ::sigaddset(&signals, SIGCHLD);
        return signals;
    }
};

} // namespace kspawn::internal

#endif
