// SPDX-License-Identifier: LGPL-2.1-or-later
#include "evidence.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "ebpf/kind.hpp"

namespace kspawn::trace::report {

namespace {

void mark(Kinds* kinds, std::string_view name) {
    if (const auto number = kind_number(name); number != kind_count)
        kinds->at(number) = true;
}

Kinds kinds_at(const Json& object, const char* name) {
    Kinds kinds{};
    if (const auto found = object.find(name); found != object.end() && found->is_array())
        for (const auto& kind : *found)
            if (kind.is_string())
                mark(&kinds, kind.get<std::string>());
    return kinds;
}

bool lost_something(const Trace& trace) {
    if (!trace.summary || trace.bad_lines > 0)
        return true;
    const auto drops = trace.summary->find("drops");
    if (drops == trace.summary->end() || !drops->is_object())
        return false;
    return std::ranges::any_of(
        std::array{"total", "ring", "maps", "missed"},
        [&](const char* name) { return number_at(*drops, name).value_or(0) > 0; });
}

} // namespace

Evidence evidence_of(const Trace& trace) {
    Evidence evidence;
    evidence.traced = kinds_at(trace.start, "kinds");
    evidence.asked = kinds_at(trace.start, "fail_on");
    if (lost_something(trace))
        evidence.blind = every_kind();
    if (const auto missing = trace.start.find("missing");
        missing != trace.start.end() && missing->is_array())
        for (const auto& hook : *missing)
            if (hook.is_object())
                mark(&evidence.blind, text_at(hook, "kind"));
    const auto add = [&evidence](std::size_t kind, Count count) {
        auto& tally = evidence.tallies.at(kind);
        tally.events++;
        tally.findings += count != Count::none ? 1U : 0U;
        tally.grave += count == Count::grave ? 1U : 0U;
    };
    for (const auto& window : trace.windows)
        add(kind_windows, !window.shared || !window.user_code ? Count::none
                          : window.threads.value_or(1) > 1    ? Count::grave
                                                              : Count::finding);
    for (const auto& event : trace.events)
        if (const auto kind = kind_number(event.kind); kind != kind_count)
            add(kind, all_kinds.at(kind)->count(trace::Json(event.json)));
    return evidence;
}

} // namespace kspawn::trace::report
