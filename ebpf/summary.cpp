// SPDX-License-Identifier: LGPL-2.1-or-later
#include "summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace kspawn::trace {

namespace {

// Rows of a table; what is left out is said.
constexpr std::size_t rows_max = 10;

// In the order of the ways.
constexpr std::array<std::string_view, way_names.size()> explained{
    "",
    "vfork(): child runs in the caller's memory, on its stack",
    "posix_spawn() of libc and the like: caller's memory, own stack",
    "clone() without waiting: caller's memory, while the caller goes on",
    "the kernel module: no user code before the program",
    "fork(): child has a copy of the memory"};

std::string_view plural(std::uint64_t count) {
    return count == 1 ? "" : "s";
}

} // namespace

void Summary::take(const WindowEvent& event) {
    const auto& window = event.window();
    auto& way = ways_.at(window.way);
    auto& caller = callers_[std::data(window.caller.comm)];
    caller.ways.at(window.way)++;
    if (event.is_hazard())
        way.user_code++;
    if (event.blocked)
        way.blocked.add(*event.blocked);
    if (event.record.outcome == TRACE_OPEN) {
        way.open++;
        return;
    }
    const auto duration = window.end - window.start;
    way.duration.add(duration);
    caller.duration.add(duration);
    if (event.record.outcome == TRACE_EXEC) {
        way.executed++;
        auto& program = programs_[std::data(event.record.program)];
        program.ways.at(window.way)++;
        program.duration.add(duration);
    }
}

void Summary::take(const CredsEvent& /*event*/) {}

void Summary::take(const SignalEvent& /*event*/) {}

void Summary::take(const DescriptorEvent& event) {
    if (event.record.marked != 0)
        late_++;
}

void Summary::take(const StallEvent& event) {
    static constexpr std::array<std::string_view, 3> roles{"caller", "child", "other thread"};
    const auto what = fmt::format("{} for {}, {}", name_of(roles, event.role),
                                  event.lock ? *event.lock : "its child",
                                  event.way != TRACE_WAY_NONE ? name_of(way_names, event.way)
                                                              : std::string_view{"no window"});
    stalls_[what].wait.add(event.wait);
}

void Summary::print_ways(std::FILE* file) const {
    fmt::print(file,
               "A window is the time from a child's creation to its exec or end, in which most\n"
               "ways of creating it leave it in its caller's memory.\n");
    fmt::print(file, "\n{:<15} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>10}\n", "", "", "then",
               "window", "", "", "caller", "user code");
    fmt::print(file, "{:<15} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>10}\n", "way", "count", "exec",
               "median", "99 %", "longest", "waits", "in shared");
    for (std::size_t i = 1; i < ways_.size(); i++) {
        const auto& way = ways_.at(i);
        if (way.duration.count() + way.open == 0)
            continue;
        fmt::print(file, "{:<15} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>10}\n", way_names.at(i),
                   way.duration.count() + way.open, way.executed,
                   readable_time(way.duration.percentile(50)),
                   readable_time(way.duration.percentile(99)), readable_time(way.duration.max()),
                   way.blocked.count() != 0 ? readable_time(way.blocked.percentile(50)) : "-",
                   i == TRACE_WAY_FORK ? "-" : fmt::format("{}", way.user_code));
    }
    fmt::print(file, "\n");
    for (std::size_t i = 1; i < ways_.size(); i++) {
        if (ways_.at(i).duration.count() + ways_.at(i).open != 0)
            fmt::print(file, "  {:<15} {}\n", way_names.at(i), explained.at(i));
    }
}

void Summary::print_histograms(std::FILE* file) const {
    for (std::size_t i = 1; i < ways_.size(); i++) {
        const auto& way = ways_.at(i);
        if (way.duration.count() == 0)
            continue;
        fmt::print(file, "\nwindow, {}:\n{}", way_names.at(i), way.duration.text("  "));
        if (way.blocked.count() != 0)
            fmt::print(file, "caller's wait, {}:\n{}", way_names.at(i), way.blocked.text("  "));
    }
}

void Summary::print_table(std::FILE* file, const char* title,
                          const std::map<std::string, Program>& programs) {
    if (programs.empty())
        return;
    std::vector<std::pair<std::string, const Program*>> rows;
    rows.reserve(programs.size());
    for (const auto& [name, program] : programs)
        rows.emplace_back(name, &program);
    const auto total = [](const Program& program) {
        return std::accumulate(program.ways.begin(), program.ways.end(), std::uint64_t{0});
    };
    std::stable_sort(rows.begin(), rows.end(), [&total](const auto& one, const auto& other) {
        return total(*one.second) > total(*other.second);
    });
    fmt::print(file, "\n{:>7} {:>9} {:>9} {:>9}  {}\n", "count", "median", "99 %", "longest",
               title);
    const auto shown = std::min(rows.size(), rows_max);
    for (std::size_t row = 0; row < shown; row++) {
        const auto& [name, program] = rows.at(row);
        std::vector<std::string> ways;
        for (std::size_t i = 1; i < program->ways.size(); i++) {
            if (program->ways.at(i) != 0)
                ways.push_back(fmt::format("{} {}", way_names.at(i), program->ways.at(i)));
        }
        fmt::print(file, "{:>7} {:>9} {:>9} {:>9}  {} ({})  {}\n", total(*program),
                   readable_time(program->duration.percentile(50)),
                   readable_time(program->duration.percentile(99)),
                   readable_time(program->duration.max()), name, fmt::join(ways, ", "),
                   program->duration.line());
    }
    if (shown < rows.size())
        fmt::print(file, "{:>7} and {} more\n", "", rows.size() - shown);
}

void Summary::print_stalls(std::FILE* file) const {
    if (stalls_.empty())
        return;
    fmt::print(file, "\n{:>7} {:>9} {:>9} {:>9}  {}\n", "count", "median", "99 %", "longest",
               "waits: who for what");
    for (const auto& [what, stall] : stalls_)
        fmt::print(file, "{:>7} {:>9} {:>9} {:>9}  {}\n", stall.wait.count(),
                   readable_time(stall.wait.percentile(50)),
                   readable_time(stall.wait.percentile(99)), readable_time(stall.wait.max()), what);
}

void Summary::print_findings(std::FILE* file, const Options& options,
                             const Outcome& outcome) const {
    const auto& kinds = options.kinds;
    const auto& findings = outcome.evidence.findings;
    fmt::print(file, "\n");
    if (kinds.at(TRACE_KIND_WINDOWS)) {
        const auto count = findings.at(TRACE_KIND_WINDOWS);
        fmt::print(file, "windows  {} time{} a child ran user code in memory that was not its own",
                   count, plural(count));
        if (count != 0)
            fmt::print(file, ";\n         {} of them in that of a process with threads",
                       outcome.evidence.threaded);
        fmt::print(file, "\n");
    }
    if (kinds.at(TRACE_KIND_CREDS)) {
        const auto count = findings.at(TRACE_KIND_CREDS);
        fmt::print(file, "creds    {} change{} of credentials while a child shared the memory",
                   count, plural(count));
        if (count != 0)
            fmt::print(
                file,
                ";\n         {} let one with less privilege write the memory of one with more",
                outcome.evidence.exposing);
        fmt::print(file, "\n");
    }
    if (kinds.at(TRACE_KIND_SIGNALS))
        fmt::print(file, "signals  {} handler{} ran in a child, on its creator's memory\n",
                   findings.at(TRACE_KIND_SIGNALS), plural(findings.at(TRACE_KIND_SIGNALS)));
    if (kinds.at(TRACE_KIND_FDS)) {
        const auto count = findings.at(TRACE_KIND_FDS);
        fmt::print(file, "fds      {} descriptor{} reached a program by accident", count,
                   plural(count));
        if (count != 0)
            fmt::print(file, ";\n         {} of them were marked close-on-exec, too late", late_);
        fmt::print(file, "\n");
    }
    if (kinds.at(TRACE_KIND_STALLS))
        fmt::print(file, "stalls   {} wait{} of {} or more\n", findings.at(TRACE_KIND_STALLS),
                   plural(findings.at(TRACE_KIND_STALLS)), readable_time(options.stall_min));
}

void Summary::print(std::FILE* file, const Options& options, const Outcome& outcome) const {
    std::uint64_t children = 0;
    for (const auto& way : ways_)
        children += way.duration.count() + way.open;
    fmt::print(file, "\nkspawn-trace: {} child{} in {}", children, children == 1 ? "" : "ren",
               readable_time(outcome.length));
    if (outcome.command_status)
        fmt::print(file, "; {}: exit status {}", fmt::join(options.command, " "),
                   *outcome.command_status);
    fmt::print(file, "\n");
    if (children != 0) {
        print_ways(file);
        print_histograms(file);
        print_table(file, "programs that were executed (ways), and windows by powers of two",
                    programs_);
        print_table(file, "callers (ways), and windows by powers of two", callers_);
    }
    print_stalls(file);
    print_findings(file, options, outcome);

    for (const auto& [hook, reason] : outcome.missing)
        fmt::print(file, "\nnot there: {}: {}; {} ({})\n", place_of(*hook), reason, hook->effect,
                   kind_names.at(hook->kind));
    if (outcome.losses.total() != 0)
        fmt::print(file,
                   "\nIncomplete: {} event{} had no room in the buffer (--buffer), {} could not be "
                   "followed\n(--max-windows, --max-descriptors), {} probe{} skipped by the "
                   "kernel.  What was not\nseen may have happened.\n",
                   outcome.losses.ring, plural(outcome.losses.ring), outcome.losses.maps,
                   outcome.losses.missed, outcome.losses.missed == 1 ? " was" : "s were");
    fmt::print(file, "\n{}\n", sentence_of(outcome.evidence));
    if (outcome.verdict() == Verdict::found)
        fmt::print(file,
                   "Each has a line of its own (without --summary); `kspawn-trace report` makes "
                   "a page of them\n(with --json).\n");
}

} // namespace kspawn::trace
