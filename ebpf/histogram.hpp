// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_HISTOGRAM_HPP
#define KSPAWN_TRACE_HISTOGRAM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kspawn::trace {

/// Counts of numbers: by powers of two to be shown, each of them in eight parts
/// for percentiles, which are at most an eighth too high.  It is our own because Debian 12
/// has no HdrHistogram for C.
class Histogram {
public:
    void add(std::uint64_t value);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }
    /// The number that so many of a hundred do not exceed; 0 if there are none.
    [[nodiscard]] std::uint64_t percentile(double hundredths) const;
    /// Lines of text as of libbpf-tools, each with this in front; numbers are ns.
    [[nodiscard]] std::string text(const std::string& indent) const;
    /// The same in little room: a bar for each power of two, between the lowest and the
    /// highest; "" if there are none.
    [[nodiscard]] std::string line() const;

private:
    /// By powers of two, from the first that is not empty to the last.
    struct Rows {
        std::vector<std::uint64_t> counts;
        unsigned first = 0; ///< exponent
        std::uint64_t most = 0;
    };
    [[nodiscard]] Rows rows() const;
    static std::uint64_t low(unsigned row);
    static std::uint64_t high(unsigned row);

    static constexpr unsigned parts_log2 = 3;
    static constexpr std::size_t parts = std::size_t{1} << parts_log2;
    std::array<std::uint64_t, 64 * parts> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

} // namespace kspawn::trace

#endif
