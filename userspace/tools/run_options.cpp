// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_options.hpp"

#include <fmt/format.h>
#include <kspawn/backend.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string_view>
#include <utility>

#include "command_line.hpp"
#include "exit_code.hpp"
#include "lib/numbers.hpp"
#include "lib/policies.hpp"
#include "signal_names.hpp"

namespace kspawn::tool {

namespace {

using internal::whole_number;

constexpr const char* description =
    "Start PROGRAM through the kernel, in one step, and wait for it; where the\n"
    "module kspawn cannot be used, through libc.";

constexpr const char* footer = R"(
Options end at PROGRAM or at "--".  FILEs are opened, and relative to, where
kspawn was called; then --chdir takes effect; then PROGRAM is searched for, in the
PATH that it will see.  A SIGNAL is a name or a number, or several with commas.

Exit status: that of PROGRAM; 128+N if signal N killed it; 127 if it was not
found; 126 if it cannot be executed; 125 if it could not be started for another
reason, or if kspawn was called wrongly.
)";

Scheduling scheduling_of(std::string_view text) {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    const auto* const known = std::ranges::find_if(internal::policies, [&](const auto& policy) {
        return std::ranges::equal(
            name, policy.name, [](char left, char right) { return left == std::tolower(right); });
    });
    if (known == internal::policies.end())
        throw CLI::ValidationError("--sched", "POLICY is one of other, batch, idle, fifo, rr");
    Scheduling result{known->number, 0};
    if (colon == std::string_view::npos) {
        // The lowest one there is: 0, and 1 for the real-time policies.
        result.priority = ::sched_get_priority_min(known->number);
        return result;
    }
    const auto priority = whole_number(text.substr(colon + 1));
    if (!priority)
        throw CLI::ValidationError("--sched", "PRIORITY is a number");
    result.priority = *priority;
    return result;
}

StartBy call_of(std::string_view text) {
    if (text == "wait")
        return StartBy::wait;
    if (text == "spawn")
        return StartBy::spawn;
    if (text == "async")
        return StartBy::async;
    throw CLI::ValidationError("--call", "CALL is one of wait, spawn, async");
}

int signal_of(const std::string& option, const std::string& text) {
    const auto number = signal_number(text);
    if (!number)
        throw CLI::ValidationError(option, fmt::format("there is no signal {}", text));
    return *number;
}

void add_signals(CLI::App& app, const std::string& name, std::vector<int>& signals,
                 const std::string& help) {
    app.add_option_function<std::vector<std::string>>(
           name,
           [name, &signals](const std::vector<std::string>& texts) {
               for (const auto& text : texts)
                   signals.push_back(signal_of(name, text));
           },
           help)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("SIGNAL");
}

void add_program_options(CLI::App& app, RunOptions& options) {
    auto* const search =
        app.add_option("--path", options.search,
                       "Search for PROGRAM in these directories, separated by ':', and not in PATH")
            ->type_name("LIST");
    app.add_flag("--no-search", options.no_search, "Take PROGRAM for a file's name; do not search")
        ->excludes(search);
    app.add_option("--argv0", options.argv0, "The name that PROGRAM sees as its own (argv[0])")
        ->type_name("NAME");
    app.add_option("-C,--chdir", options.directory, "Start it in this directory")->type_name("DIR");
    app.add_flag("-i,--clear-env", options.clear_environment, "Start with an empty environment");
    app.add_option("-u,--unset", options.unset, "Remove a variable from the environment")
        ->allow_extra_args(false)
        ->type_name("NAME")
        ->check([](const std::string& text) {
            return text.empty() || text.find('=') != std::string::npos
                       ? "a variable's name is wanted"
                       : "";
        });
    app.add_option("-e,--env", options.set, "Set a variable, after those were removed")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE")
        ->check([](const std::string& text) {
            const auto equals = text.find('=');
            return equals == std::string::npos || equals == 0 ? "NAME=VALUE is wanted" : "";
        });
}

void add_descriptor_options(CLI::App& app, RunOptions& options) {
    app.add_option("--stdin", options.standard_input, "Read standard input from a file")
        ->type_name("FILE");
    app.add_option("--stdout", options.standard_output,
                   "Write standard output to a file, which is created or emptied")
        ->type_name("FILE");
    app.add_option("--stderr", options.standard_error,
                   "The same for standard error; the same FILE is opened only once")
        ->type_name("FILE");
    app.add_flag("--append", options.append, "Append to these files; do not empty them");
    app.add_option("--close-from", options.close_from, "Close descriptor N and all above it")
        ->check([](const std::string& text) {
            return whole_number(text).value_or(-1) < 0 ? "a descriptor's number is wanted" : "";
        })
        ->type_name("N");
    auto* const others = app.add_flag("--close-others", options.close_others,
                                      "Inherit no descriptor but 0, 1 and 2");
    app.add_option_function<std::vector<std::string>>(
           "--close-except",
           [&options](const std::vector<std::string>& texts) {
               for (const auto& text : texts) {
                   const auto number = whole_number(text);
                   if (!number || *number < 0)
                       throw CLI::ValidationError("--close-except", "N is a descriptor's number");
                   if (!options.kept)
                       options.kept.emplace();
                   options.kept->push_back(*number);
               }
           },
           "Close all above 2 but these; several with commas")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("N")
        ->excludes(others);
}

void add_process_options(CLI::App& app, RunOptions& options) {
    auto* const group = app.add_flag("--pgroup{0}")
                            ->description("Lead a new process group; with a PGID, join that one")
                            ->each([&options](const std::string& text) {
                                const auto number = whole_number(text);
                                if (!number || *number < 0)
                                    throw CLI::ValidationError("PGID is a process group's number");
                                options.process_group = *number;
                            })
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    auto* const session =
        app.add_flag("--setsid", options.session, "Lead a new session")->excludes(group);
    app.add_flag("--ctty", options.state.controlling_terminal,
                 "Make standard input the controlling terminal of that session")
        ->needs(session);
    app.add_flag("--default-signals", options.default_signals, "Set all signals to their default");
    add_signals(app, "--default-signal", options.default_signal, "Set a signal to its default");
    add_signals(app, "--ignore-signal", options.ignore_signal, "Ignore a signal");
    add_signals(app, "--block-signal", options.block_signal,
                "Block a signal, besides those "
                "that are blocked now");
    app.add_flag("--reset-ids", options.reset_ids,
                 "Set the effective user and group ID to the real ones");
    app.add_option("--cgroup", options.cgroup, "Start it in this cgroup (a directory of cgroup2)")
        ->type_name("DIR");
    app.add_option_function<std::string>(
           "--sched",
           [&options](const std::string& text) {
               options.scheduling = scheduling_of(text);
               options.scheduling_text = text;
           },
           "Scheduling policy (other, batch, idle, fifo, rr) and priority")
        ->type_name("POLICY[:PRIO]");
    app.add_option_function<std::string>(
           "--backend", [&options](const std::string& text) { options.backend = backend_of(text); },
           "Start it through the kernel or libc: auto (default), kernel, libc")
        ->type_name("BACKEND");
    app.add_option_function<std::string>(
           "--call", [&options](const std::string& text) { options.call = call_of(text); },
           "Start it and wait for it in one call (wait, default), in two (spawn), or "
           "asynchronously (async)")
        ->type_name("CALL");
    app.add_flag("-v,--verbose", options.verbose, "Say which process was started and how it ended");
}

} // namespace

int backend_of(std::string_view text) {
    if (text == "auto")
        return KSPAWN_BACKEND_AUTO;
    if (text == "kernel")
        return KSPAWN_BACKEND_KERNEL;
    if (text == "libc")
        return KSPAWN_BACKEND_LIBC;
    throw CLI::ValidationError("--backend", "BACKEND is one of auto, kernel, libc");
}

std::vector<std::string> command_of(std::vector<std::string> rest) {
    if (!rest.empty() && rest.front() == "--")
        rest.erase(rest.begin());
    else if (!rest.empty() && rest.front().size() > 1 && rest.front().front() == '-')
        throw CLI::ExtrasError({rest.front()});
    if (rest.empty())
        throw CLI::RequiredError("PROGRAM");
    return rest;
}

RunRequest parse_run(std::vector<std::string> arguments) {
    RunOptions options;
    CLI::App app{description, "kspawn run"};
    app.formatter(
        std::make_shared<HelpFormatter>("kspawn run [OPTIONS] [--] PROGRAM [ARGUMENT...]"));
    say_mistakes_in_one_line(app, "kspawn run --help");
    app.footer(footer);
    app.prefix_command();
    add_program_options(app, options);
    add_descriptor_options(app, options);
    add_process_options(app, options);
    add_state_options(app, options.state);
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
        options.command = command_of(app.remaining());
    } catch (const CLI::ParseError& error) {
        return {{}, finish(app, error)};
    }
    return {std::move(options), exit_ok};
}

} // namespace kspawn::tool
