// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_EXIT_CODE_HPP
#define KSPAWN_TOOLS_EXIT_CODE_HPP

namespace kspawn::tool {

/// Exit statuses of env(1), timeout(1) and the shell.
enum ExitCode : int {
    exit_ok = 0,
    exit_unusable = 1,         ///< doctor, demo: programs cannot be started here
    exit_failed = 125,         ///< kspawn itself failed
    exit_not_executable = 126, ///< the program was found but cannot be executed
    exit_not_found = 127,      ///< the program was not found
};

} // namespace kspawn::tool

#endif
