// SPDX-License-Identifier: LGPL-2.1-or-later
/// The findings of kspawn-trace on the trials, beside what they say themselves.
#ifndef KSPAWN_TESTS_RACES_REPORT_HPP
#define KSPAWN_TESTS_RACES_REPORT_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trial.hpp"

namespace kspawn::races {

/// A trace as FORMAT.md has it, by the process whose threads it is about: of a
/// child that shares memory, the process that made it.
struct Trace {
    explicit Trace(const std::string& file);
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    Trace(Trace&&) = delete;
    Trace& operator=(Trace&&) = delete;
    ~Trace() = default;

    Json start;
    Json summary;                         ///< null: cut off
    std::map<std::int64_t, Json> windows; ///< all of a process
    std::map<std::int64_t, Json> stalls;
    std::map<std::int64_t, Json> reports; ///< creds, signals, fds
};

/// Trials on their way from the traced process to this one.
void write_trials(const std::string& file, const std::vector<Trial>& trials,
                  const std::vector<Trial>& clean);
void read_trials(const std::string& file, std::vector<Trial>* trials, std::vector<Trial>* clean);

/// The findings of a trial that the trace lacks, or has too many; "" if it has exactly
/// those that happened.
std::string difference(const Trial& trial, const Trace& trace);

/// All of it, for people, in Markdown.
std::string table_of(const std::vector<Trial>& trials, const std::vector<Trial>& clean,
                     const Trace& trace);

} // namespace kspawn::races

#endif
