// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_DEMO_TINY_PROGRAM_HPP
#define KSPAWN_TOOLS_DEMO_TINY_PROGRAM_HPP

#include <string>

namespace kspawn::tool {

/// Writes an executable file for x86-64 that calls exit(0) and does nothing else: with it a start
/// is measured, and not what the dynamic linker does.
/// @throws std::system_error
void write_tiny_program(const std::string& path);

} // namespace kspawn::tool

#endif
