// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libc_pidfd.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "cancel_guard.hpp"
#include "descriptor.hpp"
#include "errno_guard.hpp"

namespace kspawn::internal::libc_pidfd {

namespace {

// Some headers lack them.
constexpr auto p_pidfd = static_cast<idtype_t>(3);
#if defined(SYS_pidfd_open)
constexpr long pidfd_open_number = SYS_pidfd_open;
#else
constexpr long pidfd_open_number = 434; // on all machines
#endif

// Not pidfd_open() of libc, which is not older than what we do without.
Descriptor open_process(pid_t pid) noexcept {
    return Descriptor{static_cast<int>(::syscall(pidfd_open_number, pid, 0))};
}

// Its number may be somebody else's by now if it was reaped behind our back.
// Only for a child of ours does the wait find anything, now or later.
bool is_our_child(const Descriptor& process) noexcept {
    siginfo_t info{};
    return ::waitid(p_pidfd, static_cast<id_t>(process.get()), &info,
                    WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

void end(pid_t pid) noexcept {
    if (::waitpid(pid, nullptr, WNOHANG) != 0)
        return; // it was quick, or is not there
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void end(const Descriptor& process) noexcept {
    constexpr long pidfd_send_signal_number = 424; // on all machines
    ::syscall(pidfd_send_signal_number, process.get(), SIGKILL, nullptr, 0);
    siginfo_t info{};
    while (::waitid(p_pidfd, static_cast<id_t>(process.get()), &info, WEXITED | __WALL) != 0 &&
           errno == EINTR) {
    }
}

} // namespace

int check_room() noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    const Descriptor own = open_process(::getpid());
    return own ? 0 : errno;
}

int open(pid_t pid, int& pidfd) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    Descriptor process = open_process(pid);
    if (!process) {
        const int error = errno;
        if (error != ESRCH)
            end(pid);
        return error;
    }
    if (!is_our_child(process))
        return ESRCH;
    pidfd = process.release();
    return 0;
}

bool numbers_are_told(Getpid* getpid) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    const Descriptor own = open_process(::getpid());
    return own && getpid(own.get()) == ::getpid();
}

int number_of(int pidfd, Getpid* getpid, pid_t& pid) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    Descriptor process{pidfd};
    const pid_t number = getpid(pidfd);
    if (number > 0) {
        (void)process.release();
        pid = number;
        return 0;
    }
    const int error = number < 0 ? errno : ESRCH;
    if (error != ESRCH)
        end(process);
    return error;
}

} // namespace kspawn::internal::libc_pidfd
