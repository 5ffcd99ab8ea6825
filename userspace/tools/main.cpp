// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn(1): start a program through the kernel; look whether that works here.
#include <fmt/format.h>
#include <kspawn/spawn.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "demo/demo.hpp"
#include "doctor.hpp"
#include "exit_code.hpp"
#include "pipe.hpp"
#include "preload.hpp"
#include "run.hpp"
#include "run_options.hpp"
#include "stats.hpp"

namespace kspawn::tool {

namespace {

constexpr const char* footer = R"(
`kspawn help COMMAND` tells more; so does the manual, kspawn(1).
)";

int main_without_run(std::vector<std::string> arguments) {
    CLI::App app{"Start programs in one step inside the kernel.", "kspawn"};
    app.set_version_flag("-V,--version", std::string("kspawn ") + kspawn_version());
    app.require_subcommand(1, 1);
    app.footer(footer);
    app.formatter(std::make_shared<HelpFormatter>("kspawn COMMAND [OPTIONS]"));
    say_mistakes_in_one_line(app, "kspawn --help");
    // For the list of commands only: what follows `run` is not ours to read.
    app.add_subcommand("run", "Start a program and wait for it");
    app.add_subcommand("pipe", "Start programs that read each other's output in one call");
    app.add_subcommand("demo", "Take a guided tour of what kspawn is for");
    app.add_subcommand("help", "Print this, or help on a COMMAND");
    auto* const doctor_command = app.add_subcommand(
        "doctor", "Find out whether programs can be started here, and if not, why");
    doctor_command->formatter(std::make_shared<HelpFormatter>("kspawn doctor [OPTIONS]"));
    bool json = false;
    doctor_command->add_flag("--json", json, "Print a JSON object");
    app.add_subcommand("preload", "Let a program that knows nothing of kspawn start others by it");
    auto* const stats_command =
        app.add_subcommand("stats", "Print what the module has counted since it was inserted");
    stats_command->formatter(std::make_shared<HelpFormatter>("kspawn stats [OPTIONS]"));
    stats_command->add_flag("--json", json, "Print a JSON object");
    std::string directory = stats_directory;
    stats_command
        ->add_option("--directory", directory, "Read the counters from here, one number to a file")
        ->type_name("DIR");

    if (!arguments.empty() && arguments.front() == "preload")
        return preload({arguments.begin() + 1, arguments.end()});
    if (!arguments.empty() && arguments.front() == "demo")
        return demo({arguments.begin() + 1, arguments.end()});
    const auto is_command = [&app](const std::string& name) {
        return !app.get_subcommands(
                       [&name](const CLI::App* command) { return command->check_name(name); })
                    .empty();
    };
    if (!arguments.empty() && !arguments.front().starts_with('-') &&
        !is_command(arguments.front())) {
        fmt::print(stderr, "kspawn: there is no command {} (see kspawn --help)\n",
                   arguments.front());
        return exit_failed;
    }
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return finish(app, error);
    }
    return doctor_command->parsed() ? doctor(json) : stats(directory, json);
}

// `help COMMAND` is `COMMAND --help`.
std::vector<std::string> without_help_command(std::vector<std::string> arguments) {
    if (arguments.empty() || arguments.front() != "help")
        return arguments;
    arguments.erase(arguments.begin());
    if (arguments.empty() || arguments.front() == "help")
        return {"--help"};
    arguments.emplace_back("--help");
    return arguments;
}

int main_of(std::vector<std::string> arguments) {
    arguments = without_help_command(std::move(arguments));
    if (!arguments.empty() && arguments.front() == "pipe")
        return pipe({arguments.begin() + 1, arguments.end()});
    if (arguments.empty() || arguments.front() != "run")
        return main_without_run(std::move(arguments));
    arguments.erase(arguments.begin());
    auto request = parse_run(std::move(arguments));
    return request.options ? run(*request.options) : request.exit_status;
}

} // namespace

} // namespace kspawn::tool

int main(int argc, char* argv[]) {
    try {
        // An empty argv is possible, and then there is nothing to skip.
        const int status = kspawn::tool::main_of({argv + std::min(argc, 1), argv + argc});
        if (std::fflush(stdout) != 0)
            throw std::system_error(errno, std::generic_category(), "standard output");
        return status;
    } catch (const std::exception& error) {
        fmt::print(stderr, "kspawn: {}\n", error.what());
        return kspawn::tool::exit_failed;
    }
}
