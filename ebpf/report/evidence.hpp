// SPDX-License-Identifier: LGPL-2.1-or-later
/// The evidence on which the verdict on a recorded trace rests.
#ifndef KSPAWN_TRACE_REPORT_EVIDENCE_HPP
#define KSPAWN_TRACE_REPORT_EVIDENCE_HPP

#include "ebpf/verdict.hpp"
#include "trace.hpp"

namespace kspawn::trace::report {

/// Counts the events again: the verdict that the trace's last line has may be by an older
/// rule, and a trace that was cut off has none.
Evidence evidence_of(const Trace& trace);

} // namespace kspawn::trace::report

#endif
