// SPDX-License-Identifier: LGPL-2.1-or-later
#include "symbols.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace kspawn::trace {

namespace {

// A lock inside a larger object; beyond that an address is of allocated memory.
constexpr std::uint64_t farthest = 0x400;

std::map<std::uint64_t, std::string> read() {
    std::map<std::uint64_t, std::string> symbols;
    std::ifstream file{"/proc/kallsyms"};
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields{line};
        std::uint64_t address = 0;
        char type = 0;
        std::string name;
        fields >> std::hex >> address >> type >> name;
        // Only data: a lock is no function.
        if (address != 0 && std::string_view{"bBdDrR"}.find(type) != std::string_view::npos)
            symbols.emplace(address, name);
    }
    return symbols;
}

} // namespace

std::string Symbols::name(std::uint64_t address) {
    if (!read_) {
        symbols_ = read();
        read_ = true;
    }
    if (auto after = symbols_.upper_bound(address); after != symbols_.begin()) {
        const auto& [start, symbol] = *std::prev(after);
        if (start == address)
            return symbol;
        if (address - start < farthest)
            return fmt::format("{}+{:#x}", symbol, address - start);
    }
    return fmt::format("{:#x}", address);
}

} // namespace kspawn::trace
