// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "assets.hpp"
#include "ebpf/time.hpp"

namespace kspawn::trace::report {

namespace {

constexpr std::size_t most_longest = 25;

// The page's script makes visible what is in names.
constexpr Manner on_page{
    .name = [](std::string_view name) { return std::string{name}; },
    .task =
        [](const Task& task) {
            return task.pid == task.tid
                       ? fmt::format("{} (process {})", task.comm, task.pid)
                       : fmt::format("{} (thread {} of {})", task.comm, task.tid, task.pid);
        },
    .time = [](Nanoseconds time) { return readable_time(static_cast<std::uint64_t>(time), "µs"); },
};

std::string title_of(const Trace& trace, const PageOptions& options) {
    if (!options.title.empty())
        return options.title;
    std::string words;
    for (const auto& word : list_at(trace.start, "command"))
        if (word.is_string())
            words += (words.empty() ? "" : " ") + word.get<std::string>();
    return words.empty() ? "All that was started" : words;
}

/// Durations of one sort: how many; the least, the median, 90 %, 99 % and the most, by
/// nearest rank.
Json figures_of(std::vector<Nanoseconds> values) {
    std::ranges::sort(values);
    auto percentiles = Json::array();
    for (const auto percent : {0.0, 50.0, 90.0, 99.0, 100.0}) {
        const auto rank = static_cast<std::size_t>(
            std::ceil(percent / 100.0 * static_cast<double>(values.size())));
        if (!values.empty())
            percentiles.push_back(values.at(rank == 0 ? 0 : rank - 1));
    }
    return {{"count", values.size()}, {"percentiles", percentiles}};
}

/// [n, how many durations there are from 2^n to 2^(n+1) - 1 ns]
Json log2_of(const std::vector<Nanoseconds>& values) {
    std::map<int, std::size_t> log2;
    for (const auto value : values)
        log2[std::max(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value))), 1) -
             1]++;
    return log2;
}

/// Windows of one sort.  A child that never executes a program lives in its window all its
/// life: how long says nothing about a start, so it is kept apart.
struct Group {
    std::size_t open = 0;             ///< have executed nothing yet
    std::size_t copied = 0;           ///< have a copy of the memory
    bool shares = false;              ///< one that executed none had its caller's memory
    std::vector<Nanoseconds> window;  ///< of children that executed a program
    std::vector<Nanoseconds> blocked; ///< of their callers
    std::vector<Nanoseconds> without; ///< lives of the children that executed none

    void add(const Json& fields) {
        const auto duration = number_at(fields, "duration_ns");
        const bool shared = flag_at(fields, "shared");
        copied += shared ? 0U : 1U;
        if (text_at(fields, "outcome") == "exit") {
            without.push_back(std::max<Nanoseconds>(duration.value_or(0), 0));
            shares = shares || shared;
            return;
        }
        if (duration)
            window.push_back(std::max<Nanoseconds>(*duration, 0));
        open += duration ? 0U : 1U;
        if (const auto wait = number_at(fields, "blocked_ns"))
            blocked.push_back(std::max<Nanoseconds>(*wait, 0));
    }
};

/// @param put makes JSON of a key and its group
template <typename Groups, typename Put>
Json list_of(const Groups& groups, Put put) {
    auto list = Json::array();
    for (const auto& [key, group] : groups)
        list.push_back(put(key, group));
    return list;
}

/// By way; by caller; and by both: of each what the page's script reads.
void put_figures(Json* data, const Trace& trace) {
    std::map<std::string, Group> ways;
    std::map<std::string, Group> callers;
    std::map<std::pair<std::string, std::string>, Group> both;
    for (const auto& window : trace.windows) {
        ways[window.way].add(window.fields);
        callers[window.task.comm].add(window.fields);
        both[{window.task.comm, window.way}].add(window.fields);
    }
    (*data)["ways"] = list_of(ways, [](const std::string& way, const Group& group) -> Json {
        auto window = figures_of(group.window);
        window["log2"] = log2_of(group.window);
        return {{"way", way},
                {"open", group.open},
                {"copied", group.copied},
                {"window", std::move(window)},
                {"blocked", figures_of(group.blocked)},
                {"without", figures_of(group.without)}};
    });
    (*data)["callers"] =
        list_of(callers, [](const std::string& caller, const Group& group) -> Json {
            return {{"caller", caller}, {"window", figures_of(group.window)}};
        });
    (*data)["both"] = list_of(both, [](const auto& caller_and_way, const Group& group) -> Json {
        return {{"caller", caller_and_way.first},
                {"way", caller_and_way.second},
                {"shares", group.shares},
                {"without", figures_of(group.without)}};
    });
}

Json json_of(const Finding& window) {
    const auto& fields = window.fields;
    return {window.window.value_or(0),
            window.task.pid,
            window.task.tid,
            window.task.comm,
            window.time,
            or_null(number_at(fields, "end")),
            or_null(number_at(fields, "blocked_ns")),
            window.way,
            task_at(fields, "child").pid,
            text_at(fields, "program"),
            text_at(fields, "outcome"),
            or_null(number_at(fields, "threads")),
            flag_at(fields, "user_code")};
}

/// Those with findings, then the longest.
std::vector<const Finding*> chosen_windows(const Trace& trace, std::size_t most) {
    std::vector<const Finding*> chosen;
    for (const auto& window : trace.windows)
        chosen.push_back(&window);
    if (chosen.size() <= most)
        return chosen;
    std::set<std::int64_t> with_events;
    for (const auto& event : trace.events)
        if (event.window && event.kind != &kinds::stalls)
            with_events.insert(*event.window);
    std::ranges::stable_sort(chosen, {}, [&](const Finding* window) {
        return std::pair(!with_events.contains(window->window.value_or(0)),
                         -number_at(window->fields, "duration_ns").value_or(0));
    });
    chosen.resize(most);
    std::ranges::stable_sort(chosen, {}, [](const Finding* window) { return window->time; });
    return chosen;
}

Json longest_windows(const Trace& trace) {
    std::vector<const Finding*> longest;
    for (const auto& window : trace.windows)
        if (kinds::windows.count(window.fields) != Count::none &&
            text_at(window.fields, "outcome") != "exit")
            longest.push_back(&window);
    const auto end = trace.length();
    std::ranges::stable_sort(longest, std::ranges::greater{}, [end](const Finding* window) {
        // A window that is still open has been so until the trace's end.
        return number_at(window->fields, "duration_ns").value_or(end - window->time);
    });
    longest.resize(std::min(longest.size(), most_longest));
    auto json = Json::array();
    for (const auto* window : longest)
        json.push_back(json_of(*window));
    return json;
}

/// How long a mark lasts, if it does.
Json end_of(const Finding& event) {
    if (const auto wait = number_at(event.fields, "wait_ns"))
        return event.time + *wait;
    return or_null(number_at(event.fields, "marked"));
}

/// A mark, told in the lane of the caller: a child has none of its own, it lives in its window.
Json json_of(const Finding& event, std::size_t entry) {
    const auto caller = task_at(event.fields, "caller");
    const auto& lane = caller.pid != 0 && caller.pid != event.task.pid ? caller : event.task;
    return {event.kind->name,
            lane.pid,
            lane.tid,
            lane.comm,
            event.time,
            end_of(event),
            or_null(event.window),
            event.kind->words(event, on_page),
            entry};
}

} // namespace

std::vector<Entry> entries_of(const Trace& trace) {
    std::map<std::pair<std::string_view, std::string>, Entry> alike;
    for (std::size_t i = 0; i < trace.events.size(); i++) {
        const auto& event = trace.events[i];
        auto heading = event.kind->heading(event);
        auto& entry = alike[{event.kind->name, heading.alike}];
        if (entry.events.empty() || heading.time > entry.heading.time) {
            entry.kind = event.kind;
            entry.words = event.kind->words(event, on_page);
            entry.heading = std::move(heading);
        }
        entry.events.push_back(i);
    }
    std::vector<Entry> result;
    result.reserve(alike.size());
    for (auto& [key, entry] : alike)
        result.push_back(std::move(entry));
    std::ranges::stable_sort(result, {}, [](const Entry& entry) {
        return std::tuple(entry.heading.weight, -static_cast<std::int64_t>(entry.events.size()));
    });
    return result;
}

Json data_of(const Trace& trace, const PageOptions& options) {
    const auto evidence = evidence_of(trace);
    Json data{{"title", title_of(trace, options)},
              {"start", trace.start},
              {"summary", or_null(trace.summary)},
              {"bad_lines", trace.bad_lines},
              {"length", trace.length()},
              {"verdict", {name_of(judge(evidence)), sentence_of(evidence)}},
              {"total", {trace.windows.size(), trace.events.size()}},
              {"longest", longest_windows(trace)}};
    for (std::size_t i = 0; i < kind_count; i++) {
        const auto& kind = *all_kinds.at(i);
        data["kinds"].push_back({{"name", kind.name},
                                 {"title", kind.title},
                                 {"tile", kind.tile},
                                 {"explanation", kind.explanation},
                                 {"findings", evidence.tallies.at(i).findings}});
    }
    put_figures(&data, trace);
    auto& windows = data["windows"] = Json::array();
    for (const auto* window : chosen_windows(trace, options.most_drawn))
        windows.push_back(json_of(*window));
    // Entries come in order of weight: should there be too many, the lightest go.
    const auto entries = entries_of(trace);
    std::vector<std::pair<std::size_t, std::size_t>> marked;
    auto& findings = data["findings"] = Json::array();
    for (std::size_t i = 0; i < entries.size(); i++) {
        const auto& [kind, heading, words, events] = entries[i];
        findings.push_back({{"kind", kind->name},
                            {"weight", static_cast<int>(heading.weight)},
                            {"title", heading.title},
                            {"words", words},
                            {"times", events.size()},
                            {"timed", heading.time > 0}});
        for (const auto event : events)
            if (marked.size() < options.most_drawn)
                marked.emplace_back(event, i);
    }
    std::ranges::sort(marked);
    auto& marks = data["marks"] = Json::array();
    for (const auto& [event, entry] : marked)
        marks.push_back(json_of(trace.events[event], entry));
    return data;
}

std::string script_data(const Json& value) {
    const auto text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        // In JSON these stand in strings only, where an escape means the same.
        if (c == '<' || c == '>' || c == '&')
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            result += c;
    }
    return result;
}

std::string page_of(const Trace& trace, const PageOptions& options) {
    constexpr std::string_view place = "TRACE";
    std::string page{page_without_trace()};
    return page.replace(page.find(place), place.size(), script_data(data_of(trace, options)));
}

} // namespace kspawn::trace::report
