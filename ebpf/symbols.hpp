// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_SYMBOLS_HPP
#define KSPAWN_TRACE_SYMBOLS_HPP

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kspawn::trace {

/// The kernel's symbols, read when one is first asked for.
class Symbols {
public:
    /// The symbol at this address, "symbol+0x10" close above one, or the address.
    std::string name(std::uint64_t address);

private:
    std::map<std::uint64_t, std::string> symbols_;
    bool read_ = false;
};

/// 0: the kernel has none of that name, or does not tell us (kptr_restrict).
std::uint64_t address_of_symbol(std::string_view name);

} // namespace kspawn::trace

#endif
