// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_RUN_HPP
#define KSPAWN_TOOLS_RUN_HPP

#include <kspawn/error.hpp>
#include <kspawn/exit_status.hpp>
#include <sys/types.h>

#include "run_options.hpp"

namespace kspawn::tool {

/// Starts the program, waits for it and returns the exit status to end with.
int run(const RunOptions& options);

/// The exit status that a shell gives for a start that has failed.
int exit_status_of(const SpawnError& error);

/// Says on standard error how a process has ended.
void report_end(pid_t pid, kspawn::ExitStatus status);

} // namespace kspawn::tool

#endif
