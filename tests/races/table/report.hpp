// SPDX-License-Identifier: LGPL-2.1-or-later
/// What kspawn-trace says of the scenes, beside what they say themselves.
#ifndef KSPAWN_TESTS_RACES_REPORT_HPP
#define KSPAWN_TESTS_RACES_REPORT_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scene.hpp"

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

/// Scenes on their way from the traced process to this one.
void write_scenes(const std::string& file, const std::vector<Scene>& scenes,
                  const std::vector<Scene>& clean);
void read_scenes(const std::string& file, std::vector<Scene>* scenes, std::vector<Scene>* clean);

/// What the trace says of a scene and should not, or the other way round; "" if
/// it says exactly what has happened.
std::string difference(const Scene& scene, const Trace& trace);

/// All of it, for people, in Markdown.
std::string table_of(const std::vector<Scene>& scenes, const std::vector<Scene>& clean,
                     const Trace& trace);

} // namespace kspawn::races

#endif
