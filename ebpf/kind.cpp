// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kind.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kspawn::trace {

std::string counted(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::size_t kind_number(std::string_view name) {
    const auto* const found = std::ranges::find(all_kinds, name, &Kind::name);
    return static_cast<std::size_t>(found - all_kinds.begin());
}

bool any(const Kinds& kinds) {
    return std::ranges::find(kinds, true) != kinds.end();
}

std::vector<std::string> names_of(const Kinds& kinds) {
    std::vector<std::string> names;
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (kinds.at(kind))
            names.emplace_back(all_kinds.at(kind)->name);
    }
    return names;
}

std::string kind_names() {
    return fmt::format("{}", fmt::join(names_of(every_kind()), ", "));
}

} // namespace kspawn::trace
