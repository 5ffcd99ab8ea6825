// SPDX-License-Identifier: LGPL-2.1-or-later
/// The common part of the command lines of all our commands.
#ifndef KSPAWN_TOOLS_COMMAND_LINE_HPP
#define KSPAWN_TOOLS_COMMAND_LINE_HPP

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "exit_code.hpp"

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

/// CLI11's message about a mistake, in words that do not speak of its own notions.
inline std::string in_plain_words(std::string text) {
    const auto replace = [&text](std::string_view from, std::string_view to) {
        const auto at = text.find(from);
        if (at != std::string::npos)
            text.replace(at, from.size(), to);
        return at != std::string::npos;
    };
    // "--stdin: At Most 1 required but received 2"
    if (const auto at = text.find(": At Most 1 required"); at != std::string::npos)
        return text.substr(0, at) + " was given more than once";
    // "--chdir: 1 required DIR missing"
    if (text.ends_with(" missing") && replace(": 1 required ", " needs a "))
        text.erase(text.size() - std::string_view(" missing").size());
    for (const std::string_view prefix : {"The following argument was not expected: ",
                                          "The following arguments were not expected: "}) {
        if (text.starts_with(std::string(prefix) + '-'))
            replace(prefix, "there is no option ");
        else if (text.starts_with(prefix))
            text = text.substr(prefix.size()) + " was not expected";
    }
    replace("A subcommand is required", "COMMAND is required");
    return text;
}

/// Makes the mistakes of a caller one line, with our name in front.
inline void say_mistakes_in_one_line(CLI::App& app, std::string help) {
    app.failure_message([help = std::move(help)](const CLI::App*, const CLI::Error& error) {
        return fmt::format("kspawn: {} (see {})\n", in_plain_words(error.what()), help);
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
