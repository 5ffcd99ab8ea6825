// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_REPORT_STATISTICS_HPP
#define KSPAWN_TRACE_REPORT_STATISTICS_HPP

#include <map>
#include <string>
#include <vector>

#include "trace.hpp"

namespace kspawn::trace::report {

/// Durations of one sort.
class Durations {
public:
    void add(Nanoseconds value);
    /// To be called when all are there, before what follows.
    void sort();
    [[nodiscard]] std::size_t count() const { return values_.size(); }
    /// By nearest rank; `percent` from 0 to 100.  There must be one.
    [[nodiscard]] Nanoseconds percentile(double percent) const;
    /// How many there are from 2^n to 2^(n+1) - 1 ns, by n.
    [[nodiscard]] const std::map<int, std::size_t>& log2() const { return log2_; }

private:
    std::vector<Nanoseconds> values_;
    std::map<int, std::size_t> log2_;
};

struct Group {
    Durations window;
    Durations blocked;
    std::size_t failed = 0; ///< windows that ended without exec
};

/// Of windows that have ended.
struct Statistics {
    std::map<std::string, Group> by_way;
    std::map<std::string, Group> by_program; ///< of the callers
};

Statistics statistics_of(const Trace& trace);

} // namespace kspawn::trace::report

#endif
