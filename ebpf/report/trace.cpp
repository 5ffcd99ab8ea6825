// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trace.hpp"

#include <algorithm>
#include <array>

namespace kspawn::trace::report {

namespace {

constexpr std::int64_t version = 1;
constexpr std::array other_kinds{"creds", "signals", "fds", "stalls"};

Task task_of(const Json& object) {
    return {number_at(object, "pid").value_or(0), number_at(object, "tid").value_or(0),
            text_at(object, "comm", "?")};
}

Window window_of(const Json& json) {
    Window window;
    window.number = number_at(json, "window").value_or(0);
    window.way = text_at(json, "way");
    window.caller = task_of(json);
    window.child = task_at(json, "child");
    window.start = number_at(json, "start").value_or(number_at(json, "time").value_or(0));
    window.end = number_at(json, "end");
    window.duration = number_at(json, "duration_ns");
    window.blocked = number_at(json, "blocked_ns");
    window.outcome = text_at(json, "outcome");
    window.threads = number_at(json, "threads");
    window.shared = flag_at(json, "shared");
    window.user_code = flag_at(json, "user_code");
    window.program = text_at(json, "program");
    if (const auto memory = json.find("memory"); memory != json.end() && memory->is_object())
        window.memory = *memory;
    return window;
}

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
    } else if (kind == "windows") {
        trace->windows.push_back(window_of(json));
    } else if (std::ranges::find(other_kinds, kind) != other_kinds.end()) {
        const auto time = number_at(json, "time").value_or(0);
        trace->events.push_back({kind, task_of(json), time, number_at(json, "window"),
                                 text_at(json, "way"), std::move(json)});
    } else if (kind.empty()) {
        trace->bad_lines++;
    }
}

} // namespace

std::optional<std::int64_t> number_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number())
        return {};
    if (found->is_number_float()) {
        // A number that does not fit has no place on a page either.
        const auto value = found->get<double>();
        if (!(value > -9e18 && value < 9e18))
            return {};
        return static_cast<std::int64_t>(value);
    }
    return found->get<std::int64_t>();
}

std::string text_at(const Json& object, const char* name, const char* otherwise) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

bool flag_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

Task task_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? task_of(*found) : Task{0, 0, "?"};
}

const Window* Trace::window(std::optional<std::int64_t> number) const {
    const auto found = number ? window_by_number.find(*number) : window_by_number.end();
    return found != window_by_number.end() ? &windows[found->second] : nullptr;
}

Nanoseconds Trace::length() const {
    Nanoseconds last = summary ? number_at(*summary, "time").value_or(0) : 0;
    for (const auto& window : windows)
        last = std::max(last, window.end.value_or(window.start));
    for (const auto& event : events)
        last = std::max(last, event.time);
    return last;
}

Trace read_trace(std::istream& input) {
    Trace trace;
    std::string line;
    bool started = false;
    while (std::getline(input, line)) {
        trace.lines++;
        auto json = Json::parse(line, nullptr, false);
        if (!json.is_object()) {
            trace.bad_lines++;
            continue;
        }
        const bool starts = text_at(json, "kind") == "start";
        if (started && starts)
            throw NoTrace("line " + std::to_string(trace.lines) +
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
    std::ranges::stable_sort(trace.windows, {}, &Window::start);
    std::ranges::stable_sort(trace.events, {}, &Event::time);
    for (std::size_t i = 0; i < trace.windows.size(); i++)
        trace.window_by_number.emplace(trace.windows[i].number, i);
    return trace;
}

} // namespace kspawn::trace::report
