// SPDX-License-Identifier: LGPL-2.1-or-later
/// Findings, in sentences.
#ifndef KSPAWN_TRACE_REPORT_WORDS_HPP
#define KSPAWN_TRACE_REPORT_WORDS_HPP

#include <string>
#include <string_view>
#include <vector>

#include "trace.hpp"

namespace kspawn::trace::report {

/// "1.53 ms"; three digits or more.
std::string duration_in_words(Nanoseconds value);
/// "12,345"
std::string with_commas(std::uint64_t value);
/// "1 window", "12,345 windows"
std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural = "");

/// A way of spawning: what to call it, and what it is.
struct WayWords {
    std::string_view name;
    std::string_view title;
    std::string_view explanation;
};
/// Any name has one; those that are not known are their own title.
WayWords way_in_words(std::string_view name);
/// Their order on the page.
std::size_t way_rank(std::string_view name);

/// How much a finding matters.
enum class Weight { danger, doubt, note };

/// Events that tell the same, told once.
struct Finding {
    std::string kind;
    Weight weight = Weight::note;
    std::string title;
    std::string text;                ///< of the event that shows it best
    std::vector<std::size_t> events; ///< indices into the trace's events
    Nanoseconds worst = 0;           ///< longest of the durations that matter for this kind
};

/// The most important first.
std::vector<Finding> findings_of(const Trace& trace);

/// One sentence on an event, for a tooltip.
std::string event_in_words(const Trace& trace, const Event& event);

/// The sum of it all, for somebody who has not seen such a report before.
std::string overview_of(const Trace& trace);

} // namespace kspawn::trace::report

#endif
