// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_CAPTURING_HPP
#define KSPAWN_LIB_CAPTURING_HPP

#include <kspawn/capture.h>
#include <poll.h>

#include <array>
#include <cstdint>
#include <span>

#include "captured_stream.hpp"
#include "cgroup_tree.hpp"
#include "descriptor.hpp"

namespace kspawn::internal {

/// A program that runs while its output is collected, until nothing of it is left.
class Capturing {
public:
    explicit Capturing(const kspawn_capture& call) noexcept;
    Capturing(const Capturing&) = delete;
    Capturing& operator=(const Capturing&) = delete;
    Capturing(Capturing&&) = delete;
    Capturing& operator=(Capturing&&) = delete;
    /// Ends it, if it is not over.
    ~Capturing() { end(); }

    /// Starts the program.  0, or the error number of a failure that is remembered.
    int start() noexcept;
    /// Makes descriptor(), which step(false) keeps true.
    int make_pollable() noexcept;
    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }

    /// Does what can be done, once something can be if it waits.
    void step(bool waits) noexcept;
    [[nodiscard]] bool over() const noexcept { return over_; }
    /// Kills what is left and waits for it.
    void end() noexcept;
    /// Gives away what was collected.  0 or an error number, remembered.
    int take(kspawn_captured& result) noexcept;

private:
    using Nanoseconds = std::int64_t;
    static constexpr Nanoseconds never = INT64_MAX;

    enum class Limit { running, terminated, killed };

    // The descriptors that are waited for: five at most.
    struct Watched {
        std::array<pollfd, 5> entries;
        std::size_t count = 0;
        void add(const Descriptor& descriptor, short events) noexcept {
            if (descriptor)
                entries[count++] = {.fd = descriptor.get(), .events = events, .revents = 0};
        }
        [[nodiscard]] short of(const Descriptor& descriptor) const noexcept;
    };

    [[nodiscard]] Watched watched() const noexcept;
    void wait_for_end() noexcept;
    int poll(Watched& watched, bool waits) noexcept;
    void serve(CapturedStream& stream, short events, unsigned part) noexcept;
    void write_some() noexcept;
    void reap(int options) noexcept;
    void ended() noexcept;
    void kill_tree() noexcept;
    void expire() noexcept;
    void drain(CapturedStream& stream, unsigned part) noexcept;
    void finish() noexcept;
    void fail(int error, unsigned step, unsigned index) noexcept;
    void signal(int number) noexcept;
    void drop(Descriptor& descriptor) noexcept;
    void watch(const Descriptor& descriptor, std::uint32_t events) noexcept;
    void set_deadline(Nanoseconds deadline) noexcept;
    void set_timer() noexcept;
    [[nodiscard]] Nanoseconds next_deadline() const noexcept;

    const kspawn_capture& call_;
    pid_t pid_ = 0;
    Descriptor pidfd_; // none: it was reaped
    Descriptor in_;
    CapturedStream out_;
    CapturedStream err_;
    CgroupTree tree_;
    Descriptor epoll_;
    Descriptor timer_;
    std::size_t written_ = 0;
    Nanoseconds deadline_ = never;
    Nanoseconds next_kill_ = never; // of a tree that has to be killed again
    Limit limit_ = Limit::running;
    bool timed_out_ = false;
    bool killing_tree_ = false;
    bool over_ = true; // until it has been started
    int status_ = -1;
    struct rusage usage_ {};
    int error_ = 0;
    unsigned error_step_ = 0;
    unsigned error_index_ = 0;
};

} // namespace kspawn::internal

#endif
