// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kind.hpp"

#include <fmt/format.h>

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

std::string kind_names() {
    std::string names;
    for (const auto* const kind : all_kinds)
        names.append(names.empty() ? "" : ", ").append(kind->name);
    return names;
}

} // namespace kspawn::trace
