// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_OPEN_DESCRIPTORS_HPP
#define KSPAWN_LIB_OPEN_DESCRIPTORS_HPP

#include "memory.hpp"

namespace kspawn::internal {

/// Whether a number is a descriptor of the calling thread now.
bool is_open(int descriptor) noexcept;

/// Adds the calling thread's descriptors from `first` to `last` to a list, in no
/// order.  What other threads open or close meanwhile may be in it or not.
/// 0, or ENOMEM.
int list_open(int first, int last, List<int>& list) noexcept;

} // namespace kspawn::internal

#endif
