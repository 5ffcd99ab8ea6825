// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_FAILURE_HPP
#define KSPAWN_LIB_FAILURE_HPP

#include <span>

#include "backend.hpp"

namespace kspawn::internal::failure {

/// Remembers a failed start for the calling thread.
void remember(const Request& request, const Result& result) noexcept;

/// A failure in words, cut where they do not fit.
void describe_in(std::span<char> buffer, const Request& request, const Result& result) noexcept;

/// Why the device cannot be used, for an error of opening or asking it.
const char* device_hint(int error) noexcept;

/// Why the kernel refuses the calling thread: KSPAWN_STEP_POLICY.
const char* policy_hint() noexcept;

} // namespace kspawn::internal::failure

#endif
