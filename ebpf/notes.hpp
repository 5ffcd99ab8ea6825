// SPDX-License-Identifier: LGPL-2.1-or-later
/// Notes of the probes on descriptors, and for how long they are kept.
#ifndef KSPAWN_TRACE_NOTES_HPP
#define KSPAWN_TRACE_NOTES_HPP

#include <cstdint>
#include <vector>

#include "events.h"

namespace kspawn::trace {

/// When the windows that are open have opened, of those whose child can have a
/// descriptor of another thread.
class Openings {
public:
    explicit Openings(const std::vector<trace_window>& windows);
    /// Whether a child may still take a descriptor to its program that was opened then,
    /// at most `gap` before its window was.
    [[nodiscard]] bool need(std::uint64_t opened, std::uint64_t gap) const;

private:
    std::vector<std::uint64_t> starts_; // in order
};

class NoteKeeper {
public:
    /// @param map the descriptor of the probes' map of notes.
    NoteKeeper(int map, std::uint64_t gap) : map_(map), gap_(gap) {}
    /// Forgets what no child, and no mark that comes late, will ask for.
    void tidy(const std::vector<trace_window>& open, std::uint64_t now) const;

private:
    int map_;
    std::uint64_t gap_;
};

} // namespace kspawn::trace

#endif
