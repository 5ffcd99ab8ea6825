// SPDX-License-Identifier: LGPL-2.1-or-later
/// page.html with its style sheet and its scripts, put into the program by the build.
#ifndef KSPAWN_TRACE_REPORT_ASSETS_HPP
#define KSPAWN_TRACE_REPORT_ASSETS_HPP

#include <string_view>

namespace kspawn::trace::report {

/// The word TRACE stands where the trace is to be.
std::string_view page_without_trace();

} // namespace kspawn::trace::report

#endif
