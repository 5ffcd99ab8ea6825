// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_ALL_BLOCKED_HPP
#define KSPAWN_LIB_ALL_BLOCKED_HPP

#include <csignal>

namespace kspawn::internal {

/// All signals of the calling thread blocked.
class AllBlocked {
public:
    AllBlocked() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllBlocked(const AllBlocked&) = delete;
    AllBlocked& operator=(const AllBlocked&) = delete;
    AllBlocked(AllBlocked&&) = delete;
    AllBlocked& operator=(AllBlocked&&) = delete;
    ~AllBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

private:
    sigset_t before_{};
};

} // namespace kspawn::internal

#endif
