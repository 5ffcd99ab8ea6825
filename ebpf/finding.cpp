// SPDX-License-Identifier: LGPL-2.1-or-later
#include "finding.hpp"

namespace kspawn::trace {

std::optional<std::int64_t> number_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number())
        return {};
    if (found->is_number_float()) {
        // A number that does not fit has no place on a page either.
        const auto value = found->get<double>();
        if (!(value > -9e18 && value < 9e18))
            return {};
        return static_cast<std::int64_t>(value);
    }
    return found->get<std::int64_t>();
}

std::string text_at(const Json& object, const char* name, const char* otherwise) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

bool flag_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

const Json& list_at(const Json& object, const char* name) {
    static const Json none = Json::object();
    const auto found = object.find(name);
    return found != object.end() && found->is_structured() ? *found : none;
}

Task task_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? task_of(*found) : Task{0, 0, "?"};
}

Task task_of(const Json& event) {
    return {number_at(event, "pid").value_or(0), number_at(event, "tid").value_or(0),
            text_at(event, "comm", "?")};
}

} // namespace kspawn::trace
