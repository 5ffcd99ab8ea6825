// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_FILE_ACTIONS_HPP
#define KSPAWN_LIB_FILE_ACTIONS_HPP

#include <kspawn/spawn.h>

#include <fcntl.h>

#include <span>

namespace kspawn::internal::file_actions {

/// Marks an object between init and destroy.
inline constexpr unsigned magic = 0x6b736661;

inline bool valid(const kspawn_spawn_file_actions_t* object) noexcept {
    return object != nullptr && object->private_members.magic == magic;
}

/// Operations that no libc has; an Expansion says them in what it has.
inline constexpr unsigned inherit = KSPAWN_ACTION_INHERIT;         ///< fd
inline constexpr unsigned close_range = KSPAWN_ACTION_CLOSE_RANGE; ///< fd to newfd; to INT_MAX: all

/// What open() knows: VALID_OPEN_FLAGS of the kernel.  O_SYNC includes O_DSYNC, and
/// O_TMPFILE includes O_DIRECTORY; O_LARGEFILE is 0 to glibc.
inline constexpr unsigned known_open_flags =
    O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC |
    O_DIRECT | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE | 0100000U;

/// The actions of a valid object, kept the way the kernel reads them so that a
/// start need not translate them.
inline std::span<kspawn_action> actions_of(const kspawn_spawn_file_actions_t& object) noexcept {
    return {static_cast<kspawn_action*>(object.private_members.actions),
            object.private_members.count};
}

} // namespace kspawn::internal::file_actions

#endif
