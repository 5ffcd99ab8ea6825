// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trace.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace kspawn::trace::report {

namespace {

constexpr std::int64_t version = 1;

void take(Trace* trace, Json json) {
    const auto kind = text_at(json, "kind");
    if (kind == "start") {
        if (const auto found = number_at(json, "version"); found != version)
            throw NoTrace("the trace is of version " +
                          (found ? std::to_string(*found) : std::string{"?"}) +
                          "; this program knows version " + std::to_string(version));
        trace->start = std::move(json);
    } else if (kind == "summary") {
        trace->summary = std::move(json);
    } else if (const auto number = kind_number(kind); number != kind_count) {
        auto& list = number == kind_windows ? trace->windows : trace->events;
        list.push_back({all_kinds.at(number), number_at(json, "window"), text_at(json, "way"),
                        task_of(json), number_at(json, "time").value_or(0), std::move(json)});
    } else if (kind.empty()) {
        trace->bad_lines++;
    }
}

void mark(Kinds* kinds, const std::string& name) {
    if (const auto number = kind_number(name); number != kind_count)
        kinds->at(number) = true;
}

Kinds kinds_at(const Json& object, const char* name) {
    Kinds kinds{};
    for (const auto& kind : list_at(object, name))
        if (kind.is_string())
            mark(&kinds, kind.get<std::string>());
    return kinds;
}

bool lost_something(const Trace& trace) {
    if (!trace.summary || trace.bad_lines > 0)
        return true;
    const auto& drops = list_at(*trace.summary, "drops");
    return drops.is_object() &&
           std::ranges::any_of(
               std::array{"total", "ring", "maps", "missed"},
               [&](const char* name) { return number_at(drops, name).value_or(0) > 0; });
}

} // namespace

Nanoseconds Trace::length() const {
    Nanoseconds last = summary ? number_at(*summary, "time").value_or(0) : 0;
    for (const auto& window : windows)
        last = std::max(last, number_at(window.fields, "end").value_or(window.time));
    for (const auto& event : events)
        last = std::max(last, event.time);
    return last;
}

Trace read_trace(std::istream& input) {
    Trace trace;
    std::string line;
    std::uint64_t lines = 0;
    bool started = false;
    while (std::getline(input, line)) {
        lines++;
        auto json = Json::parse(line, nullptr, false);
        if (!json.is_object()) {
            trace.bad_lines++;
            continue;
        }
        const bool starts = text_at(json, "kind") == "start";
        if (started && starts)
            throw NoTrace("line " + std::to_string(lines) +
                          " begins a second trace: a file must hold one");
        started = started || starts;
        if (!started)
            throw NoTrace("this is not what kspawn-trace --json writes: it does not begin with "
                          "a line of kind \"start\"");
        take(&trace, std::move(json));
    }
    if (input.bad())
        throw NoTrace("the trace cannot be read");
    if (!started)
        throw NoTrace("this is not what kspawn-trace --json writes: it has no line of kind "
                      "\"start\"");
    std::ranges::stable_sort(trace.windows, {}, &Finding::time);
    std::ranges::stable_sort(trace.events, {}, &Finding::time);
    return trace;
}

Evidence evidence_of(const Trace& trace) {
    Evidence evidence;
    evidence.traced = kinds_at(trace.start, "kinds");
    evidence.asked = kinds_at(trace.start, "fail_on");
    if (lost_something(trace))
        evidence.blind = every_kind();
    for (const auto& probe : list_at(trace.start, "missing"))
        if (probe.is_object())
            mark(&evidence.blind, text_at(probe, "kind"));
    for (const auto* list : {&trace.windows, &trace.events})
        for (const auto& finding : *list)
            evidence.tallies.at(kind_number(finding.kind->name))
                .add(finding.kind->count(finding.fields));
    return evidence;
}

} // namespace kspawn::trace::report
