// SPDX-License-Identifier: LGPL-2.1-or-later
/// The ABI's structure, and the ioctls of the device that take it.
#ifndef KSPAWN_LIB_KERNEL_CALL_HPP
#define KSPAWN_LIB_KERNEL_CALL_HPP

#include <kspawn/uapi.h>

#include "backend.hpp"

namespace kspawn::internal {

/// The arguments of the ioctl for a request, with its `program` or without; the kernel writes
/// into `result`.
kspawn_args kernel_args(const Request& request, bool program, kspawn_result& result) noexcept;

/// The same for a start, with what depends on when the call returns.
kspawn_args start_args(const Request& request, kspawn_result& result) noexcept;

/// Asks /dev/kspawn.  Returns what the ioctl does, or -1, and then `result` tells the failure.
/// Leaves errno alone.
int ask_kernel(unsigned long command, kspawn_args& args, Result& result) noexcept;

/// Whether a descriptor of the device is another file by now.
bool lost(int descriptor) noexcept;

} // namespace kspawn::internal

#endif
