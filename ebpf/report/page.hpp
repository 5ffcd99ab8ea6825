// SPDX-License-Identifier: LGPL-2.1-or-later
/// The page of a trace: it draws itself, by its script, from what is put into it here.
#ifndef KSPAWN_TRACE_REPORT_PAGE_HPP
#define KSPAWN_TRACE_REPORT_PAGE_HPP

#include <cstddef>
#include <string>
#include <vector>

#include "trace.hpp"

namespace kspawn::trace::report {

struct PageOptions {
    std::string title;              ///< empty: the command that was traced
    std::size_t most_drawn = 20000; ///< windows, and marks, on the timeline
};

/// An entry of the list of what was found: events that tell the same, told once.
struct Entry {
    const Kind* kind = nullptr;
    Heading heading{};
    std::string words;               ///< of the event with the longest time
    std::vector<std::size_t> events; ///< indices into the trace's events
};

/// The most important first.
std::vector<Entry> entries_of(const Trace& trace);

/// All that the page's script draws; page.js says what of it means what.
Json data_of(const Trace& trace, const PageOptions& options);

/// As what a <script> holds: ASCII only, that can end no <script>.
std::string script_data(const Json& value);

/// The whole page.  The same trace makes the same page.
std::string page_of(const Trace& trace, const PageOptions& options);

} // namespace kspawn::trace::report

#endif
