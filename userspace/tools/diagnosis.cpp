// SPDX-License-Identifier: LGPL-2.1-or-later
#include "diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace kspawn::tool {

namespace {

std::string_view word(const std::array<std::string_view, 3>& words, Severity severity) {
    return words.at(static_cast<std::size_t>(severity));
}

nlohmann::ordered_json or_null(const std::string& text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

} // namespace

const Finding* Diagnosis::first_bad() const {
    const auto found = std::ranges::find(findings_, Severity::bad, &Finding::severity);
    return found == findings_.end() ? nullptr : &*found;
}

bool Diagnosis::usable() const {
    return first_bad() == nullptr;
}

std::string Diagnosis::command() const {
    const auto* const bad = first_bad();
    return bad == nullptr ? "" : bad->advice.command;
}

void Diagnosis::print() const {
    for (const auto& [severity, subject, finding, advice] : findings_) {
        fmt::print("{:<5} {:<10} {}\n", word({"ok", "note", "FAIL"}, severity), subject, finding);
        if (!advice.text().empty())
            fmt::print("{:<17}-> {}\n", "", advice.text());
    }
    fmt::print("\n{}\n", usable() ? "Programs can be started through the kernel."
                                  : "Programs cannot be started through the kernel.");
    if (const auto next = command(); !next.empty())
        fmt::print("The next step: {}\n", next);
}

void Diagnosis::print_json() const {
    auto all = nlohmann::ordered_json::array();
    for (const auto& [severity, subject, finding, advice] : findings_)
        all.push_back({{"state", word({"ok", "note", "fail"}, severity)},
                       {"subject", subject},
                       {"finding", finding},
                       {"advice", or_null(advice.text())},
                       {"command", or_null(advice.command)}});
    const nlohmann::ordered_json whole{
        {"usable", usable()}, {"command", or_null(command())}, {"findings", all}};
    // A name in /lib/modules need not be UTF-8.
    fmt::print("{}\n", whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

} // namespace kspawn::tool
