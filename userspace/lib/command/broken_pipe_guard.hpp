// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_BROKEN_PIPE_GUARD_HPP
#define KSPAWN_LIB_COMMAND_BROKEN_PIPE_GUARD_HPP

#include <csignal>

namespace kspawn::internal {

/// While it lives, a write to a pipe that nobody reads is EPIPE and no SIGPIPE.
/// SIGPIPE goes to the thread that writes, so that its mask is enough: what other
/// threads do and what the program has set for SIGPIPE stay as they are.
class BrokenPipeGuard {
public:
    BrokenPipeGuard() noexcept;
    BrokenPipeGuard(const BrokenPipeGuard&) = delete;
    BrokenPipeGuard& operator=(const BrokenPipeGuard&) = delete;
    BrokenPipeGuard(BrokenPipeGuard&&) = delete;
    BrokenPipeGuard& operator=(BrokenPipeGuard&&) = delete;
    ~BrokenPipeGuard();

private:
    sigset_t before_;
    bool pending_before_;
};

} // namespace kspawn::internal

#endif
