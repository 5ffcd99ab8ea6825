// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_NUMBERS_HPP
#define KSPAWN_LIB_NUMBERS_HPP

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace kspawn::internal {

/// The number in a text that has nothing else in it; none otherwise.
inline std::optional<int> whole_number(std::string_view text) noexcept {
    int number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stopped != end)
        return {};
    return number;
}

} // namespace kspawn::internal

#endif
