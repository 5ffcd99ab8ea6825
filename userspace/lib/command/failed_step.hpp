// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_FAILED_STEP_HPP
#define KSPAWN_LIB_COMMAND_FAILED_STEP_HPP

#include <kspawn/failure.h>

#include <string>

#include <kspawn/error.hpp>

namespace kspawn::internal {

/// The parts of a SpawnError.
struct FailedStep {
    int error = 0;
    Step step = Step::none;
    unsigned index = 0;
    std::string words; ///< without the error, which std::system_error adds at the end

    [[nodiscard]] SpawnError to_error() const { return {error, step, index, words}; }
};

/// The failure that the C library remembers in this thread of a call that has just returned
/// `error`.
inline FailedStep last_failure(int error) {
    const kspawn_failure* const failure = kspawn_last_failure();
    const kspawn_words* const said = kspawn_failure_words();
    std::string words = said->subject;
    // Its own error may be another than the one that the caller is to see.
    if (failure->step == KSPAWN_STEP_DEVICE && static_cast<int>(failure->index) != error)
        words.append(": ").append(said->error);
    return {error, static_cast<Step>(failure->step), failure->index, words + said->remark};
}

} // namespace kspawn::internal

#endif
