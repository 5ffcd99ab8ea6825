// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "credentials.hpp"
#include "paths.hpp"

namespace kspawn::trace {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const trace_task& task) {
    return {{"pid", task.pid}, {"tid", task.tid}, {"comm", std::data(task.comm)}};
}

Json text_or_null(const char* text) {
    return *text != '\0' ? Json(text) : Json(nullptr);
}

Json window_or_null(std::uint64_t id) {
    return id != 0 ? Json(id) : Json(nullptr);
}

Json way_or_null(std::uint32_t way) {
    return way != TRACE_WAY_NONE ? Json(name_of(way_names, way)) : Json(nullptr);
}

std::string hexadecimal(std::uint64_t set) {
    return fmt::format("{:016x}", set);
}

Json json_of(const trace_credentials& creds) {
    Json groups = Json::array();
    for (std::uint32_t i = 0; i < creds.group_count && i < TRACE_GROUPS; i++)
        groups.push_back(creds.groups[i]);
    return {{"uid", creds.uid},
            {"gid", creds.gid},
            {"euid", creds.euid},
            {"egid", creds.egid},
            {"suid", creds.suid},
            {"sgid", creds.sgid},
            {"fsuid", creds.fsuid},
            {"fsgid", creds.fsgid},
            {"groups", std::move(groups)},
            {"group_count", creds.group_count},
            {"cap_inheritable", hexadecimal(creds.cap_inheritable)},
            {"cap_permitted", hexadecimal(creds.cap_permitted)},
            {"cap_effective", hexadecimal(creds.cap_effective)},
            {"cap_bounding", hexadecimal(creds.cap_bounding)},
            {"cap_ambient", hexadecimal(creds.cap_ambient)},
            {"securebits", creds.securebits},
            {"no_new_privs", creds.no_new_privs != 0},
            {"session_keyring", creds.session_keyring},
            {"process_keyring", creds.process_keyring},
            {"thread_keyring", creds.thread_keyring},
            {"label", text_or_null(std::data(creds.label))}};
}

Json event_of(std::string_view kind, std::uint64_t time, const trace_task& who,
              std::uint64_t window, std::uint32_t way) {
    return {{"kind", kind},
            {"time", time},
            {"pid", who.pid},
            {"tid", who.tid},
            {"comm", std::data(who.comm)},
            {"window", window_or_null(window)},
            {"way", way_or_null(way)}};
}

template <typename Counts>
Json json_of_counts(const Counts& counts, const Kinds& kinds) {
    Json json = Json::object();
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (kinds.at(kind))
            json[std::string{kind_names.at(kind)}] = counts.at(kind);
    }
    return json;
}

Json json_of(const std::vector<MissingHook>& missing) {
    Json json = Json::array();
    for (const auto& [hook, reason] : missing)
        json.push_back({{"hook", place_of(*hook)},
                        {"kind", kind_names.at(hook->kind)},
                        {"reason", reason},
                        {"effect", hook->effect}});
    return json;
}

Json json_of(const Kinds& kinds) {
    Json json = Json::array();
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (kinds.at(kind))
            json.push_back(kind_names.at(kind));
    }
    return json;
}

// For a window that is open only the start is known; and nothing, if
// the probes that count are not there.
Json memory_of(const WindowEvent& event, const Kinds& kinds) {
    if (event.record.outcome == TRACE_OPEN || !kinds.at(TRACE_KIND_CREDS))
        return nullptr;
    Json json = Json::object();
    for (std::size_t i = 0; i < TRACE_MEMORY_OPERATIONS; i++) {
        const auto count = event.window().memory[i];
        if (count != 0 && event.shared())
            json[std::string{memory_names.at(i)}] = count;
    }
    return json;
}

std::string signal_name(int number) {
    if (const auto* const name = ::sigabbrev_np(number); name != nullptr)
        return std::string{"SIG"} + name;
    return fmt::format("SIG{}", number); // a real-time one
}

template <typename Number>
Json or_null(const std::optional<Number>& number) {
    return number ? Json(*number) : Json(nullptr);
}

} // namespace

template <typename Json>
void JsonWriter::print(const Json& json) {
    // Names are any bytes; JSON is UTF-8, of which a terminal acts on more than ASCII's
    // controls.
    fmt::print(file_, "{}\n", json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

void JsonWriter::begin(const std::vector<MissingHook>& missing) {
    utsname names{};
    ::uname(&names);
    const std::chrono::duration<double> wall = std::chrono::system_clock::now().time_since_epoch();
    print(Json{{"kind", "start"},
               {"version", 1},
               {"kernel", std::data(names.release)},
               {"wall_time", wall.count()},
               {"kinds", json_of(options_.kinds)},
               {"fail_on", json_of(options_.fail_on)},
               {"command", options_.command},
               {"filter",
                {{"pid", or_null(options_.pid)},
                 {"comm", or_null(options_.comm)},
                 {"uid", or_null(options_.uid)}}},
               {"missing", json_of(missing)}});
}

void JsonWriter::take(const WindowEvent& event) {
    const auto& window = event.window();
    const bool closed = event.record.outcome != TRACE_OPEN;
    auto json =
        event_of("windows", since_start(window.start), window.caller, window.id, window.way);
    json["child"] = json_of(window.child);
    json["start"] = since_start(window.start);
    json["end"] = closed ? Json(since_start(window.end)) : Json(nullptr);
    json["duration_ns"] = closed ? Json(window.end - window.start) : Json(nullptr);
    json["outcome"] = name_of(outcome_names, event.record.outcome);
    json["blocked_ns"] = or_null(event.blocked);
    json["threads"] = window.threads;
    json["sharers"] = window.sharers;
    json["shared"] = event.shared();
    json["user_code"] = window.user_code != 0;
    json["program"] = text_or_null(std::data(event.record.program));
    json["memory"] = memory_of(event, options_.kinds);
    print(json);
}

void JsonWriter::take(const CredsEvent& event) {
    const auto& record = event.record;
    auto json = event_of("creds", since_start(record.time), record.who, record.window, record.way);
    json["child"] = json_of(record.child);
    json["by"] = record.by_child != 0 ? "child" : "sharer";
    json["before"] = json_of(record.before);
    json["after"] = json_of(record.after);
    json["other"] = json_of(record.other);
    json["changed"] = changed_fields(record.before, record.after);
    json["exposed"] = exposed(record);
    const bool closed = event.window != nullptr && event.window->record.outcome != TRACE_OPEN;
    json["memory"] = closed ? memory_of(*event.window, options_.kinds) : Json(nullptr);
    json["opened"] = since_start(record.opened);
    json["closed"] = closed ? Json(since_start(event.window->window().end)) : Json(nullptr);
    json["outcome"] = event.window != nullptr
                          ? Json(name_of(outcome_names, event.window->record.outcome))
                          : Json(nullptr);
    json["program"] =
        closed ? text_or_null(std::data(event.window->record.program)) : Json(nullptr);
    print(json);
}

void JsonWriter::take(const SignalEvent& event) {
    const auto& record = event.record;
    auto json =
        event_of("signals", since_start(record.time), record.child, record.window, record.way);
    json["caller"] = json_of(record.caller);
    json["signal"] = record.signal;
    json["name"] = signal_name(record.signal);
    json["handler"] = fmt::format("{:#x}", record.handler);
    json["sender"] = record.sender != 0 ? Json(record.sender) : Json(nullptr);
    json["code"] = record.code;
    print(json);
}

void JsonWriter::take(const DescriptorEvent& event) {
    const auto& record = event.record;
    auto json = event_of("fds", since_start(record.time), record.opener, record.window, record.way);
    json["why"] = record.marked != 0 ? "late_cloexec" : "inherited";
    json["repeat"] = event.repeat;
    json["fd"] = record.fd;
    json["path"] = path_of(record);
    json["opened"] = since_start(record.opened);
    json["marked"] = record.marked != 0 ? Json(since_start(record.marked)) : Json(nullptr);
    json["caller"] = json_of(record.caller);
    json["child"] = json_of(record.child);
    json["gap_ns"] = record.start - record.opened;
    json["program"] = text_or_null(std::data(record.program));
    print(json);
}

void JsonWriter::take(const StallEvent& event) {
    static constexpr std::array<std::string_view, 3> roles{"caller", "child", "thread"};
    auto json = event_of("stalls", since_start(event.time), event.waiter, event.window, event.way);
    json["cause"] = event.lock ? "lock" : "vfork";
    json["lock"] = or_null(event.lock);
    json["role"] = name_of(roles, event.role);
    json["wait_ns"] = event.wait;
    json["holder"] = event.holder ? json_of(*event.holder) : Json(nullptr);
    print(json);
}

void JsonWriter::end(const Outcome& outcome) {
    print(Json{{"kind", "summary"},
               {"time", outcome.length},
               {"counts", json_of_counts(outcome.counts, options_.kinds)},
               {"findings", json_of_counts(outcome.evidence.findings, options_.kinds)},
               {"drops",
                {{"ring", outcome.losses.ring},
                 {"maps", outcome.losses.maps},
                 {"missed", outcome.losses.missed},
                 {"total", outcome.losses.total()}}},
               {"missing", json_of(outcome.missing)},
               {"complete", outcome.complete()},
               {"verdict", name_of(outcome.verdict())},
               {"verdict_text", sentence_of(outcome.evidence)},
               {"command_status", or_null(outcome.command_status)}});
}

} // namespace kspawn::trace
