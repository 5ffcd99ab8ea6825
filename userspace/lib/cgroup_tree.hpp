// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_CGROUP_TREE_HPP
#define KSPAWN_LIB_CGROUP_TREE_HPP

#include "descriptor.hpp"

namespace kspawn::internal {

/// All processes in a cgroup of version 2 and in those below it.
class CgroupTree {
public:
    /// @param directory stays the caller's
    /// @return 0 or an error number
    int open(int directory) noexcept;

    explicit operator bool() const noexcept { return static_cast<bool>(events_); }
    /// Has POLLPRI when populated() may have changed.
    [[nodiscard]] const Descriptor& events() const noexcept { return events_; }

    /// Kills them all.  Without cgroup.kill it has to be called again until none is left.
    void kill() noexcept;
    [[nodiscard]] bool kills_at_once() const noexcept { return static_cast<bool>(kill_); }
    /// Whether there are any that have not ended.
    [[nodiscard]] bool populated() const noexcept;
    /// Kills them and waits until they have ended.
    void kill_and_wait() noexcept;

    /// How long to wait before the next kill(), in milliseconds.
    static constexpr int round_ms = 10;

private:
    Descriptor events_;
    Descriptor kill_;      // cgroup.kill; none: this Linux has none
    Descriptor directory_; // without it
};

} // namespace kspawn::internal

#endif
