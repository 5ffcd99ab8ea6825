// SPDX-License-Identifier: LGPL-2.1-or-later
#include "specification.hpp"

#include <algorithm>
#include <stdexcept>

#include "../starter/meeting.h"

namespace conformance {

namespace {

constexpr char unit_separator = '\037';
constexpr char record_separator = '\036';

std::string field_of(const nlohmann::json& value) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.find_first_of("\036\037\n") != std::string::npos)
        throw std::runtime_error("specification: a control character in " + value.dump());
    // "@name", and in the middle of a search list as well.
    for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1))
        text.replace(at, 1, PROGRAMS "/");
    return text;
}

void append(std::string& wire, char list, const nlohmann::json& step) {
    wire += list;
    wire += ':';
    bool first = true;
    for (const auto& field : step) {
        if (!first)
            wire += unit_separator;
        wire += field_of(field);
        first = false;
    }
    wire += record_separator;
}

nlohmann::json with_verb(const char* verb, const nlohmann::json& operands) {
    auto step = nlohmann::json::array({verb});
    for (const auto& operand : operands)
        step.push_back(operand);
    return step;
}

} // namespace

std::string to_wire(const Specification& specification) {
    using nlohmann::json;
    std::string wire;
    for (const auto& step : specification.value("parent", json::array()))
        append(wire, 'p', step);
    for (const auto& step : specification.value("attributes", json::array()))
        append(wire, 'a', step);
    for (const auto& step : specification.value("actions", json::array()))
        append(wire, 'f', step);
    append(wire, 'x', specification.value("program", json::array({"path", "@reporter"})));
    append(wire, 'x', with_verb("argv", specification.value("argv", json::array({"me"}))));
    append(wire, 'x', with_verb("env", specification.value("env", json::array({"A=1"}))));
    if (specification.value("in_thread", false))
        append(wire, 'x', json::array({"in_thread"}));
    return wire + '\n';
}

bool has_step(const Specification& specification, const std::string& list,
              const std::string& verb) {
    const auto steps = specification.value(list, nlohmann::json::array());
    return std::ranges::any_of(steps, [&](const auto& step) { return step.at(0) == verb; });
}

} // namespace conformance
