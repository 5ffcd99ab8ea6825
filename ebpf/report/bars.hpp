// SPDX-License-Identifier: LGPL-2.1-or-later
/// The page's histograms, all drawn to one scale.
#ifndef KSPAWN_TRACE_REPORT_BARS_HPP
#define KSPAWN_TRACE_REPORT_BARS_HPP

#include <string>
#include <string_view>

#include "statistics.hpp"

namespace kspawn::trace::report {

/// The scale that all histograms of a page share.
struct Scale {
    int low = 63;
    int high = 0;
    double most = 0; ///< the greatest share of its way's windows that one bar has
};

Scale scale_of(const Statistics& statistics);

/// Bars by powers of two, as an <svg>: which share of a way's windows.  There must be one.
std::string histogram(const Durations& durations, const Scale& scale, std::string_view way);

} // namespace kspawn::trace::report

#endif
