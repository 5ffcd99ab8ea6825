// SPDX-License-Identifier: LGPL-2.1-or-later
// system(), as POSIX has it: the caller ignores SIGINT and SIGQUIT and blocks
// SIGCHLD while the command runs, the command does not; to wait for it is a
// cancellation point, at which the command is killed (as in glibc).  Without other
// threads the start and the wait are one call to the kernel.
#include <pthread.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "process_mutex.hpp"
#include "shell.hpp"
#include "userspace/lib/libc_object.hpp"

namespace kspawn::preload {

namespace {

// Dispositions are the process's: the first of several threads changes them, the
// last one puts them back.  The stages are noted before and after, so that a child
// of fork() can undo what another thread has begun.
enum class Stage { own, changing, ignored, restoring };
constinit ProcessMutex mutex;
constinit Stage stage = Stage::own;
constinit unsigned running = 0;
constinit struct sigaction saved_interrupt {};
constinit struct sigaction saved_quit {};

void put_back() noexcept {
    stage = Stage::restoring;
    ::sigaction(SIGINT, &saved_interrupt, nullptr);
    ::sigaction(SIGQUIT, &saved_quit, nullptr);
    stage = Stage::own;
    running = 0;
}

void ignore() noexcept {
    ::sigaction(SIGINT, nullptr, &saved_interrupt);
    ::sigaction(SIGQUIT, nullptr, &saved_quit);
    stage = Stage::changing;
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignored, nullptr);
    ::sigaction(SIGQUIT, &ignored, nullptr);
    stage = Stage::ignored;
}

void mend(const LockedProcess& locked) noexcept {
    if (locked.taken_over() && (stage == Stage::changing || stage == Stage::restoring))
        put_back();
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
    const LockedProcess locked{mutex};
    mend(locked);
    if (stage == Stage::own)
        ignore();
    ++running;
    if (saved_interrupt.sa_handler != SIG_IGN)
        ::sigaddset(&reset, SIGINT);
    if (saved_quit.sa_handler != SIG_IGN)
        ::sigaddset(&reset, SIGQUIT);
    return reset;
}

void restore_signals(const sigset_t& mask) noexcept {
    {
        const LockedProcess locked{mutex};
        mend(locked);
        if (running > 0 && --running == 0)
            put_back();
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

// To start and to wait in one call is no cancellation point, and nobody but another
// thread can cancel this one in its sleep.
bool can_wait_in_call() noexcept {
    const char* const single_threaded = libc().single_threaded;
    return single_threaded != nullptr && *single_threaded != 0;
}

Result start_command(const char* command, const sigset_t& reset, const sigset_t& mask) noexcept {
    const auto& c = libc();
    internal::LibcObject<posix_spawnattr_t> attributes{c.posix_spawnattr_init,
                                                       c.posix_spawnattr_destroy};
    c.posix_spawnattr_setsigmask(attributes.get(), &mask);
    c.posix_spawnattr_setsigdefault(attributes.get(), &reset);
    c.posix_spawnattr_setflags(attributes.get(), POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return start_shell(Entry::system, command, nullptr, attributes.get(), can_wait_in_call());
}

// POSIX: -1 if no child could be created; if the shell could not be executed, "as
// if it had terminated by a call of _exit(127)".
int status_without_shell(const Result& result) noexcept {
    return is_in_child(result) ? W_EXITCODE(127, 0) : -1;
}

int execute(const char* command) {
    Run run{};
    const sigset_t reset = ignore_signals();
    sigset_t child_ends;
    ::sigemptyset(&child_ends);
    ::sigaddset(&child_ends, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &child_ends, &run.mask);

    const auto result = start_command(command, reset, run.mask);
    int status = 0;
    int error = result.error;
    if (error == 0 && result.pid == 0) {
        status = result.status;
    } else if (error == 0) {
        run.pid = result.pid;
        status = wait_for(run);
        if (status == -1)
            error = errno;
    } else {
        status = status_without_shell(result);
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
