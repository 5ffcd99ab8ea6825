// SPDX-License-Identifier: LGPL-2.1-or-later
#include "waiting.hpp"

#include <kspawn/backend.h>
#include <kspawn/uapi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace kspawn::tool {

namespace {

constexpr std::array<int, 8> relayed{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                     SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

// For the handlers below; the kernel writes to them.
pid_t program = 0;
int program_pidfd = -1;

// The others of a pipeline.
struct Program {
    pid_t pid;
    int pidfd;
};
std::array<Program, KSPAWN_BATCH_MAX> others{};
std::size_t other_count = 0;

sigset_t relayed_set() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : relayed)
        sigaddset(&set, number);
    return set;
}

// The terminal sends to its whole foreground group: who is in ours has it already.
bool has_it_already(const siginfo_t& signal, pid_t pid) {
    return signal.si_code == SI_KERNEL && ::getpgid(pid) == ::getpgrp();
}

void pass_on_to(pid_t pid, int pidfd, int number, const siginfo_t& signal) {
    // Not kill(): it may have ended, and its number be another's.
    if (!has_it_already(signal, pid))
        ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

extern "C" void pass_on(int number, siginfo_t* signal, void* /*context*/) {
    const int saved = errno;
    if (program_pidfd < 0) {
        // There is no program yet.  It is blocked while we are in here.
        (void)::signal(number, SIG_DFL);
        (void)::raise(number);
    } else {
        pass_on_to(program, program_pidfd, number, *signal);
        for (std::size_t other = 0; other < other_count; ++other)
            pass_on_to(others[other].pid, others[other].pidfd, number, *signal);
    }
    errno = saved;
}

} // namespace

Relay::Relay() {
    // If it were ignored, the program would be reaped without us.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &original_sigchld_);

    const auto set = relayed_set();
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_mask = set;
    for (const int number : relayed) {
        struct sigaction before {};
        ::sigaction(number, nullptr, &before);
        // One that is ignored shall be ignored by the program as well.
        if (before.sa_handler != SIG_IGN)
            ::sigaction(number, &action, nullptr);
    }
    ::sigprocmask(SIG_UNBLOCK, &set, &original_mask_);
}

Relay::~Relay() {
    ::sigaction(SIGCHLD, &original_sigchld_, nullptr);
    ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

bool Relay::ignores_sigchld() const {
    return original_sigchld_.sa_handler == SIG_IGN &&
           kspawn_effective_backend() == KSPAWN_BACKEND_KERNEL;
}

pid_t& Relay::pid() {
    return program;
}

int& Relay::pidfd() {
    return program_pidfd;
}

void Relay::add(pid_t pid, int pidfd) {
    if (program_pidfd < 0) {
        program = pid;
        program_pidfd = pidfd;
    } else if (other_count < others.size()) {
        others[other_count++] = {pid, pidfd};
    }
}

Relay::Hold::Hold() {
    const auto set = relayed_set();
    ::sigprocmask(SIG_BLOCK, &set, &before_);
}

Relay::Hold::~Hold() {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace kspawn::tool
