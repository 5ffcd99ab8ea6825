// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/child.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "../cancel_guard.hpp"
#include "checked.hpp"
#include "child_state.hpp"
#include "pidfd_info.hpp"
#include "transfer.hpp"

namespace kspawn {

namespace {

using internal::error_of;
using internal::last_error;

// siginfo_t holds apart what a wait status puts together.
int wait_status_of(const siginfo_t& info) noexcept {
    if (info.si_code == CLD_EXITED)
        return (info.si_status & 0xff) << 8;
    return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

} // namespace

bool Child::State::reap(int options, std::error_code& error) noexcept {
    error.clear();
    const internal::CancelGuard no_cancellation;
    siginfo_t info{};
    // __WALL: without it, waitid() does not find a child that sends no SIGCHLD when it
    // ends.
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | __WALL | options) !=
           0) {
        if (errno != EINTR) {
            error = last_error();
            return false;
        }
    }
    if (info.si_pid == 0)
        return false;
    status = ExitStatus(wait_status_of(info));
    return true;
}

bool Child::State::learn(int options, std::error_code& error) noexcept {
    if (reap(options, error))
        return true;
    if (error != std::errc::no_child_process)
        return false;
    const internal::CancelGuard no_cancellation;
    if (const auto told = internal::status_after_reaping(pidfd.get())) {
        status = ExitStatus(*told);
        error.clear();
    }
    return status.has_value();
}

Child::Child() noexcept = default;
Child::Child(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Child::Child(Child&&) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
    if (this != &other) {
        detach();
        state_ = std::move(other.state_);
    }
    return *this;
}

Child::~Child() {
    detach();
}

void Child::detach() noexcept {
    if (state_ == nullptr)
        return;
    state_->pipes.clear();
    internal::abandon(std::move(state_));
}

Child::operator bool() const noexcept {
    return state_ != nullptr;
}

pid_t Child::pid() const noexcept {
    return state_ != nullptr ? state_->pid : 0;
}
int Child::pidfd() const noexcept {
    return state_ != nullptr ? state_->pidfd.get() : -1;
}

FileDescriptor& Child::pipe(int child_number) noexcept {
    if (state_ != nullptr) {
        for (auto& [number, end] : state_->pipes)
            if (number == child_number)
                return end;
    }
    // A descriptor that a caller may have put into it the last time is not ours to keep.
    none_.close();
    return none_;
}

ExitStatus Child::wait(std::error_code& error) noexcept {
    error.clear();
    if (state_ == nullptr) {
        error = error_of(ECHILD);
        return ExitStatus();
    }
    stdin_pipe().close();
    if (!state_->status)
        state_->learn(0, error);
    return state_->status.value_or(ExitStatus());
}

ExitStatus Child::wait() {
    return internal::checked("wait", [&](auto& error) { return this->wait(error); });
}

std::optional<ExitStatus> Child::try_wait(std::error_code& error) noexcept {
    error.clear();
    if (state_ == nullptr) {
        error = error_of(ECHILD);
        return std::nullopt;
    }
    if (!state_->status)
        state_->learn(WNOHANG, error);
    return state_->status;
}

std::optional<ExitStatus> Child::try_wait() {
    return internal::checked("wait", [&](auto& error) { return this->try_wait(error); });
}

std::optional<ExitStatus> Child::wait_until(std::chrono::steady_clock::time_point deadline,
                                            std::error_code& error) noexcept {
    using std::chrono::duration_cast;
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    const internal::CancelGuard no_cancellation;
    for (;;) {
        const auto status = try_wait(error);
        const auto now = std::chrono::steady_clock::now();
        // Compared before anything is subtracted: time_point::min() is a deadline as well.
        if (status || error || deadline <= now)
            return status;
        const auto left = deadline - now;
        const auto whole = duration_cast<seconds>(left);
        const timespec timeout{.tv_sec = whole.count(),
                               .tv_nsec = duration_cast<nanoseconds>(left - whole).count()};
        pollfd entry{.fd = pidfd(), .events = POLLIN, .revents = 0};
        if (::ppoll(&entry, 1, &timeout, nullptr) < 0 && errno != EINTR) {
            error = last_error();
            return std::nullopt;
        }
    }
}

std::optional<ExitStatus> Child::wait_until(std::chrono::steady_clock::time_point deadline) {
    return internal::checked("wait",
                             [&](auto& error) { return this->wait_until(deadline, error); });
}

void Child::kill(int signal, std::error_code& error) noexcept {
    error.clear();
    if (state_ == nullptr)
        error = error_of(ESRCH);
    else if (::syscall(SYS_pidfd_send_signal, pidfd(), signal, nullptr, 0) != 0)
        error = last_error();
}

void Child::kill(int signal) {
    internal::checked("kill", [&](auto& error) { this->kill(signal, error); });
}

ExitStatus Child::terminate_until(std::chrono::steady_clock::time_point deadline) {
    for (const int number : {SIGTERM, SIGKILL}) {
        std::error_code error;
        kill(number, error);
        if (error && error != std::errc::no_such_process)
            throw std::system_error(error, "kill");
        if (number == SIGTERM) {
            if (const auto status = wait_until(deadline))
                return *status;
        }
    }
    return wait();
}

Output Child::wait_with_output(std::string_view input) {
    return internal::checked("wait",
                             [&](auto& error) { return this->wait_with_output(input, error); });
}

Output Child::wait_with_output(std::string_view input, std::error_code& error) {
    Output output;
    std::error_code transfer_error;
    {
        internal::Transfer transfer;
        transfer.write(stdin_pipe(), input);
        transfer.read(stdout_pipe(), output.out);
        transfer.read(stderr_pipe(), output.err);
        transfer.run(transfer_error);
    }
    // If the transfer failed, the child need not end by itself; its pipes are
    // closed, and a wait could last for ever.
    error = transfer_error;
    if (!error)
        output.status = wait(error);
    return output;
}

} // namespace kspawn
