// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_ATTRIBUTES_HPP
#define KSPAWN_LIB_ATTRIBUTES_HPP

#include <kspawn/spawn.h>

namespace kspawn::internal::attributes {

/// Marks an object between init and destroy.
inline constexpr unsigned magic = 0x6b736174;

inline bool valid(const kspawn_spawnattr_t* object) noexcept {
    return object != nullptr && object->private_members.magic == magic;
}

} // namespace kspawn::internal::attributes

#endif
