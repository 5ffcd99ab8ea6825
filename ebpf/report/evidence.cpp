// SPDX-License-Identifier: LGPL-2.1-or-later
#include "evidence.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "ebpf/kinds.hpp"

namespace kspawn::trace::report {

namespace {

void mark(Kinds* kinds, std::string_view name) {
    const auto* found = std::ranges::find(kind_names, name);
    if (found != kind_names.end())
        kinds->at(static_cast<std::size_t>(found - kind_names.begin())) = true;
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
        evidence.blind = all_kinds();
    if (const auto missing = trace.start.find("missing");
        missing != trace.start.end() && missing->is_array())
        for (const auto& hook : *missing)
            if (hook.is_object())
                mark(&evidence.blind, text_at(hook, "kind"));
    for (const auto& window : trace.windows)
        if (window.shared && window.user_code) {
            evidence.findings.at(TRACE_KIND_WINDOWS)++;
            evidence.threaded += window.threads.value_or(1) > 1 ? 1U : 0U;
        }
    for (const auto& event : trace.events) {
        const auto* kind = std::ranges::find(kind_names, event.kind);
        // A descriptor that leaks again and again is one finding.
        if (kind == kind_names.end() ||
            (event.kind == "fds" && number_at(event.json, "repeat").value_or(0) > 0))
            continue;
        evidence.findings.at(static_cast<std::size_t>(kind - kind_names.begin()))++;
        if (event.kind == "creds" && text_at(event.json, "exposed", "none") != "none")
            evidence.exposing++;
    }
    return evidence;
}

} // namespace kspawn::trace::report
