// SPDX-License-Identifier: LGPL-2.1-or-later
/// Which steps of a start through libc, which tells an error and no step, it can be of.
#ifndef KSPAWN_LIB_SUSPECTS_HPP
#define KSPAWN_LIB_SUSPECTS_HPP

#include <array>
#include <span>

#include "backend.hpp"

namespace kspawn::internal {

struct Suspect {
    unsigned step;  ///< KSPAWN_STEP_*
    unsigned index; ///< which part of it
};

/// In the order of a start's way.
class Suspects {
public:
    void add(Suspect suspect) noexcept {
        if (count_ < steps_.size())
            steps_[count_] = suspect;
        ++count_;
    }
    [[nodiscard]] std::span<const Suspect> known() const noexcept {
        return std::span(steps_).first(count_ < steps_.size() ? count_ : steps_.size());
    }
    [[nodiscard]] bool more() const noexcept { return count_ > steps_.size(); }
    [[nodiscard]] unsigned count() const noexcept { return count_; }

private:
    std::array<Suspect, 3> steps_{};
    unsigned count_ = 0;
};

/// The one step that can have had an error of libc's posix_spawn(), or
/// KSPAWN_STEP_LIBC with the few that can, which live until the calling thread
/// asks again.  Files and descriptors of the steps are looked at now, after the failure.
Result blame(const Request& request, int error) noexcept;

} // namespace kspawn::internal

#endif
