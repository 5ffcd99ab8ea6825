// SPDX-License-Identifier: LGPL-2.1-or-later
/// Where the events of asynchronous starts go.
#ifndef KSPAWN_LIB_COMPLETION_HPP
#define KSPAWN_LIB_COMPLETION_HPP

#include <kspawn/spawn_async.h>

#include <cstddef>

namespace kspawn::internal::completion {

/// Whether it was made for starts through libc: a pipe whose two ends are one
/// descriptor, so that events are written to what they are read from.
bool is_of_libc(int descriptor) noexcept;

/// Whether such a descriptor has room for so many events more.
bool has_room(int descriptor, std::size_t events = 1) noexcept;

/// Writes an event, waiting for room if other threads have taken it since.
void post(int descriptor, const kspawn_event& event) noexcept;

} // namespace kspawn::internal::completion

#endif
