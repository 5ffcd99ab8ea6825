// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preload.hpp"

#include <fmt/format.h>
#include <kspawn/command.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "command_line.hpp"
#include "exit_code.hpp"
#include "preload_counts.hpp"
#include "scratch.hpp"
#include "waiting.hpp"

namespace kspawn::tool {

namespace {

constexpr const char* description =
    "Run PROGRAM with libkspawn-preload.so: what it starts with posix_spawn(),\n"
    "popen() or system() is started by the kernel.";

constexpr const char* footer = R"(
Without --tree the library is for PROGRAM's own process, and its children are as
ever: to be loaded costs a process more than one start by the kernel saves.

Without --stats kspawn becomes PROGRAM.  Exit status: that of PROGRAM; 128+N if
signal N killed it; 127 if it was not found; 126 if it cannot be executed; 125 if
it could not be started for another reason, or if kspawn was called wrongly.
)";

struct Options {
    bool tree = false;
    bool stats = false;
    std::vector<std::string> command;
};

struct Request {
    Options options;
    int exit_status = exit_ok;
    bool go_on = false;
};

Request parse(std::vector<std::string> arguments) {
    Request request;
    CLI::App app{description, "kspawn preload"};
    app.formatter(std::make_shared<HelpFormatter>(
        "kspawn preload [--tree] [--stats] [--] PROGRAM [ARGUMENT...]"));
    say_mistakes_in_one_line(app, "kspawn preload --help");
    app.footer(footer);
    app.prefix_command();
    app.add_flag("--tree", request.options.tree, "Load it into all that PROGRAM starts as well");
    app.add_flag("--stats", request.options.stats,
                 "When PROGRAM has ended, say what was started in which way");
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
        auto& command = request.options.command;
        command = app.remaining();
        if (!command.empty() && command.front() == "--")
            command.erase(command.begin());
        else if (!command.empty() && command.front().starts_with('-'))
            throw CLI::ExtrasError({command.front()});
        if (command.empty())
            throw CLI::RequiredError("PROGRAM");
        request.go_on = true;
    } catch (const CLI::ParseError& error) {
        request.exit_status = finish(app, error);
    }
    return request;
}

// Beside us in a build, else where both are installed, wherever that was moved to.
std::filesystem::path find_library() {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const std::string name = "libkspawn-preload.so";
    for (const auto& directory : {here, here.parent_path() / KSPAWN_LIBRARY_DIRECTORY,
                                  std::filesystem::path(KSPAWN_FULL_LIBRARY_DIRECTORY)}) {
        if (std::filesystem::exists(directory / name))
            return directory / name;
    }
    throw std::runtime_error(fmt::format("{} is neither in {} nor in {}", name, here.string(),
                                         KSPAWN_FULL_LIBRARY_DIRECTORY));
}

// Sets a variable of our own environment, which PROGRAM inherits.
void set_variable(const char* name, const std::string& value) {
    if (::setenv(name, value.c_str(), 1) != 0)
        throw std::system_error(errno, std::generic_category(), name);
}

void prepare_environment(const std::string& library, const Options& options) {
    // The dynamic linker knows no way to quote one.
    if (library.find_first_of(": ") != std::string::npos)
        throw std::runtime_error(library + ": LD_PRELOAD can have no ':' and no ' ' in a name");
    const char* const others = std::getenv("LD_PRELOAD");
    const bool alone = others == nullptr || *others == '\0';
    set_variable("LD_PRELOAD", alone ? library : library + ":" + others);
    if (options.tree)
        ::unsetenv("KSPAWN_INHERIT");
    else
        set_variable("KSPAWN_INHERIT", "0");
}

int cannot_execute(const std::string& program, int error) {
    fmt::print(stderr, "kspawn: {}: {}\n", program, std::generic_category().message(error));
    switch (error) {
    case ENOENT:
        return exit_not_found;
    case EACCES:
    case ENOEXEC:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return exit_not_executable;
    default:
        return exit_failed;
    }
}

/// A file for the counts, gone at the end.
class CountsFile {
public:
    CountsFile() {
        std::ofstream{path()}.close();
        // A process that root starts may become another user before it starts others.
        if (::geteuid() == 0 &&
            (::chmod(scratch_.path().c_str(), 0711) != 0 || ::chmod(path().c_str(), 0622) != 0))
            throw std::system_error(errno, std::generic_category(), path());
    }
    [[nodiscard]] std::string path() const { return scratch_.file("counts"); }

private:
    Scratch scratch_{"kspawn-preload"};
};

int run_and_tell(const std::vector<std::string>& command) {
    const CountsFile counts;
    set_variable("KSPAWN_STATS", counts.path());
    Command program(command.front());
    program.args({command.begin() + 1, command.end()});
    kspawn::ExitStatus status;
    {
        const Relay relay;
        program.signal_mask(relay.original_mask());
        if (relay.ignores_sigchld())
            program.ignore_signals({SIGCHLD});
        try {
            status = program.status(Relay::pid(), Relay::pidfd());
        } catch (const SpawnError& error) {
            return cannot_execute(command.front(), error.code().value());
        }
    }
    std::ifstream lines{counts.path()};
    fmt::print(stderr, "{}", PreloadCounts{lines}.text());
    return status.shell_code();
}

} // namespace

int preload(std::vector<std::string> arguments) {
    auto [options, exit_status, go_on] = parse(std::move(arguments));
    if (!go_on)
        return exit_status;
    prepare_environment(find_library(), options);
    if (options.stats)
        return run_and_tell(options.command);
    std::vector<char*> argv;
    for (auto& argument : options.command)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execvp(argv.front(), argv.data());
    return cannot_execute(options.command.front(), errno);
}

} // namespace kspawn::tool
