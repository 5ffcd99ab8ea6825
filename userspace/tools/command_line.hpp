// SPDX-License-Identifier: LGPL-2.1-or-later
/// What all our commands have in common on the command line.
#ifndef KSPAWN_TOOLS_COMMAND_LINE_HPP
#define KSPAWN_TOOLS_COMMAND_LINE_HPP

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "exit_status.hpp"

namespace kspawn::tool {

/// Help in the manner of the other tools of the system.
class HelpFormatter : public CLI::Formatter {
public:
    explicit HelpFormatter(std::string synopsis) : synopsis_(std::move(synopsis)) {
        column_width(26);
    }
    std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
        return fmt::format("Usage: {}\n", synopsis_);
    }
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        auto name = option->get_name(positional, true);
        // How CLI11 marks a flag that may have a value: --pgroup, --pgroup=4711.
        if (const auto value = name.find("{0}"); value != std::string::npos)
            name.replace(value, 3, "[=PGID]");
        return name;
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        const auto type = option->get_type_name();
        return type.empty() || option->get_expected_max() == 0 ? "" : " " + type;
    }

private:
    std::string synopsis_;
};

/// Makes the mistakes of a caller one line, with our name in front.
inline void say_mistakes_in_one_line(CLI::App& app, std::string help) {
    app.failure_message([help = std::move(help)](const CLI::App*, const CLI::Error& error) {
        return fmt::format("kspawn: {} (see {})\n", error.what(), help);
    });
}

/// Prints help, the version, or what was wrong, and returns the exit status.
inline int finish(const CLI::App& app, const CLI::ParseError& error) {
    const bool asked_for = error.get_exit_code() == exit_ok;
    app.exit(error, std::cout, std::cerr);
    return asked_for ? exit_ok : exit_failed;
}

} // namespace kspawn::tool

#endif
