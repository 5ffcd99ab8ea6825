// SPDX-License-Identifier: LGPL-2.1-or-later
/// kspawn-trace, run on the subject, and what it says.
#ifndef KSPAWN_TESTS_TRACE_TRACER_HPP
#define KSPAWN_TESTS_TRACE_TRACER_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace kspawn::test {

struct Trace {
    int status;
    std::string err;
    nlohmann::json start;
    std::vector<nlohmann::json> events;
    nlohmann::json summary;

    /// The events of one kind.
    [[nodiscard]] std::vector<nlohmann::json> of(std::string_view kind) const;
};

std::string tracer();
std::string subject();

/// Traces the subject as it shows these behaviours.  A line that is no JSON, a
/// first or last one that is not as it should be, is a failure.
Trace trace(const std::vector<std::string>& options, const std::vector<std::string>& behaviours);
/// The same of a reproducer of tests/races: "credentials", a way, and what else it takes.
Trace trace_reproducer(const std::vector<std::string>& options,
                       const std::vector<std::string>& command);
/// Traces without a command.
Trace trace(const std::vector<std::string>& options);

} // namespace kspawn::test

#endif
