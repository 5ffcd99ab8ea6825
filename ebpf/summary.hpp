// SPDX-License-Identifier: LGPL-2.1-or-later
/// A trace as a page of text for one who reads it the first time.
#ifndef KSPAWN_TRACE_SUMMARY_HPP
#define KSPAWN_TRACE_SUMMARY_HPP

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "assembler.hpp"
#include "histogram.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace kspawn::trace {

class Summary : public Sink {
public:
    void take(const Finding& finding) override;

    void print(std::FILE* file, const Options& options, const Outcome& outcome) const;

private:
    struct WayCounts {
        Histogram duration;
        Histogram blocked;
        std::uint64_t executed = 0;
        std::uint64_t user_code = 0;
        std::uint64_t open = 0;
    };
    struct Program {
        std::array<std::uint64_t, way_names.size()> ways{};
        Histogram duration;
    };

    struct Row {
        std::uint64_t count;
        const Histogram* times;
        std::string words;
    };

    void take_window(const Finding& finding);
    void print_ways(std::FILE* file) const;
    void print_histograms(std::FILE* file) const;
    static std::vector<Row> rows_of(const std::map<std::string, Program>& programs);
    static void print_rows(std::FILE* file, const char* title, const std::vector<Row>& rows);

    std::array<WayCounts, way_names.size()> ways_;
    std::map<std::string, Program> callers_;  ///< by the caller's comm
    std::map<std::string, Program> programs_; ///< by path
    std::map<std::string, Histogram> stalls_; ///< by who waited for what
};

} // namespace kspawn::trace

#endif
