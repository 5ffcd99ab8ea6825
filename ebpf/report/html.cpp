// SPDX-License-Identifier: LGPL-2.1-or-later
#include "html.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kspawn::trace::report {

namespace {

struct Character {
    char32_t value;
    std::size_t length;
};

/// The first character; what is no UTF-8 is U+FFFD, one byte long.
Character first_of(std::string_view text) {
    constexpr Character broken{0xFFFD, 1};
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length)
        return broken;
    char32_t value = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; i++) {
        if ((byte(i) & 0xC0U) != 0x80)
            return broken;
        value = value << 6U | (byte(i) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (value < least.at(length) || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return broken;
    return {value, length};
}

bool is_hidden(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

template <typename Put>
std::string converted(std::string_view text, Put put) {
    std::string result;
    while (!text.empty()) {
        const auto character = first_of(text);
        if (is_hidden(character.value))
            result += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character.value));
        else if (character.value == 0xFFFD)
            result += "\xEF\xBF\xBD";
        else
            put(&result, text.substr(0, character.length));
        text.remove_prefix(character.length);
    }
    return result;
}

} // namespace

std::string visible(std::string_view text) {
    return converted(text, [](std::string* result, std::string_view part) { *result += part; });
}

std::string escaped(std::string_view text) {
    return converted(text, [](std::string* result, std::string_view part) {
        if (part == "&")
            *result += "&amp;";
        else if (part == "<")
            *result += "&lt;";
        else if (part == ">")
            *result += "&gt;";
        else if (part == "\"")
            *result += "&quot;";
        else if (part == "'")
            *result += "&#39;";
        else
            *result += part;
    });
}

std::string script_data(const nlohmann::json& value) {
    const auto text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        // In JSON these stand in strings only, where an escape means the same.
        if (c == '<' || c == '>' || c == '&')
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            result += c;
    }
    return result;
}

} // namespace kspawn::trace::report
