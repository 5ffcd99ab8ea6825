// SPDX-License-Identifier: LGPL-2.1-or-later
#include "waiting.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kspawn::tool {

namespace {

constexpr std::array<int, 8> relayed{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                     SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

// The terminal sends to its whole foreground group: who is in ours has it already.
bool has_it_already(const siginfo_t& signal, pid_t program) {
    return signal.si_code == SI_KERNEL && ::getpgid(program) == ::getpgrp();
}

} // namespace

Relay::Relay() {
    sigemptyset(&held_);
    sigaddset(&held_, SIGCHLD);
    for (const int number : relayed)
        sigaddset(&held_, number);
    ::sigprocmask(SIG_BLOCK, &held_, &original_mask_);
    // If it were ignored, the program would be reaped without us.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &original_sigchld_);
}

Relay::~Relay() {
    ::sigaction(SIGCHLD, &original_sigchld_, nullptr);
    ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

bool Relay::sigchld_was_ignored() const {
    return original_sigchld_.sa_handler == SIG_IGN;
}

int Relay::wait(pid_t program) const {
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(program, &status, WNOHANG);
        if (ended == program)
            return status;
        if (ended < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "waitpid");
        siginfo_t signal{};
        const int number = ::sigwaitinfo(&held_, &signal);
        if (number > 0 && number != SIGCHLD && !has_it_already(signal, program))
            ::kill(program, number);
    }
}

} // namespace kspawn::tool
