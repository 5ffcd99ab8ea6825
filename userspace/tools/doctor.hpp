// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_DOCTOR_HPP
#define KSPAWN_TOOLS_DOCTOR_HPP

namespace kspawn::tool {

/// Finds out whether programs can be started here, says what stands in the way
/// and what to do about it, in words or in JSON; returns the exit status to end with.
int doctor(bool json);

} // namespace kspawn::tool

#endif
