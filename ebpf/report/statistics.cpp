// SPDX-License-Identifier: LGPL-2.1-or-later
#include "statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kspawn::trace::report {

void Durations::add(Nanoseconds value) {
    value = std::max<Nanoseconds>(value, 0);
    values_.push_back(value);
    const auto width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value)));
    log2_[std::max(width - 1, 0)]++;
}

void Durations::sort() {
    std::ranges::sort(values_);
}

Nanoseconds Durations::percentile(double percent) const {
    const auto rank =
        static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(values_.size())));
    return values_.at(rank == 0 ? 0 : rank - 1);
}

Statistics statistics_of(const Trace& trace) {
    Statistics result;
    for (const auto& window : trace.windows) {
        for (auto* group : {&result.by_way[window.way], &result.by_program[window.caller.comm]}) {
            if (window.duration)
                group->window.add(*window.duration);
            if (window.blocked)
                group->blocked.add(*window.blocked);
            if (window.outcome == "exit")
                group->failed++;
        }
    }
    for (auto* groups : {&result.by_way, &result.by_program})
        for (auto& [name, group] : *groups) {
            group.window.sort();
            group.blocked.sort();
        }
    return result;
}

} // namespace kspawn::trace::report
