// SPDX-License-Identifier: LGPL-2.1-or-later
/// Standing in for a program: its signals on, its end back.
#ifndef KSPAWN_TOOLS_WAITING_HPP
#define KSPAWN_TOOLS_WAITING_HPP

#include <sys/types.h>

#include <csignal>

namespace kspawn::tool {

/// Holds back the signals that are meant for the program, from before it is
/// started, so that none is lost or ends us in its place.
class Relay {
public:
    Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    Relay(Relay&&) = delete;
    Relay& operator=(Relay&&) = delete;
    ~Relay();

    /// The mask that the program would have had without us.
    [[nodiscard]] const sigset_t& original_mask() const { return original_mask_; }
    /// Whether we were started with SIGCHLD ignored, as the program must be then.
    [[nodiscard]] bool sigchld_was_ignored() const;

    /// Waits for the program, passing signals on, and returns its wait status.
    int wait(pid_t program) const;

private:
    sigset_t held_{};
    sigset_t original_mask_{};
    struct sigaction original_sigchld_ {};
};

} // namespace kspawn::tool

#endif
