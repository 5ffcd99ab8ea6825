// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_CHILD_STATE_HPP
#define KSPAWN_LIB_COMMAND_CHILD_STATE_HPP

#include <kspawn/child.hpp>

#include <utility>
#include <vector>

namespace kspawn {

/// It is allocated before the child exists, so that to let go of one, which
/// links it into the list of the abandoned, needs no memory.
struct KSPAWN_HIDDEN Child::State {
    pid_t pid = 0;
    FileDescriptor pidfd;
    std::optional<ExitStatus> status;
    State* next = nullptr;
    std::vector<std::pair<int, FileDescriptor>> pipes; ///< our ends, by the child's numbers

    /// waitid() on it.
    /// @param options WNOHANG or 0
    /// @return whether it has ended, and was reaped
    bool reap(int options, std::error_code& error) noexcept;
    /// The same; and if somebody else has reaped it, the kernel is asked how it ended.
    /// @return whether the status is known
    bool learn(int options, std::error_code& error) noexcept;
};

namespace internal {

/// Looks through the list of the abandoned when it has been called as often as there were
/// children in it the last time, so that the cost of one call does not grow with the list.
void reap_some_abandoned() noexcept;

/// Lets go of a child, and reaps some of those that have ended.
void abandon(std::unique_ptr<Child::State> state) noexcept;

} // namespace internal

} // namespace kspawn

#endif
