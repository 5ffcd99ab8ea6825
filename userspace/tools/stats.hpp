// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_STATS_HPP
#define KSPAWN_TOOLS_STATS_HPP

#include <string>

namespace kspawn::tool {

/// Where the module keeps its counters, one number to a file.
inline constexpr const char* stats_directory = "/sys/class/misc/kspawn/stats";

/// Prints the counters of a directory and returns the exit status to end with.
int stats(const std::string& directory, bool json);

} // namespace kspawn::tool

#endif
