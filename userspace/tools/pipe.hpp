// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_PIPE_HPP
#define KSPAWN_TOOLS_PIPE_HPP

#include <string>
#include <vector>

namespace kspawn::tool {

/// `kspawn pipe`: starts programs that read each other's output, waits for them, and
/// returns the exit status.
int pipe(std::vector<std::string> arguments);

} // namespace kspawn::tool

#endif
