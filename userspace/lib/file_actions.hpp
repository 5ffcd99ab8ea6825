// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_FILE_ACTIONS_HPP
#define KSPAWN_LIB_FILE_ACTIONS_HPP

#include <kspawn/spawn.h>

#include <span>

#include "kmod/uapi/kspawn.h"

namespace kspawn::internal::file_actions {

/// Marks an object between init and destroy.
inline constexpr unsigned magic = 0x6b736661;

inline bool valid(const kspawn_spawn_file_actions_t* object) noexcept {
    return object != nullptr && object->private_members.magic == magic;
}

/// Operations that only the library has; an Expansion says them in the kernel's.
inline constexpr unsigned inherit = 0x10000001;     ///< fd
inline constexpr unsigned close_range = 0x10000002; ///< fd to newfd; to INT_MAX: all above

/// The actions of a valid object, kept the way the kernel reads them so that a
/// start need not translate them, unless one is of the library's own.
inline std::span<kspawn_action> actions_of(const kspawn_spawn_file_actions_t& object) noexcept {
    return {static_cast<kspawn_action*>(object.private_members.actions),
            object.private_members.count};
}

} // namespace kspawn::internal::file_actions

#endif
