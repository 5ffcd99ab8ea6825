// SPDX-License-Identifier: LGPL-2.1-or-later
/// Facts that the kernel tells of a process by its pidfd (PIDFD_GET_INFO).
#ifndef KSPAWN_LIB_COMMAND_PIDFD_INFO_HPP
#define KSPAWN_LIB_COMMAND_PIDFD_INFO_HPP

#include <optional>

namespace kspawn::internal {

/// How a child of this process has ended that somebody else has reaped, for which waitid()
/// fails with ECHILD.  Linux 6.15 and later keep it as long as there is a pidfd.
/// @return its wait status; nothing: this kernel does not tell, or it is the child of another
///         process and runs
std::optional<int> status_after_reaping(int pidfd) noexcept;

} // namespace kspawn::internal

#endif
