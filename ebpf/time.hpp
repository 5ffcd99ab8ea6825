// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_TIME_HPP
#define KSPAWN_TRACE_TIME_HPP

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace kspawn::trace {

/// ns of the clock that the probes use.
inline std::uint64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// "1.53 ms": three digits or more.
/// @param microseconds the sign for them
inline std::string readable_time(std::uint64_t nanoseconds, std::string_view microseconds = "us") {
    const auto put = [nanoseconds](double unit, std::string_view name) {
        const auto number = static_cast<double>(nanoseconds) / unit;
        return fmt::format("{:.{}f} {}", number, number >= 100 ? 0 : number >= 10 ? 1 : 2, name);
    };
    if (nanoseconds >= 1'000'000'000)
        return put(1e9, "s");
    if (nanoseconds >= 1'000'000)
        return put(1e6, "ms");
    return nanoseconds >= 1'000 ? put(1e3, microseconds) : fmt::format("{} ns", nanoseconds);
}

} // namespace kspawn::trace

#endif
