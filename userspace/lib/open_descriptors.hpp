// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_OPEN_DESCRIPTORS_HPP
#define KSPAWN_LIB_OPEN_DESCRIPTORS_HPP

#include <kspawn/uapi.h>

#include <span>

#include "memory.hpp"

namespace kspawn::internal {

/// Whether a number is a descriptor of the calling thread now.
bool is_open(int descriptor) noexcept;

/// Whether a number is not below the limit of the moment (RLIMIT_NOFILE), so that libc
/// refuses it.
bool above_the_limit(int descriptor) noexcept;

/// The state in which an action finds a number.
enum class Slot {
    empty, ///< nothing
    ours,  ///< the calling thread's descriptor
    made,  ///< what an action before it has put there
};

/// The state of a number after these actions.
Slot slot(std::span<const kspawn_action> before, int descriptor) noexcept;

/// Adds the calling thread's descriptors from `first` to `last` to a list, in no
/// order.  Those that other threads open or close meanwhile may be in it or not.
/// 0, or ENOMEM.
int list_open(int first, int last, List<int>& list) noexcept;

} // namespace kspawn::internal

#endif
