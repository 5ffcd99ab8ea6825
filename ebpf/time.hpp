// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_TIME_HPP
#define KSPAWN_TRACE_TIME_HPP

#include <cstdint>
#include <ctime>

namespace kspawn::trace {

/// ns of the clock that the probes use.
inline std::uint64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace kspawn::trace

#endif
