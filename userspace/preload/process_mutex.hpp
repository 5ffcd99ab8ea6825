// SPDX-License-Identifier: LGPL-2.1-or-later
/// A mutex that a child of fork() cannot find held for ever.
#ifndef KSPAWN_PRELOAD_PROCESS_MUTEX_HPP
#define KSPAWN_PRELOAD_PROCESS_MUTEX_HPP

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>

#include "userspace/lib/signals_blocked.hpp"

namespace kspawn::preload {

/// It is held by a thread's ID.  fork() needs no handler for it: a child finds the
/// ID of a thread that it does not have, and takes the mutex over; whoever does that
/// must be able to deal with what it protects, however far its holder had come.
class ProcessMutex {
public:
    /// Whether it was taken over.
    bool lock() noexcept {
        const auto self = static_cast<int>(::syscall(SYS_gettid));
        for (;;) {
            int holder = 0;
            if (holder_.compare_exchange_strong(holder, self))
                return false;
            if (is_gone(holder, self) && holder_.compare_exchange_strong(holder, self))
                return true;
            const timespec limit{0, 10'000'000};
            ::syscall(SYS_futex, &holder_, FUTEX_WAIT_PRIVATE, holder, &limit, nullptr, 0);
        }
    }

    void unlock() noexcept {
        holder_.store(0);
        ::syscall(SYS_futex, &holder_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

private:
    // The own ID is a parent's in another namespace: a thread does not lock twice.
    static bool is_gone(int holder, int self) noexcept {
        return holder == self ||
               (::syscall(SYS_tgkill, ::getpid(), holder, 0) != 0 && errno == ESRCH);
    }

    std::atomic<int> holder_{0};
    static_assert(sizeof(std::atomic<int>) == sizeof(int));
};

/// Holds one, with all signals blocked: no signal handler finds it held by its own
/// thread, and no child is forked by one meanwhile.
class LockedProcess {
public:
    explicit LockedProcess(ProcessMutex& mutex) noexcept
        : mutex_(mutex), taken_over_(mutex.lock()) {}
    LockedProcess(const LockedProcess&) = delete;
    LockedProcess& operator=(const LockedProcess&) = delete;
    LockedProcess(LockedProcess&&) = delete;
    LockedProcess& operator=(LockedProcess&&) = delete;
    ~LockedProcess() { mutex_.unlock(); }
    [[nodiscard]] bool taken_over() const noexcept { return taken_over_; }

private:
    const internal::AllBlocked blocked_; // first, and to the end
    ProcessMutex& mutex_;
    bool taken_over_;
};

} // namespace kspawn::preload

#endif
