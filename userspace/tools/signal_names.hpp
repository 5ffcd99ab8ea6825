// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_SIGNAL_NAMES_HPP
#define KSPAWN_TOOLS_SIGNAL_NAMES_HPP

#include <optional>
#include <string>
#include <string_view>

namespace kspawn::tool {

/// The number of "INT", "SIGINT", "2", "RTMIN+1" or "RTMAX-1", in any case.
std::optional<int> signal_number(std::string_view text);

/// "INT" for 2.
std::string signal_name(int number);

} // namespace kspawn::tool

#endif
