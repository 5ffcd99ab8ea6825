// SPDX-License-Identifier: LGPL-2.1-or-later
/// A trace as it was written by `kspawn-trace --json`; see ebpf/FORMAT.md.
#ifndef KSPAWN_TRACE_REPORT_TRACE_HPP
#define KSPAWN_TRACE_REPORT_TRACE_HPP

#include <cstdint>
#include <istream>
#include <optional>
#include <stdexcept>
#include <vector>

#include "ebpf/finding.hpp"
#include "ebpf/verdict.hpp"

namespace kspawn::trace::report {

struct Trace {
    Json start = Json::object();
    std::optional<Json> summary; ///< none: the trace was cut off
    std::vector<Finding> windows;
    std::vector<Finding> events; ///< that are no windows
    std::uint64_t bad_lines = 0; ///< that are not what FORMAT.md says

    /// Length of the trace, by its summary or else by its last event.
    [[nodiscard]] Nanoseconds length() const;
};

/// It is no trace, or one of a version that we do not know.
class NoTrace : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Lines that cannot be read are counted, not fatal: half a trace says something.
Trace read_trace(std::istream& input);

/// The evidence on which the verdict rests.  Counts the events again: the verdict that the
/// trace's last line has may be by an older rule, and a trace that was cut off has none.
Evidence evidence_of(const Trace& trace);

} // namespace kspawn::trace::report

#endif
