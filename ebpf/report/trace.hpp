// SPDX-License-Identifier: LGPL-2.1-or-later
/// A trace as it was written by `kspawn-trace --json`; see ebpf/FORMAT.md.
#ifndef KSPAWN_TRACE_REPORT_TRACE_HPP
#define KSPAWN_TRACE_REPORT_TRACE_HPP

#include <compare>
#include <cstdint>
#include <istream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kspawn::trace::report {

using Json = nlohmann::json;
using Nanoseconds = std::int64_t;

struct Task {
    std::int64_t pid = 0;
    std::int64_t tid = 0;
    std::string comm;
};

struct Window {
    std::int64_t number = 0;
    std::string way;
    Task caller;
    Task child;
    Nanoseconds start = 0;
    std::optional<Nanoseconds> end;
    std::optional<Nanoseconds> duration;
    std::optional<Nanoseconds> blocked;
    std::string outcome;
    std::optional<std::int64_t> threads;
    bool shared = false;
    bool user_code = false;
    std::string program; ///< empty: none was executed
    Json memory = Json::object();
};

/// An event that is no window.
struct Event {
    std::string kind;
    Task task;
    Nanoseconds time = 0;
    std::optional<std::int64_t> window;
    std::string way;
    Json json; ///< the whole of it
};

struct Trace {
    Json start = Json::object();
    std::optional<Json> summary; ///< none: the trace was cut off
    std::vector<Window> windows;
    std::vector<Event> events;
    std::uint64_t lines = 0;
    std::uint64_t bad_lines = 0; ///< that are not what FORMAT.md says
    std::map<std::int64_t, std::size_t> window_by_number;

    [[nodiscard]] const Window* window(std::optional<std::int64_t> number) const;
    /// Length of the trace, by its summary or else by its last event.
    [[nodiscard]] Nanoseconds length() const;
};

/// It is no trace, or one of a version that we do not know.
class NoTrace : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Lines that cannot be read are counted, not fatal: half a trace says something.
Trace read_trace(std::istream& input);

/// Members of an object that may be missing, null, or of another type.
std::optional<std::int64_t> number_at(const Json& object, const char* name);
std::string text_at(const Json& object, const char* name, const char* otherwise = "");
bool flag_at(const Json& object, const char* name);
Task task_at(const Json& object, const char* name);

} // namespace kspawn::trace::report

#endif
