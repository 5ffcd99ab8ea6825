// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_MADE_BEFORE_HPP
#define KSPAWN_LIB_MADE_BEFORE_HPP

#include <span>

#include "backend.hpp"
#include "descriptor.hpp"
#include "file_actions.hpp"
#include "memory.hpp"

namespace kspawn::internal {

/// File actions whose pipes and files in memory are made in the calling process, for a
/// backend that does not make them: each becomes a dup2 action, at the same place.
class MadeBefore {
public:
    /// Whether a request has such actions, and its caller lets them be made so.
    static bool wanted(const Request& request) noexcept;
    /// Whether the module has all of these actions.
    static bool is_known(const Request& request) noexcept;

    MadeBefore() noexcept;
    MadeBefore(const MadeBefore&) = delete;
    MadeBefore& operator=(const MadeBefore&) = delete;
    MadeBefore(MadeBefore&&) = delete;
    MadeBefore& operator=(MadeBefore&&) = delete;
    /// Closes what was made and not handed over.
    ~MadeBefore();

    /// Makes them.
    Result make(const kspawn_spawn_file_actions_t& said) noexcept;
    [[nodiscard]] const kspawn_spawn_file_actions_t* get() noexcept;
    /// The caller's ends are the caller's from now on.
    void hand_over() noexcept;

private:
    // For one action: what the child has a duplicate of, and our end.
    struct Made {
        int theirs;
        int ours;
        int* end;
    };

    int make(kspawn_action& action) noexcept;
    int make_pipe(const kspawn_action& action, Made& made) const noexcept;
    int make_file(const kspawn_action& action, Made& made) const noexcept;
    // To a number on which no action puts something else.
    int move_away(Descriptor& descriptor) const noexcept;

    kspawn_spawn_file_actions_t object_;
    std::span<const kspawn_action> said_;
    List<kspawn_action> actions_;
    List<Made> made_;
};

/// Starts a request whose descriptors are made before, by `start`.
Result start_with_made(const Request& request, Result (*start)(const Request&) noexcept) noexcept;

} // namespace kspawn::internal

#endif
