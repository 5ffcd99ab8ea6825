// SPDX-License-Identifier: LGPL-2.1-or-later
#include "histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "time.hpp"

namespace kspawn::trace {

namespace {

constexpr std::size_t bar_width = 40;

} // namespace

// Below parts a value is its own bucket; above, its highest bits choose one.
void Histogram::add(std::uint64_t value) {
    std::size_t bucket = value;
    if (value >= parts) {
        const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
        const auto part = value >> (exponent - parts_log2) & (parts - 1);
        bucket = exponent * parts + part;
    }
    counts_.at(bucket)++;
    count_++;
    max_ = std::max(max_, value);
}

std::uint64_t Histogram::percentile(double hundredths) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * hundredths / 100));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); bucket++) {
        seen += counts_.at(bucket);
        if (counts_.at(bucket) == 0 || seen < wanted)
            continue;
        if (bucket < parts)
            return bucket;
        const auto exponent = bucket / parts;
        const auto width = std::uint64_t{1} << (exponent - parts_log2);
        const auto start = (std::uint64_t{1} << exponent) + bucket % parts * width;
        return std::min(max_, start + width - 1);
    }
    return 0;
}

Histogram::Rows Histogram::rows() const {
    std::array<std::uint64_t, 64> all{};
    for (std::size_t bucket = 0; bucket < counts_.size(); bucket++) {
        const auto width = static_cast<std::size_t>(std::bit_width(bucket | 1));
        const auto row = bucket < parts ? width - 1 : bucket / parts;
        all.at(row) += counts_.at(bucket);
    }
    const auto filled = [](std::uint64_t count) { return count != 0; };
    const auto* const first = std::find_if(all.begin(), all.end(), filled);
    if (first == all.end())
        return {};
    const auto* const last = std::find_if(all.rbegin(), all.rend(), filled).base();
    Rows found{{first, last}, 0, *std::max_element(first, last)};
    found.first = static_cast<unsigned>(first - all.begin());
    return found;
}

std::uint64_t Histogram::low(unsigned row) {
    return row == 0 ? 0 : std::uint64_t{1} << row;
}

std::uint64_t Histogram::high(unsigned row) {
    return (std::uint64_t{2} << row) - 1;
}

std::string Histogram::text(const std::string& indent) const {
    const auto [counts, first, most] = rows();
    std::string lines;
    auto row = first;
    for (const auto count : counts) {
        lines += fmt::format("{}{:>9} .. {:<9} {:>7} |{:<{}}|\n", indent, readable_time(low(row)),
                             readable_time(high(row)), count,
                             std::string(count * bar_width / most, '*'), bar_width);
        row++;
    }
    return lines;
}

std::string Histogram::line() const {
    static constexpr std::array<std::string_view, 9> blocks{
        "\u2581", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    const auto [counts, first, most] = rows();
    if (counts.empty())
        return {};
    std::string bars;
    for (const auto count : counts)
        bars += count == 0 ? std::string_view{"_"} : blocks.at(count * 8 / most);
    const auto last = first + static_cast<unsigned>(counts.size()) - 1;
    return fmt::format("{} {} {}", readable_time(low(first)), bars, readable_time(high(last)));
}

} // namespace kspawn::trace
