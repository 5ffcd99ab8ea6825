// SPDX-License-Identifier: LGPL-2.1-or-later
#include "notes.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <unordered_set>

#include "map.hpp"

namespace kspawn::trace {

namespace {

bool is_of_file(const trace_note_key& key) {
    return key.files == 0;
}

} // namespace

Openings::Openings(const std::vector<trace_window>& windows) {
    for (const auto& window : windows) {
        if (window.threads > 1)
            starts_.push_back(window.start);
    }
    std::sort(starts_.begin(), starts_.end());
}

bool Openings::need(std::uint64_t opened, std::uint64_t gap) const {
    const auto first = std::lower_bound(starts_.begin(), starts_.end(), opened);
    return first != starts_.end() && *first - opened <= gap;
}

void NoteKeeper::tidy(const std::vector<trace_window>& open, std::uint64_t now) const {
    const Openings openings{open};
    // Long enough for a mark that comes late.
    const auto keep = 10 * gap_ + 1'000'000'000;
    const auto is_needed = [&](const trace_note& note) {
        return note.opened + keep >= now || openings.need(note.opened, gap_);
    };
    std::vector<trace_note_key> old;
    std::unordered_set<std::uint64_t> files; // those of which a descriptor is needed
    for_each_key<trace_note_key>(map_, [&](const trace_note_key& key) {
        trace_note note{};
        if (bpf_map_lookup_elem(map_, &key, &note) != 0)
            return;
        if (!is_needed(note))
            old.push_back(key);
        else if (!is_of_file(key))
            files.insert(key.file);
    });
    for (const auto& key : old) {
        if (is_of_file(key) && files.contains(key.file))
            continue;
        // If the descriptor has been opened again meanwhile, that is put back.
        trace_note note{};
        if (bpf_map_lookup_and_delete_elem(map_, &key, &note) == 0 && is_needed(note))
            bpf_map_update_elem(map_, &key, &note, BPF_NOEXIST);
    }
}

} // namespace kspawn::trace
