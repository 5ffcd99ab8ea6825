// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pidfd_info.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace kspawn::internal {

namespace {

// struct pidfd_info of <linux/pidfd.h> as it was at first; older headers do not have it.
struct Info {
    std::uint64_t mask; // asked for, then: told
    std::uint64_t cgroup;
    std::uint32_t pid, tgid, ppid;
    std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    std::int32_t exit_code;
};
static_assert(sizeof(Info) == 64);

constexpr std::uint64_t info_exit = 1U << 3U;
constexpr unsigned long get_info = _IOWR(0xFF, 11, Info);

// A child whose parent ignores SIGCHLD, or whom another thread is just reaping, is none for
// waitid() some moments before its status is kept.
constexpr int patience_ms = 10;
constexpr int most_looks = 100;

} // namespace

std::optional<int> status_after_reaping(int pidfd) noexcept {
    bool was_gone = false;
    for (int look = 0; look < most_looks; ++look) {
        Info info{};
        info.mask = info_exit;
        if (::ioctl(pidfd, get_info, &info) == 0) {
            if ((info.mask & info_exit) != 0)
                return info.exit_code;
            if (info.ppid != static_cast<std::uint32_t>(::getpid()))
                return std::nullopt;
            // POLLHUP comes unasked: it has been reaped.
            pollfd entry{.fd = pidfd, .events = 0, .revents = 0};
            static_cast<void>(::poll(&entry, 1, patience_ms));
        } else if (errno == ESRCH && !was_gone) {
            // The kernel looks for the status first, then for the process: both may have
            // changed between.
            was_gone = true;
        } else {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

} // namespace kspawn::internal
