// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_RUN_HPP
#define KSPAWN_TOOLS_RUN_HPP

#include "run_options.hpp"

namespace kspawn::tool {

/// Starts the program, waits for it and returns the exit status to end with.
int run(const RunOptions& options);

} // namespace kspawn::tool

#endif
