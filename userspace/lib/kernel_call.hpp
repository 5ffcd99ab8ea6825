// SPDX-License-Identifier: LGPL-2.1-or-later
/// The ABI's structure, and the ioctls of the device that take it.
#ifndef KSPAWN_LIB_KERNEL_CALL_HPP
#define KSPAWN_LIB_KERNEL_CALL_HPP

#include <kspawn/uapi.h>

#include "backend.hpp"

namespace kspawn::internal {

/// The arguments of the ioctl for a request, with its `program` or without; the kernel writes
/// into `result`.
kspawn_args kernel_args(const Request& request, bool program, Result& result) noexcept;

/// Asks /dev/kspawn.  Returns what the ioctl does, or -1, and then `result` tells the failure.
/// Leaves errno alone.
int ask_kernel(unsigned long command, kspawn_args& args, Result& result) noexcept;

} // namespace kspawn::internal

#endif
