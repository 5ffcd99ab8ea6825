// SPDX-License-Identifier: LGPL-2.1-or-later
#include "environment.hpp"

#include <unistd.h>

#include <utility>

#include "lib/search_list.hpp"

namespace kspawn::tool {

namespace {

bool names(std::string_view entry, std::string_view name) {
    return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

} // namespace

Environment Environment::inherited() {
    Environment result;
    for (char* const* entry = environ; entry != nullptr && *entry != nullptr; ++entry)
        result.entries_.emplace_back(*entry);
    return result;
}

void Environment::remove(std::string_view name) {
    std::erase_if(entries_, [name](const std::string& entry) { return names(entry, name); });
}

void Environment::set(std::string assignment) {
    remove(std::string_view(assignment).substr(0, assignment.find('=')));
    entries_.push_back(std::move(assignment));
}

std::optional<std::string> Environment::get(std::string_view name) const {
    for (const auto& entry : entries_) {
        if (names(entry, name))
            return entry.substr(name.size() + 1);
    }
    return {};
}

std::string Environment::search_list() const {
    return get("PATH").value_or(internal::default_search_list);
}

std::vector<char*> Environment::pointers() {
    return pointers_to(entries_);
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& string : strings)
        result.push_back(string.data());
    result.push_back(nullptr);
    return result;
}

} // namespace kspawn::tool
