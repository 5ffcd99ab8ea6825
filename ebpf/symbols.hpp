// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_SYMBOLS_HPP
#define KSPAWN_TRACE_SYMBOLS_HPP

#include <cstdint>
#include <map>
#include <string>

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

} // namespace kspawn::trace

#endif
