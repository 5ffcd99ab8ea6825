// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <chrono>
#include <iterator>
#include <string>

namespace kspawn::trace {

namespace {

Json json_of(const std::vector<MissingProbe>& missing) {
    Json json = Json::array();
    for (const auto& probe : missing)
        json.push_back({{"hook", probe.place},
                        {"kind", all_kinds.at(probe.kind)->name},
                        {"reason", probe.reason},
                        {"effect", probe.effect}});
    return json;
}

/// From the name of each kind that is traced to one of its counts.
Json json_of(const Evidence& evidence, std::uint64_t Tally::*count) {
    Json json = Json::object();
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (evidence.traced.at(kind))
            json[std::string{all_kinds.at(kind)->name}] = evidence.tallies.at(kind).*count;
    }
    return json;
}

} // namespace

void JsonWriter::print(const Json& json) {
    // Names are any bytes; JSON is UTF-8, of which a terminal acts on more than ASCII's
    // controls.
    fmt::print(file_, "{}\n", json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

void JsonWriter::begin(const std::vector<MissingProbe>& missing) {
    utsname names{};
    ::uname(&names);
    const std::chrono::duration<double> wall = std::chrono::system_clock::now().time_since_epoch();
    print({{"kind", "start"},
           {"version", 1},
           {"kernel", std::data(names.release)},
           {"wall_time", wall.count()},
           {"kinds", names_of(options_.kinds)},
           {"fail_on", names_of(options_.fail_on)},
           {"command", options_.command},
           {"filter",
            {{"pid", or_null(options_.pid)},
             {"comm", or_null(options_.comm)},
             {"uid", or_null(options_.uid)}}},
           {"missing", json_of(missing)}});
}

void JsonWriter::take(const Finding& finding) {
    Json json{{"kind", finding.kind->name},
              {"time", finding.time},
              {"pid", finding.task.pid},
              {"tid", finding.task.tid},
              {"comm", finding.task.comm},
              {"window", or_null(finding.window)},
              {"way", finding.way.empty() ? Json(nullptr) : Json(finding.way)}};
    json.update(finding.fields);
    print(json);
}

void JsonWriter::end(const Outcome& outcome) {
    print({{"kind", "summary"},
           {"time", outcome.length},
           {"counts", json_of(outcome.evidence, &Tally::events)},
           {"findings", json_of(outcome.evidence, &Tally::findings)},
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
