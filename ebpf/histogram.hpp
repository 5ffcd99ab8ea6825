// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_HISTOGRAM_HPP
#define KSPAWN_TRACE_HISTOGRAM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kspawn::trace {

/// Counts of numbers: by powers of two to be shown, each of them in eight parts
/// for percentiles, which are at most an eighth too high.
class Histogram {
public:
    void add(std::uint64_t value);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }
    /// The number that so many of a hundred do not exceed; 0 if there are none.
    [[nodiscard]] std::uint64_t percentile(double hundredths) const;
    /// Lines of text as of libbpf-tools, each with this in front; numbers are ns.
    [[nodiscard]] std::string text(const std::string& indent) const;

private:
    static constexpr unsigned parts_log2 = 3;
    static constexpr std::size_t parts = std::size_t{1} << parts_log2;
    std::array<std::uint64_t, 64 * parts> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

/// "1.23 ms", for people.
std::string readable_time(std::uint64_t nanoseconds);

} // namespace kspawn::trace

#endif
