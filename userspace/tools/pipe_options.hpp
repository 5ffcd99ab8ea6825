// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_PIPE_OPTIONS_HPP
#define KSPAWN_TOOLS_PIPE_OPTIONS_HPP

#include <optional>
#include <string>
#include <vector>

namespace kspawn::tool {

/// The request that is made of `kspawn pipe`.
struct PipeOptions {
    std::vector<std::vector<std::string>> commands;
    bool all_or_none = false;
    bool pipefail = false;
    bool process_group = false;
    bool foreground = false;
    std::string separator = ":";
    std::optional<int> backend; ///< enum kspawn_backend
    bool verbose = false;
};

/// Reads what follows `kspawn pipe`.  Prints help or what is wrong and returns the
/// exit status in place of options.
struct PipeRequest {
    std::optional<PipeOptions> options;
    int exit_status = 0;
};
PipeRequest parse_pipe(std::vector<std::string> arguments);

} // namespace kspawn::tool

#endif
