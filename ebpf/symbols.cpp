// SPDX-License-Identifier: LGPL-2.1-or-later
#include "symbols.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>

#include "lib/descriptor.hpp"

namespace kspawn::trace {

namespace {

// A lock inside a larger object; beyond that an address is of allocated memory.
constexpr std::uint64_t farthest = 0x400;

struct Symbol {
    std::uint64_t address = 0;
    char type = 0;
    std::string_view name;
};

// "ffffffff81000000 T _text", and behind a tab the module that it is of.
Symbol parse(std::string_view line) {
    Symbol symbol;
    const auto* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data(), end, symbol.address, 16);
    if (error != std::errc{} || end - rest < 4)
        return {};
    symbol.type = rest[1];
    symbol.name = std::string_view{rest + 3, end};
    symbol.name = symbol.name.substr(0, symbol.name.find('\t'));
    return symbol;
}

// Some 200,000 lines: neither streams nor scanf() are fast enough.
template <typename Visit>
void for_each_symbol(Visit visit) {
    const internal::Descriptor file{::open("/proc/kallsyms", O_RDONLY | O_CLOEXEC)};
    std::array<char, 1 << 16> buffer{};
    std::size_t kept = 0; // of a line that was cut
    for (;;) {
        const auto got = ::read(file.get(), buffer.data() + kept, buffer.size() - kept);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        std::string_view text{buffer.data(), kept + static_cast<std::size_t>(got)};
        for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
            if (!visit(parse(text.substr(0, end))))
                return;
            text.remove_prefix(end + 1);
        }
        kept = text.size();
        std::copy(text.begin(), text.end(), buffer.begin());
    }
}

std::map<std::uint64_t, std::string> read_data() {
    std::map<std::uint64_t, std::string> symbols;
    for_each_symbol([&symbols](const Symbol& symbol) {
        // Only data: a lock is no function.
        if (symbol.address != 0 &&
            std::string_view{"bBdDrR"}.find(symbol.type) != std::string_view::npos)
            symbols.emplace(symbol.address, symbol.name);
        return true;
    });
    return symbols;
}

} // namespace

std::string Symbols::name(std::uint64_t address) {
    if (!read_) {
        symbols_ = read_data();
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

std::uint64_t address_of_symbol(std::string_view name) {
    std::uint64_t address = 0;
    for_each_symbol([&address, name](const Symbol& symbol) {
        if (symbol.name == name)
            address = symbol.address;
        return symbol.name != name;
    });
    return address;
}

} // namespace kspawn::trace
