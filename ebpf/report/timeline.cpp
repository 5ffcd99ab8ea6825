// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timeline.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "html.hpp"

namespace kspawn::trace::report {

namespace {

/// Numbers for strings that come again and again.
class Strings {
public:
    std::size_t operator()(const std::string& text) {
        const auto [found, is_new] = numbers_.emplace(text, numbers_.size());
        if (is_new)
            all_.push_back(visible(text));
        return found->second;
    }
    [[nodiscard]] const Json& all() const { return all_; }

private:
    std::unordered_map<std::string, std::size_t> numbers_;
    Json all_ = Json::array();
};

/// A row for each thread, those of a process together, in the order of appearance.
class Lanes {
public:
    void add(const Task& task, Nanoseconds time) {
        auto& process = processes_[task.pid];
        if (process.threads.empty())
            process.first = time;
        process.first = std::min(process.first, time);
        process.threads.emplace(task.tid, task.comm);
    }
    void number() {
        std::vector<std::pair<Nanoseconds, std::int64_t>> order;
        for (const auto& [pid, process] : processes_)
            order.emplace_back(process.first, pid);
        std::ranges::sort(order);
        for (const auto& [first, pid] : order)
            for (const auto& [tid, comm] : processes_.at(pid).threads) {
                numbers_.emplace(std::pair{pid, tid}, numbers_.size());
                all_.push_back({pid, tid, visible(comm)});
            }
    }
    [[nodiscard]] std::size_t of(const Task& task) const {
        return numbers_.at({task.pid, task.tid});
    }
    [[nodiscard]] const Json& all() const { return all_; }

private:
    struct Process {
        Nanoseconds first = 0;
        std::map<std::int64_t, std::string> threads;
    };
    std::map<std::int64_t, Process> processes_;
    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> numbers_;
    Json all_ = Json::array();
};

/// In whose lane it is told: a child has none of its own, it lives in its window.
Task lane_of(const Trace& trace, const Event& event) {
    const auto* window = trace.window(event.window);
    if (window != nullptr && event.task.pid == window->child.pid)
        return window->caller;
    if (event.kind == "signals")
        return task_at(event.json, "caller");
    return event.task;
}

std::vector<std::size_t> chosen_windows(const Trace& trace, std::size_t most) {
    std::vector<std::size_t> chosen(trace.windows.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    if (chosen.size() <= most)
        return chosen;
    std::set<std::int64_t> with_events;
    for (const auto& event : trace.events)
        if (event.window && event.kind != "stalls")
            with_events.insert(*event.window);
    std::ranges::stable_sort(chosen, {}, [&](std::size_t i) {
        const auto& window = trace.windows[i];
        return std::pair(!with_events.contains(window.number), -window.duration.value_or(0));
    });
    chosen.resize(most);
    std::ranges::sort(chosen);
    return chosen;
}

Json optional(const std::optional<Nanoseconds>& value) {
    return value ? Json(*value) : Json();
}

/// How long a mark lasts, if it does.
Json end_of(const Event& event) {
    if (event.kind == "stalls")
        if (const auto wait = number_at(event.json, "wait_ns"))
            return event.time + *wait;
    if (event.kind == "fds")
        return optional(number_at(event.json, "marked"));
    return {};
}

} // namespace

Timeline timeline_of(const Trace& trace, const std::vector<Finding>& findings, std::size_t most) {
    const auto windows = chosen_windows(trace, most);
    // Findings come in order of weight: should there be too many, the lightest go.
    std::vector<std::pair<std::size_t, std::size_t>> marks;
    for (std::size_t group = 0; group < findings.size(); group++)
        for (const auto index : findings[group].events)
            if (marks.size() < most)
                marks.emplace_back(index, group);
    std::ranges::sort(marks);

    Lanes lanes;
    for (const auto i : windows)
        lanes.add(trace.windows[i].caller, trace.windows[i].start);
    for (const auto& [index, group] : marks)
        lanes.add(lane_of(trace, trace.events[index]), trace.events[index].time);
    lanes.number();

    Strings strings;
    Json bars = Json::array();
    std::map<std::int64_t, std::size_t> bar_of;
    for (const auto i : windows) {
        const auto& window = trace.windows[i];
        bar_of.emplace(window.number, bars.size());
        bars.push_back({lanes.of(window.caller), window.start, optional(window.end),
                        optional(window.blocked), strings(window.way), window.child.pid,
                        strings(window.program), strings(window.outcome), optional(window.threads),
                        window.user_code ? 1 : 0, window.number});
    }
    Json drawn = Json::array();
    for (const auto& [index, group] : marks) {
        const auto& event = trace.events[index];
        const auto bar = event.window ? bar_of.find(*event.window) : bar_of.end();
        drawn.push_back({strings(event.kind), lanes.of(lane_of(trace, event)), event.time,
                         end_of(event), bar != bar_of.end() ? Json(bar->second) : Json(),
                         strings(event_in_words(trace, event)), group,
                         static_cast<int>(findings[group].weight)});
    }
    Timeline result;
    result.windows = bars.size();
    result.marks = drawn.size();
    result.data = script_data({{"length", trace.length()},
                               {"lanes", lanes.all()},
                               {"windows", std::move(bars)},
                               {"marks", std::move(drawn)},
                               {"strings", strings.all()}});
    return result;
}

} // namespace kspawn::trace::report
