// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tracer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "kit/process.hpp"
#include "kit/scratch.hpp"

namespace kspawn::test {

namespace {

Trace run_tracer(std::vector<std::string> command) {
    // The traced program may print on stdout itself.
    const Scratch scratch;
    command.insert(command.begin() + 1, {"--json", "--output", scratch.file("trace")});
    const auto ended = run(command);
    Trace trace{ended.status, ended.err, {}, {}, {}};
    std::ifstream lines{scratch.file("trace")};
    std::string line;
    while (std::getline(lines, line)) {
        auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_discarded())
            ADD_FAILURE() << "no JSON: " << line;
        else
            trace.events.push_back(std::move(json));
    }
    if (trace.events.size() < 2 || trace.events.front().value("kind", "") != "start" ||
        trace.events.back().value("kind", "") != "summary") {
        ADD_FAILURE() << "not a whole trace: " << ended.out << ended.err;
        return trace;
    }
    trace.start = trace.events.front();
    trace.summary = trace.events.back();
    trace.events.pop_back();
    trace.events.erase(trace.events.begin());
    return trace;
}

Trace run_tracer_on(const std::vector<std::string>& options, const std::string& program,
                    const std::vector<std::string>& arguments) {
    std::vector<std::string> command{tracer()};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", program});
    command.insert(command.end(), arguments.begin(), arguments.end());
    auto traced = run_tracer(command);
    if (traced.summary.is_object()) {
        EXPECT_EQ(traced.summary.at("command_status"), 0) << traced.err;
    }
    return traced;
}

} // namespace

std::vector<nlohmann::json> Trace::of(std::string_view kind) const {
    std::vector<nlohmann::json> found;
    std::copy_if(events.begin(), events.end(), std::back_inserter(found),
                 [kind](const auto& event) { return event.at("kind") == kind; });
    return found;
}

std::string tracer() {
    return build_directory() / "kspawn-trace";
}

std::string subject() {
    return build_directory() / "tests" / "trace" / "helpers" / "subject";
}

Trace trace(const std::vector<std::string>& options, const std::vector<std::string>& behaviours) {
    return run_tracer_on(options, subject(), behaviours);
}

Trace trace_reproducer(const std::vector<std::string>& options,
                       const std::vector<std::string>& command) {
    const auto helpers = build_directory() / "tests" / "races" / "helpers";
    return run_tracer_on(options, helpers / command.front(), {command.begin() + 1, command.end()});
}

Trace trace(const std::vector<std::string>& options) {
    std::vector<std::string> command{tracer()};
    command.insert(command.end(), options.begin(), options.end());
    return run_tracer(command);
}

} // namespace kspawn::test
