// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kind.hpp"

#include <algorithm>

namespace kspawn::trace {

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
