// SPDX-License-Identifier: LGPL-2.1-or-later
#include "summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <string_view>

#include "printable.hpp"
#include "time.hpp"

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

std::string command_of(const Options& options) {
    std::vector<std::string> words;
    words.reserve(options.command.size());
    for (const auto& word : options.command)
        words.push_back(printable(word));
    return fmt::format("{}", fmt::join(words, " "));
}

} // namespace

void Summary::take(const Finding& finding) {
    if (finding.kind == &kinds::windows)
        take_window(finding);
    if (finding.kind != &kinds::stalls)
        return;
    const auto& fields = finding.fields;
    const auto role = text_at(fields, "role");
    stalls_[fmt::format("{} for {}, {}", role == "thread" ? "other thread" : role,
                        text_at(fields, "lock", "its child"),
                        finding.way.empty() ? "no window" : finding.way)]
        .add(static_cast<std::uint64_t>(number_at(fields, "wait_ns").value_or(0)));
}

void Summary::take_window(const Finding& finding) {
    const auto& fields = finding.fields;
    const auto number =
        static_cast<std::size_t>(std::ranges::find(way_names, finding.way) - way_names.begin());
    auto& way = ways_.at(number);
    auto& caller = callers_[printable(finding.task.comm)];
    caller.ways.at(number)++;
    if (kinds::windows.count(fields) != Count::none)
        way.user_code++;
    if (const auto blocked = number_at(fields, "blocked_ns"))
        way.blocked.add(static_cast<std::uint64_t>(*blocked));
    const auto known = number_at(fields, "duration_ns");
    if (!known) {
        way.open++;
        return;
    }
    const auto duration = static_cast<std::uint64_t>(*known);
    way.duration.add(duration);
    caller.duration.add(duration);
    if (text_at(fields, "outcome") == name_of(outcome_names, TRACE_EXEC)) {
        way.executed++;
        auto& program = programs_[printable(text_at(fields, "program"))];
        program.ways.at(number)++;
        program.duration.add(duration);
    }
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

void Summary::print_rows(std::FILE* file, const char* title, const std::vector<Row>& rows) {
    if (rows.empty())
        return;
    fmt::print(file, "\n{:>7} {:>9} {:>9} {:>9}  {}\n", "count", "median", "99 %", "longest",
               title);
    const auto shown = std::min(rows.size(), rows_max);
    for (const auto& [count, times, words] : std::span{rows}.first(shown))
        fmt::print(file, "{:>7} {:>9} {:>9} {:>9}  {}\n", count,
                   readable_time(times->percentile(50)), readable_time(times->percentile(99)),
                   readable_time(times->max()), words);
    if (shown < rows.size())
        fmt::print(file, "{:>7} and {} more\n", "", rows.size() - shown);
}

std::vector<Summary::Row> Summary::rows_of(const std::map<std::string, Program>& programs) {
    std::vector<Row> rows;
    for (const auto& [name, program] : programs) {
        std::vector<std::string> ways;
        for (std::size_t i = 1; i < program.ways.size(); i++) {
            if (program.ways.at(i) != 0)
                ways.push_back(fmt::format("{} {}", way_names.at(i), program.ways.at(i)));
        }
        rows.push_back(
            {std::accumulate(program.ways.begin(), program.ways.end(), std::uint64_t{0}),
             &program.duration,
             fmt::format("{} ({})  {}", name, fmt::join(ways, ", "), program.duration.line())});
    }
    std::ranges::stable_sort(rows, std::ranges::greater{}, &Row::count);
    return rows;
}

void Summary::print(std::FILE* file, const Options& options, const Outcome& outcome) const {
    fmt::print(file, "\nkspawn-trace: {} in {}", counted(outcome.children, "child", "children"),
               readable_time(outcome.length));
    if (outcome.command_status)
        fmt::print(file, "; {}: exit status {}", command_of(options), *outcome.command_status);
    fmt::print(file, "\n");
    const auto& tallies = outcome.evidence.tallies;
    if (tallies.at(kind_windows).events != 0) {
        print_ways(file);
        print_histograms(file);
        print_rows(file, "programs that were executed (ways), and windows by powers of two",
                   rows_of(programs_));
        print_rows(file, "callers (ways), and windows by powers of two", rows_of(callers_));
    }
    std::vector<Row> waits;
    for (const auto& [what, times] : stalls_)
        waits.push_back({times.count(), &times, what});
    print_rows(file, "waits: who for what", waits);

    fmt::print(file, "\n");
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (options.kinds.at(kind))
            fmt::print(file, "{:<8} {}\n", all_kinds.at(kind)->name,
                       all_kinds.at(kind)->total(tallies.at(kind), options));
    }
    for (const auto& probe : outcome.missing)
        fmt::print(file, "\nnot there: {}: {}; {} ({})\n", probe.place, probe.reason, probe.effect,
                   all_kinds.at(probe.kind)->name);
    if (outcome.losses.total() != 0)
        fmt::print(file,
                   "\nIncomplete: {} had no room in the buffer (--buffer), {} could not be "
                   "followed\n(--max-windows, --max-descriptors), {} skipped by the "
                   "kernel.  More than\nwas seen may have happened.\n",
                   counted(outcome.losses.ring, "record"), outcome.losses.maps,
                   counted(outcome.losses.missed, "probe was", "probes were"));
    fmt::print(file, "\n{}\n", sentence_of(outcome.evidence));
    if (outcome.verdict() == Verdict::found)
        fmt::print(file,
                   "Each has a line of its own (without --summary); `kspawn-trace report` makes "
                   "a page of them\n(with --json).\n");
}

} // namespace kspawn::trace
