// SPDX-License-Identifier: LGPL-2.1-or-later
/// The trace as the page's script draws it.
#ifndef KSPAWN_TRACE_REPORT_TIMELINE_HPP
#define KSPAWN_TRACE_REPORT_TIMELINE_HPP

#include <cstddef>
#include <string>

#include "trace.hpp"
#include "words.hpp"

namespace kspawn::trace::report {

struct Timeline {
    std::string data;        ///< JSON, fit for a <script>
    std::size_t windows = 0; ///< how many are in it: those with findings, then the longest
    std::size_t marks = 0;
};

/// @param most so many windows, and so many marks, at most
Timeline timeline_of(const Trace& trace, const std::vector<Finding>& findings, std::size_t most);

} // namespace kspawn::trace::report

#endif
