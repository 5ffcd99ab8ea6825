// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.hpp"

#include <kspawn/spawn.h>
#include <pwd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "printable.hpp"

namespace kspawn::trace {

namespace {

class Formatter : public CLI::Formatter {
public:
    Formatter() { column_width(26); }
    std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
        return "Usage: kspawn-trace [OPTIONS] [-- COMMAND [ARGUMENT...]]\n"
               "       kspawn-trace report --help\n";
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        const auto type = option->get_type_name();
        return type.empty() || option->get_expected_max() == 0 ? "" : " " + type;
    }
};

constexpr const char* footer = R"(; several with commas between.
Exit status: 0 clean, 1 found (of --fail-on), 2 unknown, 125 called wrongly,
126 cannot trace here, 127 the command cannot be started.
The manual, kspawn-trace(1), tells more.
)";

Kinds kinds_of(const std::string& list) {
    Kinds kinds{};
    std::string_view rest = list;
    while (true) {
        const auto comma = rest.find(',');
        const auto name = rest.substr(0, comma);
        const auto number = kind_number(name);
        if (number == kind_count)
            throw CLI::ValidationError("there is no kind \"" + std::string{name} +
                                       "\"; there are " + kind_names());
        kinds.at(number) = true;
        if (comma == std::string_view::npos)
            return kinds;
        rest.remove_prefix(comma + 1);
    }
}

std::uint32_t uid_of(const std::string& text) {
    std::uint32_t uid = 0;
    const auto* const end = text.data() + text.size();
    if (const auto [rest, error] = std::from_chars(text.data(), end, uid);
        error == std::errc{} && rest == end)
        return uid;
    const auto* const entry = ::getpwnam(text.c_str());
    if (entry == nullptr)
        throw CLI::ValidationError("there is no user \"" + text + "\"");
    return entry->pw_uid;
}

/// "50ms", "2s", "100us", "7ns"; without a unit, ms.
std::uint64_t nanoseconds_of(const std::string& text) {
    double number = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const std::string_view unit{rest, static_cast<std::size_t>(end - rest)};
    double factor = 0;
    if (unit == "ms" || unit.empty())
        factor = 1e6;
    else if (unit == "s")
        factor = 1e9;
    else if (unit == "us")
        factor = 1e3;
    else if (unit == "ns")
        factor = 1;
    if (error != std::errc{} || factor == 0 || number < 0 || number * factor > 1e18)
        throw CLI::ValidationError("\"" + text + "\" is not a time such as 10ms");
    return static_cast<std::uint64_t>(number * factor);
}

void check(const Options& options) {
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (options.fail_on.at(kind) && !options.kinds.at(kind))
            throw CLI::ValidationError("--fail-on " + std::string{all_kinds.at(kind)->name} +
                                       ": it is not among --kinds");
    }
    if (options.pid && !options.command.empty())
        throw CLI::ValidationError("--pid and a command exclude each other");
    if (options.children && !options.pid)
        throw CLI::ValidationError("--children needs --pid; a command's are always followed");
    if ((options.buffer_kib & (options.buffer_kib - 1)) != 0)
        throw CLI::ValidationError("--buffer must be a power of two");
}

} // namespace

bool Options::must_fail() const {
    return any(fail_on);
}

ParsedOptions parse_options(std::vector<std::string> arguments) {
    Options options;
    CLI::App app{"See the windows in which a child runs in its creator's memory, and what\n"
                 "happens in them.",
                 "kspawn-trace"};
    app.set_version_flag("--version", std::string("kspawn-trace ") + kspawn_version());
    app.footer("\nKinds: " + kind_names() + footer);
    app.formatter(std::make_shared<Formatter>());
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return std::string{"kspawn-trace: "} + without_controls(error.what()) +
               " (see kspawn-trace --help)\n";
    });
    app.prefix_command(false);

    std::string kinds;
    std::string fail_on;
    std::string uid;
    std::string fd_gap;
    std::string stall_min;
    app.add_option("-k,--kinds", kinds, "Trace only these kinds")->type_name("KIND[,KIND]");
    app.add_option("-p,--pid", options.pid, "Only what this process spawns")
        ->type_name("PID")
        ->check(CLI::PositiveNumber);
    app.add_flag("--children", options.children, "With --pid: its descendants too");
    app.add_option("-c,--comm", options.comm, "Only callers whose thread has this name")
        ->type_name("NAME");
    app.add_option("-u,--uid", uid, "Only callers with this real user ID")->type_name("UID");
    app.add_option("-d,--duration", options.duration, "Stop after so many seconds")
        ->type_name("SECONDS")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", options.json, "Print one JSON object a line");
    app.add_option("-o,--output", options.output, "Print to this file")->type_name("FILE");
    app.add_flag("-s,--summary", options.summary_only, "Print no events, only the summary");
    app.add_flag("-q,--quiet", options.quiet,
                 "Print nothing but to --output; the exit status tells");
    app.add_option("--fail-on", fail_on,
                   "Exit with 1 if one of these was found, with 2 if it is unknown")
        ->type_name("KIND[,KIND]");
    app.add_option("--fd-gap", fd_gap,
                   "fds: how long before a spawn a descriptor may have been opened (100ms)")
        ->type_name("TIME");
    app.add_option("--stall-min", stall_min, "stalls: leave out shorter waits (1ms)")
        ->type_name("TIME");
    app.add_option("--buffer", options.buffer_kib, "Size of the ring buffer in KiB (4096)")
        ->type_name("KIB")
        ->check(CLI::Range(4, 1 << 20));
    app.add_option("--max-windows", options.max_windows,
                   "How many windows may be open at a time (16384)")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 22));
    app.add_option("--max-descriptors", options.max_descriptors,
                   "fds: how many descriptors may be followed at a time (16384)")
        ->type_name("N")
        ->check(CLI::Range(1, 1 << 22));
    app.add_option("--without-hook", options.without_hooks, "Do without this hook; may be repeated")
        ->type_name("HOOK")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

    // Arguments after -- are not ours to read.
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    const bool has_command = separator != arguments.end();
    if (has_command)
        options.command.assign(separator + 1, arguments.end());
    arguments.erase(separator, arguments.end());
    std::reverse(arguments.begin(), arguments.end()); // as parse() wants them
    try {
        app.parse(std::move(arguments));
        if (has_command && options.command.empty())
            throw CLI::ValidationError("there is no command after --");
        if (!kinds.empty())
            options.kinds = kinds_of(kinds);
        if (!fail_on.empty())
            options.fail_on = kinds_of(fail_on);
        if (!uid.empty())
            options.uid = uid_of(uid);
        if (!fd_gap.empty())
            options.fd_gap = nanoseconds_of(fd_gap);
        if (!stall_min.empty())
            options.stall_min = nanoseconds_of(stall_min);
        check(options);
    } catch (const CLI::ParseError& error) {
        const bool asked_for = error.get_exit_code() == 0;
        app.exit(error, std::cout, std::cerr);
        return {{}, asked_for ? exit_clean : exit_usage};
    }
    return {std::move(options), exit_clean};
}

} // namespace kspawn::trace
