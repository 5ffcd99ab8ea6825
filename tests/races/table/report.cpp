// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace kspawn::races {

namespace {

const Json& of(const std::map<std::int64_t, Json>& all, std::int64_t process) {
    static const Json none = Json::array();
    const auto found = all.find(process);
    return found != all.end() ? found->second : none;
}

std::int64_t subject_of(const Trial& trial) {
    return trial.evidence.at("subject").get<std::int64_t>();
}

/// Which kind of event tells of a hazard; "" for the stall, whose events are many.
std::string kind_of(const std::string& hazard) {
    if (hazard.starts_with("credentials"))
        return "creds";
    if (hazard == "handler")
        return "signals";
    if (hazard.starts_with("descriptors"))
        return "fds";
    return "";
}

/// The name that the tracer must give it.
std::string traced_way(const Way& way) {
    if (way.kernel)
        return "kspawn";
    if (way.name == "pipe")
        return "clone_vm";
    return way.name == "vfork" || way.name == "thread" ? "vfork" : "clone_vm_vfork";
}

/// How often it must be told, and at most.
struct Times {
    std::size_t least;
    std::size_t most;
};

Times times(const Trial& trial) {
    const auto& evidence = trial.evidence.at("evidence");
    if (trial.hazard.name == "handler") {
        const auto calls = evidence.at("calls_in_child").get<std::size_t>();
        return {calls, calls};
    }
    if (trial.hazard.name.starts_with("descriptors")) {
        const auto leaks = evidence.at("leaked").get<std::size_t>();
        return {leaks, leaks};
    }
    // setuid() of a libc is a call of each thread; which of them come before exec
    // is a matter of chance, but for the attacker's.
    if (trial.hazard.name.starts_with("credentials"))
        return trial.outcome() == "yes" ? Times{1, 3} : Times{0, 0};
    return {0, 0};
}

std::string check_windows(const Trial& trial, const Json& windows) {
    const auto& evidence = trial.evidence.at("evidence");
    const auto starts = evidence.contains("starts")    ? evidence.at("starts").get<std::size_t>()
                        : trial.hazard.name == "stall" ? 2U
                                                       : 1U;
    if (windows.size() != starts)
        return fmt::format("{} windows, but {} starts; ", windows.size(), starts);
    for (const auto& window : windows)
        if (window.at("way") != traced_way(trial.way) ||
            window.at("user_code") != !trial.way.kernel || window.at("shared") != true ||
            window.at("outcome") != "exec")
            return "a window is not what it should be: " + window.dump() + "; ";
    return "";
}

/// For how many nanoseconds the exec was.
std::int64_t held(const Trial& trial) {
    return trial.evidence.at("evidence").at("held_ns").get<std::int64_t>();
}

/// While its exec is held, the child of a libc shares its caller's memory; kspawn's does not.
std::string check_hold(const Trial& trial, const Json& windows) {
    for (const auto& window : windows) {
        const auto program = window.value("program", Json(nullptr));
        if (!program.is_string() || !program.get<std::string>().ends_with("/intended"))
            continue;
        const bool shared = window.at("duration_ns").get<std::int64_t>() >= held(trial);
        return shared != trial.way.kernel
                   ? ""
                   : fmt::format("memory is {}shared while the exec is held, for {} ns: {}; ",
                                 shared ? "" : "not ", held(trial), window.dump());
    }
    return "no window of the slow program; ";
}

/// That for the slow program, not one of a moment.
bool is_wait_reported(const Trial& trial, const Json& stalls) {
    return std::ranges::any_of(stalls, [&trial](const Json& stall) {
        return stall.at("cause") == "vfork" && stall.at("way") == traced_way(trial.way) &&
               stall.at("wait_ns").get<std::int64_t>() >= held(trial);
    });
}

/// The caller's wait for a slow program is seen if it waits for the child itself, in the
/// kernel: one that reads an error pipe waits by its own doing, and an asynchronous one not
/// at all.
std::string check_stall(const Trial& trial, const Json& stalls) {
    static const std::set<std::string> waits_otherwise{"pipe", "kspawn-async"};
    const bool seen = is_wait_reported(trial, stalls);
    const bool expected = !waits_otherwise.contains(trial.way.name);
    return seen == expected
               ? ""
               : fmt::format("the wait for the child is {}reported; ", seen ? "" : "not ");
}

std::size_t reported(const Trial& trial, const Trace& trace) {
    return of(trace.reports, subject_of(trial)).size();
}

/// "yes / yes": it happened, and was reported.
std::string cell(const Trial& trial, const Trace& trace) {
    if (!trial.evidence.is_object())
        return "failed";
    if (trial.hazard.name == "stall")
        return fmt::format("{} / {}", trial.outcome(),
                           is_wait_reported(trial, of(trace.stalls, subject_of(trial))) ? "yes"
                                                                                        : "no");
    const auto count = reported(trial, trace);
    if (trial.hazard.name != "descriptors-many")
        return fmt::format("{} / {}", trial.outcome(), count != 0 ? "yes" : "no");
    const auto& evidence = trial.evidence.at("evidence");
    return fmt::format("{} of {} / {}", evidence.at("leaked").get<int>(),
                       evidence.at("starts").get<int>(), count);
}

} // namespace

Trace::Trace(const std::string& file) {
    std::ifstream input(file);
    const auto add = [](std::map<std::int64_t, Json>* to, std::int64_t process, const Json& event) {
        auto& list = (*to)[process];
        if (list.is_null())
            list = Json::array();
        list.push_back(event);
    };
    for (std::string line; std::getline(input, line);) {
        const auto event = Json::parse(line, nullptr, false);
        if (!event.is_object())
            continue;
        const auto kind = event.at("kind").get<std::string>();
        if (kind == "start") {
            start = event;
        } else if (kind == "summary") {
            summary = event;
        } else {
            const auto& told = kind == "signals" ? event.at("caller") : event;
            const auto process = told.at("pid").get<std::int64_t>();
            add(kind == "windows"  ? &windows
                : kind == "stalls" ? &stalls
                                   : &reports,
                process, event);
        }
    }
}

void write_trials(const std::string& file, const std::vector<Trial>& trials,
                  const std::vector<Trial>& clean) {
    const auto list = [](const std::vector<Trial>& from) {
        auto array = Json::array();
        for (const auto& trial : from)
            array.push_back({{"evidence", trial.evidence}, {"trouble", trial.trouble}});
        return array;
    };
    std::ofstream(file) << Json{{"trials", list(trials)}, {"clean", list(clean)}};
}

void read_trials(const std::string& file, std::vector<Trial>* trials, std::vector<Trial>* clean) {
    std::ifstream input(file);
    const auto json = Json::parse(input, nullptr, false);
    if (!json.is_object())
        return;
    const auto take = [](const Json& from, std::vector<Trial> planned, std::vector<Trial>* to) {
        for (std::size_t i = 0; i < planned.size() && i < from.size(); i++) {
            planned[i].evidence = from[i].at("evidence");
            planned[i].trouble = from[i].at("trouble");
            to->push_back(planned[i]);
        }
    };
    take(json.at("trials"), all_trials(), trials);
    take(json.at("clean"), clean_trials(), clean);
}

std::string difference(const Trial& trial, const Trace& trace) {
    const auto subject = subject_of(trial);
    const auto& reports = of(trace.reports, subject);
    auto wrong = check_windows(trial, of(trace.windows, subject));
    const auto [least, most] = times(trial);
    if (reports.size() < least || reports.size() > most)
        wrong += fmt::format("{} reports, but from {} to {} should be there: {}; ", reports.size(),
                             least, most, reports.dump());
    const auto kind = kind_of(trial.hazard.name);
    for (const auto& report : reports) {
        if (report.at("kind") != kind)
            wrong += "a report of another kind: " + report.dump() + "; ";
        else if (kind == "creds" && report.at("exposed") != "child")
            wrong += "it is the child that is exposed: " + report.dump() + "; ";
        else if (kind == "fds" && report.at("why") != "late_cloexec")
            wrong += "the descriptor was marked, but late: " + report.dump() + "; ";
    }
    if (trial.hazard.name == "stall")
        wrong += check_stall(trial, of(trace.stalls, subject)) +
                 check_hold(trial, of(trace.windows, subject));
    return wrong;
}

std::string table_of(const std::vector<Trial>& trials, const std::vector<Trial>& clean,
                     const Trace& trace) {
    std::string text = "\n| happened / reported |";
    std::string rule = "| --- |";
    for (const auto& hazard : hazards()) {
        text += fmt::format(" {} |", hazard.title);
        rule += " --- |";
    }
    text += " reports of clean starts |\n" + rule + " --- |\n";
    std::set<std::string> libcs;
    for (std::size_t way = 0; way < ways().size(); way++) {
        text += fmt::format("| {} |", ways()[way].title);
        for (std::size_t hazard = 0; hazard < hazards().size(); hazard++) {
            const auto index = hazard * ways().size() + way;
            text += fmt::format(" {} |", index < trials.size() ? cell(trials[index], trace) : "?");
        }
        if (way < clean.size() && clean[way].evidence.is_object()) {
            text += fmt::format(" {} of {} |", reported(clean[way], trace),
                                clean[way].evidence.at("evidence").at("starts").get<int>());
            libcs.insert(clean[way].evidence.at("libc").get<std::string>());
        } else {
            text += " ? |";
        }
        text += '\n';
    }
    text += fmt::format("\nLinux {}", trace.start.value("kernel", "?"));
    for (const auto& libc : libcs)
        text += ", " + libc;
    return text + "\n\n";
}

} // namespace kspawn::races
