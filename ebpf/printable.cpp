// SPDX-License-Identifier: LGPL-2.1-or-later
#include "printable.hpp"

#include <fmt/format.h>

#include <cwchar>
#include <cwctype>

namespace kspawn::trace {

namespace {

/// The letter of a C escape; 0: there is none.
char letter_of(char character) {
    switch (character) {
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    default:
        return '\0';
    }
}

/// Characters that print nothing themselves and turn around what stands next to them.
bool changes_direction(wchar_t character) {
    return character == 0x061c || (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

bool can_be_printed(wchar_t character) {
    return std::iswprint(static_cast<std::wint_t>(character)) != 0 && !changes_direction(character);
}

std::string escaped(std::string_view text, std::string_view also) {
    std::string result;
    std::mbstate_t state{};
    while (!text.empty()) {
        wchar_t character = 0;
        const auto length = std::mbrtowc(&character, text.data(), text.size(), &state);
        // 0 is a NUL; the others, as big as can be, are no character of this locale.
        const bool whole = length != 0 && length <= text.size();
        if (!whole)
            state = {};
        const auto bytes = text.substr(0, whole ? length : 1);
        text.remove_prefix(bytes.size());
        if (whole && can_be_printed(character)) {
            if (also.find(bytes) != std::string_view::npos)
                result += '\\';
            result += bytes;
            continue;
        }
        for (const char byte : bytes) {
            if (const char letter = letter_of(byte); letter != '\0')
                result += fmt::format("\\{}", letter);
            else
                result += fmt::format("\\{:03o}", static_cast<unsigned char>(byte));
        }
    }
    return result;
}

} // namespace

std::string printable(std::string_view name) {
    return escaped(name, " \\");
}

std::string without_controls(std::string_view message) {
    return escaped(message, {});
}

} // namespace kspawn::trace
