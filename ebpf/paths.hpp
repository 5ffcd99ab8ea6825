// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_PATHS_HPP
#define KSPAWN_TRACE_PATHS_HPP

#include <string>

#include "events.h"

namespace kspawn::trace {

/// Path of a descriptor's file, or its kind, as /proc/PID/fd would have it.
std::string path_of(const trace_descriptor_record& record);

} // namespace kspawn::trace

#endif
