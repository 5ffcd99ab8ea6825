// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signal_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>

#include "lib/numbers.hpp"

namespace kspawn::tool {

namespace {

using internal::whole_number;

std::optional<int> real_time_signal(std::string_view name) {
    int number = 0;
    if (name.starts_with("RTMIN"))
        number = SIGRTMIN;
    else if (name.starts_with("RTMAX"))
        number = SIGRTMAX;
    else
        return {};
    name.remove_prefix(5);
    if (name.empty())
        return number;
    if (name.front() != '+' && name.front() != '-')
        return {};
    const bool plus = name.front() == '+';
    const auto offset = whole_number(name.substr(1));
    if (!offset || *offset < 0 || *offset > SIGRTMAX - SIGRTMIN)
        return {};
    number = plus ? number + *offset : number - *offset;
    if (number < SIGRTMIN || number > SIGRTMAX)
        return {};
    return number;
}

} // namespace

std::optional<int> signal_number(std::string_view text) {
    if (const auto number = whole_number(text))
        return *number >= 1 && *number <= SIGRTMAX ? number : std::nullopt;
    std::string name{text};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    if (name.starts_with("SIG"))
        name.erase(0, 3);
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* const known = ::sigabbrev_np(number);
        if (known != nullptr && name == known)
            return number;
    }
    return real_time_signal(name);
}

std::string signal_name(int number) {
    if (const char* const known = ::sigabbrev_np(number); known != nullptr)
        return known;
    if (number >= SIGRTMIN && number <= SIGRTMAX)
        return fmt::format("RTMIN+{}", number - SIGRTMIN);
    return fmt::format("{}", number);
}

} // namespace kspawn::tool
