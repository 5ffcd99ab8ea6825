// SPDX-License-Identifier: LGPL-2.1-or-later
/// The counts that libkspawn-preload.so writes for KSPAWN_STATS, read and added up.
#ifndef KSPAWN_TOOLS_PRELOAD_COUNTS_HPP
#define KSPAWN_TOOLS_PRELOAD_COUNTS_HPP

#include <istream>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace kspawn::tool {

class PreloadCounts {
public:
    explicit PreloadCounts(std::istream& lines);

    /// For a person: the sum, the reasons why something was left to libc, and a table
    /// of the programs.
    [[nodiscard]] std::string text() const;

private:
    using Counts = std::map<std::string, unsigned long, std::less<>>;
    struct Program {
        std::set<std::string> processes;
        Counts counts;
    };

    void read(const std::string& line);
    [[nodiscard]] unsigned long sum(std::string_view what) const;

    std::map<std::string, Program> programs_;
    Counts reasons_;
};

} // namespace kspawn::tool

#endif
