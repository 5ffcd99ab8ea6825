// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_TRACER_HPP
#define KSPAWN_TRACE_TRACER_HPP

#include "options.hpp"

namespace kspawn::trace {

/// Traces as the options say, and returns the exit status.
int trace(const Options& options);

} // namespace kspawn::trace

#endif
