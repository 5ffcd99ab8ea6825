// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_DOCTOR_HPP
#define KSPAWN_TOOLS_DOCTOR_HPP

namespace kspawn::tool {

/// Finds out whether programs can be started here, says what stands in the way
/// and what to do about it, and returns the exit status to end with.
int doctor();

} // namespace kspawn::tool

#endif
