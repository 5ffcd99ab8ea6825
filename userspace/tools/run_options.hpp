// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_RUN_OPTIONS_HPP
#define KSPAWN_TOOLS_RUN_OPTIONS_HPP

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state_options.hpp"

namespace kspawn::tool {

struct Scheduling {
    int policy;
    int priority;
};

/// Which function of the library starts the program.
enum class StartBy {
    wait,  ///< kspawn_spawn_wait_np()
    spawn, ///< kspawn_spawn_search_np(), and a wait
    async, ///< kspawn_spawn_async_np(), its event, and a wait
};

/// The options of `kspawn run`, and the command.
struct RunOptions {
    std::vector<std::string> command;
    std::optional<std::string> argv0;
    std::optional<std::string> search;
    bool no_search = false;

    std::optional<std::string> directory;
    bool clear_environment = false;
    std::vector<std::string> unset;
    std::vector<std::string> set;

    std::optional<std::string> standard_input;
    std::optional<std::string> standard_output;
    std::optional<std::string> standard_error;
    bool append = false;
    std::optional<int> close_from;
    bool close_others = false;
    std::optional<std::vector<int>> kept; ///< all others above 2 are closed

    std::optional<pid_t> process_group;
    bool session = false;
    bool default_signals = false;
    std::vector<int> default_signal;
    std::vector<int> ignore_signal;
    std::vector<int> block_signal;
    bool reset_ids = false;

    StateOptions state;

    std::optional<std::string> cgroup;
    std::optional<Scheduling> scheduling;
    std::string scheduling_text; ///< as it was said
    std::optional<int> backend;  ///< enum kspawn_backend
    StartBy call = StartBy::wait;
    bool verbose = false;
};

/// Reads what follows `kspawn run`.  Prints help or what is wrong and returns the
/// exit status in place of options.
struct RunRequest {
    std::optional<RunOptions> options;
    int exit_status = 0;
};
RunRequest parse_run(std::vector<std::string> arguments);

/// enum kspawn_backend of a BACKEND.
/// @throws CLI::ValidationError
int backend_of(std::string_view text);

/// The command: the rest of the arguments, behind "--" if there was one.
/// @throws CLI::ParseError if there is none
std::vector<std::string> command_of(std::vector<std::string> rest);

} // namespace kspawn::tool

#endif
