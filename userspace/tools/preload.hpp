// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_PRELOAD_HPP
#define KSPAWN_TOOLS_PRELOAD_HPP

#include <string>
#include <vector>

namespace kspawn::tool {

/// `kspawn preload`: becomes a program that has libkspawn-preload.so, or runs it and
/// says what it has started.  Takes what follows "preload"; returns the exit status
/// to end with, if it returns.
int preload(std::vector<std::string> arguments);

} // namespace kspawn::tool

#endif
