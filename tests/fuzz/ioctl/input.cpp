// SPDX-License-Identifier: LGPL-2.1-or-later
#include "input.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace fuzz {

namespace {

constexpr std::size_t longest = 512;

std::uint8_t random_byte(Random& random) {
    // Mostly small: the first of each choice is the usual one.
    return static_cast<std::uint8_t>(random.one_in(2) ? random.below(4) : random.below(256));
}

std::ptrdiff_t random_place(const Input& input, Random& random) {
    return static_cast<std::ptrdiff_t>(random.below(input.size() + 1));
}

} // namespace

std::uint64_t Reader::number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value = value << 8U | byte();
    return value;
}

Input random_input(Random& random) {
    Input input(8 + random.below(120));
    std::generate(input.begin(), input.end(), [&] { return random_byte(random); });
    return input;
}

Input mutated(const Input& from, const Input& other, Random& random) {
    Input input = from;
    for (auto times = 1 + random.below(4); times > 0; --times) {
        const auto place = random_place(input, random);
        switch (random.below(5)) {
        case 0:
            input.insert(input.begin() + place, random_byte(random));
            break;
        case 1: // the rest of another one
            input.resize(static_cast<std::size_t>(place));
            input.insert(input.end(),
                         other.begin() + std::min(place, static_cast<std::ptrdiff_t>(other.size())),
                         other.end());
            break;
        default:
            if (place == static_cast<std::ptrdiff_t>(input.size()))
                break;
            if (random.one_in(4))
                input.erase(input.begin() + place);
            else
                input[static_cast<std::size_t>(place)] = random_byte(random);
        }
    }
    if (input.size() > longest)
        input.resize(longest);
    return input;
}

std::string to_hex(const Input& input) {
    constexpr std::array digits{'0', '1', '2', '3', '4', '5', '6', '7',
                                '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    std::string text;
    for (const auto byte : input) {
        text += digits.at(byte >> 4U);
        text += digits.at(byte & 15U);
    }
    return text;
}

Input from_hex(const std::string& text) {
    Input input;
    if (text.size() % 2 != 0)
        throw std::invalid_argument("half a byte");
    for (std::size_t i = 0; i < text.size(); i += 2) {
        std::size_t used = 0;
        input.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), &used, 16)));
        if (used != 2)
            throw std::invalid_argument("not a hexadecimal number");
    }
    return input;
}

} // namespace fuzz
