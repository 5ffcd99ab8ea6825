// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TRACE_REPORT_STATISTICS_HPP
#define KSPAWN_TRACE_REPORT_STATISTICS_HPP

#include <map>
#include <string>
#include <utility>
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

/// Figures of windows that have ended.  A child that never executes a program lives in its window
/// all its life: how long says nothing about a start, so it is kept apart.
struct Group {
    Durations window;    ///< of children that executed a program
    Durations blocked;   ///< of their callers
    Durations without;   ///< lives of the children that executed none
    bool shared = false; ///< whether one of these had its caller's memory
};

struct Statistics {
    std::map<std::string, Group> by_way;
    std::map<std::string, Group> by_program; ///< of the callers
    std::map<std::pair<std::string, std::string>, Group> by_program_and_way;
};

/// The fates of the children.
struct Fates {
    std::size_t executed = 0; ///< a program
    std::size_t without = 0;  ///< ended, and had executed none
    std::size_t open = 0;     ///< neither, when the trace ended
};

Fates fates_of(const Trace& trace);

Statistics statistics_of(const Trace& trace);

} // namespace kspawn::trace::report

#endif
