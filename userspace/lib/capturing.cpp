// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capturing.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "broken_pipe_guard.hpp"
#include "capture_start.hpp"
#include "failure.hpp"

namespace kspawn::internal {

namespace {

constexpr std::int64_t in_ms = 1'000'000;
constexpr std::int64_t in_s = 1'000'000'000;

std::int64_t now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * in_s + time.tv_nsec;
}

std::int64_t after(std::int64_t time, long milliseconds) noexcept {
    constexpr auto most = INT64_MAX - 1;
    return milliseconds > (most - time) / in_ms ? most : time + milliseconds * in_ms;
}

timespec timespec_of(std::int64_t time) noexcept {
    return {.tv_sec = time / in_s, .tv_nsec = time % in_s};
}

// siginfo_t holds apart what a wait status puts together.
int wait_status_of(const siginfo_t& info) noexcept {
    if (info.si_code == CLD_EXITED)
        return (info.si_status & 0xff) << 8;
    return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

// Some headers lack them.
constexpr int p_pidfd = 3;
constexpr long pidfd_send_signal_number = 424; // on all machines

} // namespace

short Capturing::Watched::of(const Descriptor& descriptor) const noexcept {
    for (std::size_t i = 0; i < count; ++i)
        if (descriptor && entries[i].fd == descriptor.get())
            return entries[i].revents;
    return 0;
}

Capturing::Capturing(const kspawn_capture& call) noexcept : call_(call) {}

int Capturing::start() noexcept {
    if (call_.cgroup >= 0) {
        if (const int error = tree_.open(call_.cgroup); error != 0)
            return fail_capture(error, KSPAWN_CAPTURE_CGROUP);
    }
    CaptureStarted started;
    if (const int error = start_captured(call_, started); error != 0) {
        // A child that has failed is in the cgroup until its end.
        if (tree_)
            tree_.kill_and_wait();
        return error;
    }
    over_ = false;
    pid_ = started.pid;
    pidfd_ = Descriptor{started.pidfd};
    in_ = Descriptor{started.in};
    if (started.out >= 0)
        out_.open(started.out, call_.out_max);
    if (started.err >= 0)
        err_.open(started.err, call_.err_max);
    if (call_.time_limit_ms >= 0)
        deadline_ = after(now(), call_.time_limit_ms);
    return 0;
}

int Capturing::make_pollable() noexcept {
    epoll_ = Descriptor{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll_)
        return errno;
    if (call_.time_limit_ms >= 0 || (tree_ && !tree_.kills_at_once())) {
        timer_ = Descriptor{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
        if (!timer_)
            return errno;
        watch(timer_, EPOLLIN);
        set_timer();
    }
    watch(pidfd_, EPOLLIN);
    watch(out_.pipe(), EPOLLIN);
    watch(err_.pipe(), EPOLLIN);
    watch(in_, EPOLLOUT);
    // Those that could not be watched are told as an error of the wait.
    return error_;
}

void Capturing::watch(const Descriptor& descriptor, std::uint32_t events) noexcept {
    if (!epoll_ || !descriptor)
        return;
    epoll_event event{.events = events, .data = {.fd = descriptor.get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) != 0 && error_ == 0)
        fail(errno, KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_WAIT);
}

// Another process may have it, too, which would leave it watched.
void Capturing::drop(Descriptor& descriptor) noexcept {
    if (epoll_ && descriptor)
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor.get(), nullptr);
    descriptor = {};
}

Capturing::Nanoseconds Capturing::next_deadline() const noexcept {
    return std::min(deadline_, next_kill_);
}

void Capturing::set_timer() noexcept {
    if (!timer_)
        return;
    const auto next = next_deadline();
    const itimerspec time{.it_interval = {},
                          .it_value = next == never ? timespec{}
                                                    : timespec_of(std::max<Nanoseconds>(next, 1))};
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr);
}

void Capturing::set_deadline(Nanoseconds deadline) noexcept {
    deadline_ = deadline;
    set_timer();
}

// The end is not looked for as long as it would change nothing.
Capturing::Watched Capturing::watched() const noexcept {
    Watched watched;
    watched.add(out_.pipe(), POLLIN);
    watched.add(err_.pipe(), POLLIN);
    watched.add(in_, POLLOUT);
    const bool end_matters =
        watched.count == 0 || tree_ || in_ || epoll_ || timed_out_ || deadline_ != never;
    if (end_matters)
        watched.add(pidfd_, POLLIN);
    if (killing_tree_)
        watched.add(tree_.events(), POLLPRI);
    return watched;
}

int Capturing::poll(Watched& watched, bool waits) noexcept {
    for (;;) {
        timespec timeout{};
        const auto next = next_deadline();
        if (waits && next != never)
            timeout = timespec_of(std::max<Nanoseconds>(next - now(), 0));
        const bool for_ever = waits && next == never;
        const int count =
            ::ppoll(watched.entries.data(), watched.count, for_ever ? nullptr : &timeout, nullptr);
        if (count >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

void Capturing::step(bool waits) noexcept {
    if (over_)
        return;
    auto seen = watched();
    // Nothing but its end is waited for, as long as it takes.
    if (waits && seen.count == 1 && pidfd_ && next_deadline() == never && !out_.pipe() &&
        !err_.pipe()) {
        reap(0);
        return;
    }
    if (const int error = poll(seen, waits); error != 0) {
        fail(error, KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_WAIT);
        return;
    }
    serve(out_, seen.of(out_.pipe()), KSPAWN_CAPTURE_STDOUT);
    if (!over_)
        serve(err_, seen.of(err_.pipe()), KSPAWN_CAPTURE_STDERR);
    if (!over_ && seen.of(in_) != 0)
        write_some();
    if (!over_ && seen.of(pidfd_) != 0)
        reap(WNOHANG);
    if (!over_ && next_deadline() != never)
        expire();
    if (!over_)
        ended();
}

void Capturing::serve(CapturedStream& stream, short events, unsigned part) noexcept {
    if (events == 0)
        return;
    bool done = (events & (POLLIN | POLLHUP)) == POLLHUP;
    if (const int error = done ? 0 : stream.read((events & POLLHUP) != 0, done); error != 0)
        fail(error, KSPAWN_STEP_CAPTURE, part);
    else if (done)
        drop(stream.pipe());
}

void Capturing::write_some() noexcept {
    const BrokenPipeGuard guard;
    const auto* const data = static_cast<const char*>(call_.input_data);
    const auto count = ::write(in_.get(), data + written_, call_.input_size - written_);
    if (count > 0)
        written_ += static_cast<std::size_t>(count);
    if (written_ == call_.input_size || (count < 0 && errno == EPIPE))
        drop(in_);
    else if (count < 0 && errno != EAGAIN && errno != EINTR)
        fail(errno, KSPAWN_STEP_CAPTURE, KSPAWN_CAPTURE_STDIN);
}

void Capturing::reap(int options) noexcept {
    siginfo_t info{};
    // That of the kernel, which tells the usage as well.
    while (::syscall(SYS_waitid, p_pidfd, pidfd_.get(), &info, WEXITED | __WALL | options,
                     &usage_) != 0) {
        if (errno == EINTR)
            continue;
        // Nobody knows how it ended; the rest goes on.
        error_ = errno;
        error_step_ = KSPAWN_STEP_WAIT;
        break;
    }
    if (error_ == 0) {
        if (info.si_pid == 0)
            return;
        status_ = wait_status_of(info);
    }
    drop(pidfd_);
    drop(in_);
    if (tree_)
        kill_tree();
    ended();
}

void Capturing::kill_tree() noexcept {
    tree_.kill();
    if (!std::exchange(killing_tree_, true))
        watch(tree_.events(), EPOLLPRI);
    if (!tree_.kills_at_once()) {
        next_kill_ = after(now(), CgroupTree::round_ms);
        set_timer();
    }
}

// Whether there is nothing more to come.
void Capturing::ended() noexcept {
    if (over_ || pidfd_)
        return;
    if (tree_) {
        if (!tree_.populated())
            finish();
        return;
    }
    // A process that was left running may have the pipes for as long as it likes.
    if ((!out_.pipe() && !err_.pipe()) || timed_out_)
        finish();
}

void Capturing::expire() noexcept {
    const auto time = now();
    if (timer_) {
        std::uint64_t expirations = 0;
        static_cast<void>(::read(timer_.get(), &expirations, sizeof(expirations)));
    }
    if (time >= next_kill_)
        kill_tree();
    if (time < deadline_)
        return;
    timed_out_ = true;
    set_deadline(never);
    if (!pidfd_)
        return;
    if (limit_ == Limit::running && call_.grace_ms > 0) {
        limit_ = Limit::terminated;
        signal(SIGTERM);
        set_deadline(after(time, call_.grace_ms));
        return;
    }
    limit_ = Limit::killed;
    signal(SIGKILL);
    if (tree_)
        kill_tree();
}

void Capturing::signal(int number) noexcept {
    ::syscall(pidfd_send_signal_number, pidfd_.get(), number, nullptr, 0);
}

// The bytes in the pipe are not lost with the end of those who wrote it.
void Capturing::drain(CapturedStream& stream, unsigned part) noexcept {
    if (!stream.pipe())
        return;
    bool done = false;
    if (const int error = stream.read(false, done); error != 0 && error_ == 0) {
        error_ = error;
        error_step_ = KSPAWN_STEP_CAPTURE;
        error_index_ = part;
    }
    drop(stream.pipe());
}

void Capturing::finish() noexcept {
    drain(out_, KSPAWN_CAPTURE_STDOUT);
    drain(err_, KSPAWN_CAPTURE_STDERR);
    over_ = true;
}

void Capturing::fail(int error, unsigned step, unsigned index) noexcept {
    error_ = error;
    error_step_ = step;
    error_index_ = index;
    end();
}

void Capturing::end() noexcept {
    if (over_)
        return;
    if (pidfd_) {
        signal(SIGKILL);
        siginfo_t info{};
        while (::syscall(SYS_waitid, p_pidfd, pidfd_.get(), &info, WEXITED | __WALL, &usage_) !=
                   0 &&
               errno == EINTR) {
        }
        if (info.si_pid != 0)
            status_ = wait_status_of(info);
        drop(pidfd_);
    }
    drop(in_);
    if (tree_)
        tree_.kill_and_wait();
    finish();
}

int Capturing::take(kspawn_captured& result) noexcept {
    result.flags = timed_out_ ? KSPAWN_CAPTURED_TIMED_OUT : 0;
    result.status = status_;
    result.pid = pid_;
    if (result.usage != nullptr)
        *result.usage = usage_;
    result.out = out_.take(result.out_size, result.out_total);
    result.err = err_.take(result.err_size, result.err_total);
    if (error_ != 0)
        failure::remember({}, Result::failed(error_, error_step_, error_index_));
    return error_;
}

} // namespace kspawn::internal
