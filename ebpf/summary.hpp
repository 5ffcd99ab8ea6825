// SPDX-License-Identifier: LGPL-2.1-or-later
/// A trace as a page of text for one who reads it the first time.
#ifndef KSPAWN_TRACE_SUMMARY_HPP
#define KSPAWN_TRACE_SUMMARY_HPP

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "events.hpp"
#include "histogram.hpp"
#include "kinds.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace kspawn::trace {

class Summary : public Sink {
public:
    void take(const WindowEvent& event) override;
    void take(const CredsEvent& event) override;
    void take(const SignalEvent& event) override;
    void take(const DescriptorEvent& event) override;
    void take(const StallEvent& event) override;

    void print(std::FILE* file, const Options& options, const Outcome& outcome) const;

private:
    struct Way {
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
    struct Stall {
        Histogram wait;
    };

    void print_ways(std::FILE* file) const;
    void print_histograms(std::FILE* file) const;
    static void print_table(std::FILE* file, const char* title,
                            const std::map<std::string, Program>& programs);
    void print_stalls(std::FILE* file) const;
    void print_findings(std::FILE* file, const Options& options, const Outcome& outcome) const;

    std::array<Way, way_names.size()> ways_;
    std::map<std::string, Program> callers_;  ///< by the caller's comm
    std::map<std::string, Program> programs_; ///< by path
    std::map<std::string, Stall> stalls_;     ///< by who waited for what
    std::uint64_t late_ = 0;                  ///< descriptors marked close-on-exec too late
    std::uint64_t leaks_ = 0;                 ///< how often a descriptor reached a program
};

} // namespace kspawn::trace

#endif
