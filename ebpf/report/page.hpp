// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_REPORT_PAGE_HPP
#define KSPAWN_TRACE_REPORT_PAGE_HPP

#include <cstddef>
#include <string>

#include "trace.hpp"

namespace kspawn::trace::report {

struct PageOptions {
    std::string title;              ///< empty: the command that was traced
    std::size_t most_drawn = 20000; ///< windows, and marks, on the timeline
};

/// The whole page.  The same trace makes the same page.
std::string page_of(const Trace& trace, const PageOptions& options);

} // namespace kspawn::trace::report

#endif
