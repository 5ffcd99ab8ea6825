// SPDX-License-Identifier: LGPL-2.1-or-later
/// A finding: the one form in which all that is traced is told, counted, written and read.
#ifndef KSPAWN_TRACE_FINDING_HPP
#define KSPAWN_TRACE_FINDING_HPP

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace kspawn::trace {

using Json = nlohmann::ordered_json;
using Nanoseconds = std::int64_t;

struct Kind;

struct Task {
    std::int64_t pid = 0;
    std::int64_t tid = 0;
    std::string comm;
};

/// As FORMAT.md has an event: the members here are those of every event.
struct Finding {
    const Kind* kind = nullptr;
    std::optional<std::int64_t> window; ///< none: it belongs to none
    std::string way;                    ///< of that window; empty: none
    Task task;
    Nanoseconds time = 0;         ///< since the start of the trace
    Json fields = Json::object(); ///< those of its kind
};

/// How an event counts: as no finding, as one, or as one of those that a kind tells apart.
enum class Count { none, finding, grave };

/// Members of an object that may be missing, null, or of another type.
std::optional<std::int64_t> number_at(const Json& object, const char* name);
std::string text_at(const Json& object, const char* name, const char* otherwise = "");
bool flag_at(const Json& object, const char* name);
/// An object or an array; empty if there is none.
const Json& list_at(const Json& object, const char* name);
Task task_at(const Json& object, const char* name);
/// The task that an event is told about.
Task task_of(const Json& event);

template <typename Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

} // namespace kspawn::trace

#endif
