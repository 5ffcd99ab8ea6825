// SPDX-License-Identifier: LGPL-2.1-or-later
/// All that is to be said at the end of a trace.
#ifndef KSPAWN_TRACE_OUTCOME_HPP
#define KSPAWN_TRACE_OUTCOME_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "counter.hpp"
#include "hooks.hpp"
#include "session.hpp"
#include "verdict.hpp"

namespace kspawn::trace {

struct Outcome {
    std::uint64_t length; ///< ns
    Counter::Counts counts;
    Evidence evidence;
    Losses losses;
    std::vector<MissingHook> missing;
    std::optional<int> command_status; ///< as a shell has it

    [[nodiscard]] Verdict verdict() const { return judge(evidence); }
    [[nodiscard]] bool complete() const { return losses.total() == 0 && missing.empty(); }
};

} // namespace kspawn::trace

#endif
