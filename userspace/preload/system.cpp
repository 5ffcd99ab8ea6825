// SPDX-License-Identifier: LGPL-2.1-or-later
// system(), as POSIX has it: the caller ignores SIGINT and SIGQUIT and blocks
// SIGCHLD while the command runs, the command does not; to wait for it is a
// cancellation point, at which the command is killed (as in glibc).
#include <pthread.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "memory.hpp"
#include "shell.hpp"

namespace kspawn::preload {

namespace {

// Dispositions are the process's: the first of several threads changes them, the
// last one puts them back.
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
constinit unsigned running = 0;
constinit struct sigaction saved_interrupt {};
constinit struct sigaction saved_quit {};

void before_fork() noexcept {
    ::pthread_mutex_lock(&lock);
}

void after_fork() noexcept {
    ::pthread_mutex_unlock(&lock);
}

constinit pthread_once_t atfork_once = PTHREAD_ONCE_INIT;

void watch_forks() noexcept {
    ::pthread_atfork(before_fork, after_fork, after_fork);
}

// One command that runs.  No destructors: cancellation unwinds with longjmp()
// in a library without exceptions.
struct Run {
    sigset_t mask;
    pid_t pid;
};

// The signals that the command shall have at their default: those that the
// caller did not ignore in the first place.
sigset_t ignore_signals() noexcept {
    sigset_t reset;
    ::sigemptyset(&reset);
    const Locked locked{lock};
    if (running++ == 0) {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGINT, &ignore, &saved_interrupt);
        ::sigaction(SIGQUIT, &ignore, &saved_quit);
    }
    if (saved_interrupt.sa_handler != SIG_IGN)
        ::sigaddset(&reset, SIGINT);
    if (saved_quit.sa_handler != SIG_IGN)
        ::sigaddset(&reset, SIGQUIT);
    return reset;
}

void restore_signals(const sigset_t& mask) noexcept {
    {
        const Locked locked{lock};
        if (--running == 0) {
            ::sigaction(SIGINT, &saved_interrupt, nullptr);
            ::sigaction(SIGQUIT, &saved_quit, nullptr);
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

// The thread is cancelled; in here it is not any more.
void cancelled(void* argument) {
    const Run& run = *static_cast<Run*>(argument);
    ::kill(run.pid, SIGKILL);
    while (::waitpid(run.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    restore_signals(run.mask);
}

int wait_for(Run& run) noexcept(false) {
    int status = -1;
    pid_t pid = -1;
    pthread_cleanup_push(cancelled, &run);
    do {
        pid = ::waitpid(run.pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    pthread_cleanup_pop(0);
    return pid < 0 ? -1 : status;
}

int start_command(const char* command, const sigset_t& reset, Run& run) noexcept {
    const auto& c = libc();
    posix_spawnattr_t attributes;
    c.attr_init(&attributes);
    c.attr_setsigmask(&attributes, &run.mask);
    c.attr_setsigdefault(&attributes, &reset);
    c.attr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const auto result = start_shell(Entry::system, command, nullptr, &attributes);
    c.attr_destroy(&attributes);
    run.pid = result.pid;
    return result.error;
}

int execute(const char* command) {
    ::pthread_once(&atfork_once, watch_forks);
    Run run{};
    const sigset_t reset = ignore_signals();
    sigset_t child_ends;
    ::sigemptyset(&child_ends);
    ::sigaddset(&child_ends, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &child_ends, &run.mask);

    // "As if the shell had ended with exit(127)" (POSIX).
    int status = W_EXITCODE(127, 0);
    int error = start_command(command, reset, run);
    if (error == 0) {
        status = wait_for(run);
        if (status == -1)
            error = errno;
    }
    restore_signals(run.mask);
    if (error != 0)
        errno = error;
    return status;
}

} // namespace

} // namespace kspawn::preload

extern "C" int system(const char* command) {
    // Is there a shell?
    if (command == nullptr)
        return kspawn::preload::execute("exit 0") == 0 ? 1 : 0;
    return kspawn::preload::execute(command);
}
