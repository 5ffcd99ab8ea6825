// SPDX-License-Identifier: LGPL-2.1-or-later
/// Standing in for a program: its signals on, its end back.
#ifndef KSPAWN_TOOLS_WAITING_HPP
#define KSPAWN_TOOLS_WAITING_HPP

#include <sys/types.h>

#include <csignal>

namespace kspawn::tool {

/// Passes signals that are meant for the program on to it, from handlers.  Until there
/// is a program they have their default effect on us.  There can be one object only.
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
    /// Whether PROGRAM is to ignore SIGCHLD, as we did when we were started: only through
    /// the kernel, since libc cannot ignore a signal in the child alone.
    [[nodiscard]] bool ignores_sigchld() const;

    /// Where whatever starts the program puts its process ID and its pidfd, before a
    /// handler can run: the kernel does, and others are called under a Hold.
    static pid_t& pid();
    static int& pidfd();
    /// One more program, of up to KSPAWN_BATCH_MAX; under a Hold.
    static void add(pid_t pid, int pidfd);

    /// While it lives, the signals wait.
    class Hold {
    public:
        Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        Hold(Hold&&) = delete;
        Hold& operator=(Hold&&) = delete;
        ~Hold();

    private:
        sigset_t before_{};
    };

private:
    sigset_t original_mask_{};
    struct sigaction original_sigchld_ {};
};

} // namespace kspawn::tool

#endif
