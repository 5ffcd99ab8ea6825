// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_POLICIES_HPP
#define KSPAWN_LIB_POLICIES_HPP

#include <sched.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace kspawn::internal {

/// A scheduling policy that SETSCHEDULER takes.
struct Policy {
    int number;
    std::string_view name; ///< without its SCHED_
};
inline constexpr std::array<Policy, 5> policies{{{SCHED_OTHER, "OTHER"},
                                                 {SCHED_BATCH, "BATCH"},
                                                 {SCHED_IDLE, "IDLE"},
                                                 {SCHED_FIFO, "FIFO"},
                                                 {SCHED_RR, "RR"}}};

/// Null: there is none of that number.
inline const Policy* policy_of(int number) noexcept {
    const auto* const found = std::ranges::find(policies, number, &Policy::number);
    return found != policies.end() ? found : nullptr;
}

} // namespace kspawn::internal

#endif
