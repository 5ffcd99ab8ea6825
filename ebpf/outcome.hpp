// SPDX-License-Identifier: LGPL-2.1-or-later
/// All that is to be said at the end of a trace.
#ifndef KSPAWN_TRACE_OUTCOME_HPP
#define KSPAWN_TRACE_OUTCOME_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verdict.hpp"

namespace kspawn::trace {

/// Events that were not told, and why.
struct Losses {
    std::uint64_t ring = 0;   ///< the buffer had no room
    std::uint64_t maps = 0;   ///< a map had no room
    std::uint64_t missed = 0; ///< the kernel skipped a probe
    [[nodiscard]] std::uint64_t total() const { return ring + maps + missed; }
};

/// A probe that is not there, and a kind that needs it; some are of two.
struct MissingProbe {
    std::string program;
    std::string place; ///< "fentry/commit_creds"
    std::size_t kind;  ///< its number
    std::string reason;
    std::string effect; ///< what does not work without it
};

struct Outcome {
    std::uint64_t length;   ///< ns
    std::uint64_t children; ///< whichever kinds were traced
    Evidence evidence;
    Losses losses;
    std::vector<MissingProbe> missing;
    std::optional<int> command_status; ///< as a shell has it

    [[nodiscard]] Verdict verdict() const { return judge(evidence); }
    [[nodiscard]] bool complete() const { return losses.total() == 0 && missing.empty(); }
};

} // namespace kspawn::trace

#endif
