// SPDX-License-Identifier: LGPL-2.1-or-later
#include "statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kspawn::trace::report {

namespace {

template <typename Groups>
void sort_all(Groups* groups) {
    for (auto& [name, group] : *groups)
        for (auto* durations : {&group.window, &group.blocked, &group.without})
            durations->sort();
}

} // namespace

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
        for (auto* group : {&result.by_way[window.way], &result.by_program[window.caller.comm],
                            &result.by_program_and_way[{window.caller.comm, window.way}]}) {
            if (window.outcome == "exit") {
                group->without.add(window.duration.value_or(0));
                group->shared = group->shared || window.shared;
                continue;
            }
            if (window.duration)
                group->window.add(*window.duration);
            if (window.blocked)
                group->blocked.add(*window.blocked);
        }
    }
    sort_all(&result.by_way);
    sort_all(&result.by_program);
    sort_all(&result.by_program_and_way);
    return result;
}

Fates fates_of(const Trace& trace) {
    Fates fates;
    for (const auto& window : trace.windows) {
        if (window.outcome == "exit")
            fates.without++;
        else if (window.outcome == "open")
            fates.open++;
        else
            fates.executed++;
    }
    return fates;
}

} // namespace kspawn::trace::report
