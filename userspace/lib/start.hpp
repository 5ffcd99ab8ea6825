// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_START_HPP
#define KSPAWN_LIB_START_HPP

#include "backend.hpp"

namespace kspawn::internal {

/// The error for a caller who has asked for a program, and not for the device that could not
/// be used for an error of this number.
int visible_device_error(int error) noexcept;

/// Checks the objects, starts the program, and remembers a failure.
Result start(const Request& request) noexcept;

/// Remembers a failure, as the caller is told it.
Result fail(const Request& request, Result result) noexcept;

/// KSPAWN_ARG_* of the object that was not initialised, or -1.
int invalid_part(const Request& request) noexcept;

/// Remembers that a part of the request is not valid (EINVAL).
Result refuse(Request request, unsigned part) noexcept;

} // namespace kspawn::internal

#endif
