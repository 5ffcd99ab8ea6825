// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preload_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <regex>
#include <sstream>
#include <string_view>

namespace kspawn::tool {

namespace {

constexpr std::array<std::string_view, 7> columns{"kernel", "failed", "libc", "fork",
                                                  "vfork",  "clone",  "exec"};

unsigned long number_of(std::string_view text) {
    unsigned long number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// A program may call itself anything, and this goes to a terminal.
std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char letter) { return std::iscntrl(static_cast<unsigned char>(letter)) != 0; }, '?');
    return text;
}

} // namespace

PreloadCounts::PreloadCounts(std::istream& lines) {
    for (std::string line; std::getline(lines, line);)
        read(line);
}

void PreloadCounts::read(const std::string& line) {
    static const std::regex form{R"(kspawn-preload: (.*)\[(\d+)\]: (.*))"};
    static const std::regex reason{R"(libc=(\d+): (.*))"};
    std::smatch parts;
    if (!std::regex_match(line, parts, form))
        return;
    auto& program = programs_[printable(parts[1])];
    program.processes.insert(parts[2]);
    const std::string rest = parts[3];
    if (std::regex_match(rest, parts, reason)) {
        reasons_[printable(parts[2])] += number_of(parts[1].str());
        return;
    }
    std::istringstream fields{rest};
    for (std::string field; fields >> field;) {
        if (const auto sign = field.find('='); sign != std::string::npos)
            program.counts[field.substr(0, sign)] += number_of(field.substr(sign + 1));
    }
}

unsigned long PreloadCounts::sum(std::string_view what) const {
    unsigned long all = 0;
    for (const auto& [name, program] : programs_) {
        if (const auto found = program.counts.find(what); found != program.counts.end())
            all += found->second;
    }
    return all;
}

std::string PreloadCounts::text() const {
    if (programs_.empty())
        return "kspawn: no process that has ended had the library: the program may be linked\n"
               "statically or to another libc, be set-user-ID, or have been killed\n";
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out,
                   "kspawn: {} started by the kernel, {} that it refused, {} left to libc; past\n"
                   "the library: {} fork, {} vfork, {} clone, {} exec\n",
                   sum("kernel"), sum("failed"), sum("libc"), sum("fork"), sum("vfork"),
                   sum("clone"), sum("exec"));
    for (const auto& [reason, count] : reasons_)
        fmt::format_to(out, "left to libc, {}: {}\n", count, reason);

    std::size_t widest = std::string_view("PROGRAM").size();
    for (const auto& [name, program] : programs_)
        widest = std::max(widest, name.size());
    fmt::format_to(out, "{:<{}}  processes", "PROGRAM", widest);
    for (const auto column : columns)
        fmt::format_to(out, "  {:>6}", column);
    for (const auto& [name, program] : programs_) {
        fmt::format_to(out, "\n{:<{}}  {:>9}", name, widest, program.processes.size());
        for (const auto column : columns) {
            const auto found = program.counts.find(column);
            fmt::format_to(out, "  {:>6}", found != program.counts.end() ? found->second : 0);
        }
    }
    text += '\n';
    return text;
}

} // namespace kspawn::tool
