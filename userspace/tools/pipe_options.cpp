// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipe_options.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "command_line.hpp"
#include "exit_code.hpp"
#include "run_options.hpp"

namespace kspawn::tool {

namespace {

constexpr const char* description =
    "Start PROGRAMs, each of which reads what the one before it writes, through the\n"
    "kernel in one call, and wait for them; where the module kspawn cannot be used,\n"
    "through libc.";

constexpr const char* footer = R"(
Options end at the first PROGRAM or at "--".  A ":" that stands alone separates the
PROGRAMs; as an argument it is written "\:", and "\:" as "\\:".

Exit status: that of the last PROGRAM, or, with --pipefail, of the last that failed;
128+N if signal N killed it; 127 if one was not found; 126 if one cannot be executed;
125 if they could not be started for another reason, or if kspawn was called wrongly.
)";

// Backslashes and the separator: with one backslash less it is the argument.
std::string argument_of(std::string word, std::string_view separator) {
    const auto slashes = std::min(word.find_first_not_of('\\'), word.size());
    if (slashes > 0 && std::string_view(word).substr(slashes) == separator)
        word.erase(0, 1);
    return word;
}

std::vector<std::vector<std::string>> commands_of(std::vector<std::string> words,
                                                  const std::string& separator) {
    std::vector<std::vector<std::string>> commands(1);
    for (auto& word : words) {
        if (word == separator)
            commands.emplace_back();
        else
            commands.back().push_back(argument_of(std::move(word), separator));
    }
    if (std::ranges::any_of(commands, [](const auto& command) { return command.empty(); }))
        throw CLI::RequiredError("PROGRAM");
    return commands;
}

} // namespace

PipeRequest parse_pipe(std::vector<std::string> arguments) {
    PipeOptions options;
    CLI::App app{description, "kspawn pipe"};
    app.formatter(std::make_shared<HelpFormatter>(
        "kspawn pipe [OPTIONS] [--] PROGRAM [ARGUMENT...] [: PROGRAM [ARGUMENT...]]..."));
    say_mistakes_in_one_line(app, "kspawn pipe --help");
    app.footer(footer);
    app.prefix_command();
    app.add_flag("--all-or-none", options.all_or_none,
                 "Insist that no PROGRAM runs an instruction unless all can");
    app.add_flag("--pipefail", options.pipefail, "Exit as the last PROGRAM that failed");
    app.add_flag("--process-group", options.process_group, "Make them a new process group");
    app.add_flag("--foreground", options.foreground,
                 "Make them a new process group, in the foreground of the terminal");
    app.add_option("--separator", options.separator, "Separate PROGRAMs by WORD in place of \":\"")
        ->type_name("WORD");
    app.add_option_function<std::string>(
           "--backend", [&options](const std::string& text) { options.backend = backend_of(text); },
           "Start them through the kernel or libc: auto (default), kernel, libc")
        ->type_name("BACKEND");
    app.add_flag("-v,--verbose", options.verbose,
                 "Say which processes were started and how they ended");
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
        options.commands = commands_of(command_of(app.remaining()), options.separator);
    } catch (const CLI::ParseError& error) {
        return {{}, finish(app, error)};
    }
    return {std::move(options), exit_ok};
}

} // namespace kspawn::tool
