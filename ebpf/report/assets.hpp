// SPDX-License-Identifier: LGPL-2.1-or-later
/// page.css and page.js, put into the program by the build.
#ifndef KSPAWN_TRACE_REPORT_ASSETS_HPP
#define KSPAWN_TRACE_REPORT_ASSETS_HPP

#include <string_view>

namespace kspawn::trace::report {

std::string_view style_sheet();
std::string_view script();

} // namespace kspawn::trace::report

#endif
