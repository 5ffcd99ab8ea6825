// SPDX-License-Identifier: LGPL-2.1-or-later
/// Several starts in one call.
#ifndef KSPAWN_LIB_BATCH_HPP
#define KSPAWN_LIB_BATCH_HPP

#include <kspawn/batch.h>

#include <cstddef>
#include <span>

#include "backend.hpp"
#include "suspects.hpp"

namespace kspawn::internal {

/// The starts of one call.  Their results are written by the backend.
struct Batch {
    std::span<kspawn_batch_start> starts;
    unsigned flags; ///< KSPAWN_BATCH_* of the kernel's
    bool pidfds;
    When returns;
    int completion; ///< When::created: where the events go

    /// One of the starts, as if it were alone.
    [[nodiscard]] Request request(std::size_t index) const noexcept {
        auto& start = starts[index];
        Request request{start.file,       start.search,      start.file_actions,
                        start.attributes, start.argv,        start.envp,
                        pidfds,           &start.result.pid, pidfds ? &start.result.pidfd : nullptr,
                        returns};
        request.completion = completion;
        request.cookie = start.cookie;
        request.usage = start.usage;
        request.start = static_cast<int>(index);
        return request;
    }
};

/// The result of the batch as a whole.
struct Outcome {
    /// In place of an index: no start.
    static constexpr std::size_t none = ~std::size_t{0};

    /// The first failure; no error: there was none.
    Result first;
    /// The start that it is about.
    std::size_t failed = none;
    /// first.suspects, if it is not null, points here: those of a start live until the next.
    Suspects suspects;

    static Outcome of_all(const Result& result) noexcept {
        Outcome outcome;
        outcome.first = result;
        return outcome;
    }
    /// Keeps a failure of one start, if it is the first.  That a wait has ended early is
    /// none of the start's, and gives way.
    void note(std::size_t index, const Result& result) noexcept {
        const bool has_one =
            first.error != 0 && (first.step != KSPAWN_STEP_WAIT || result.step == KSPAWN_STEP_WAIT);
        if (result.error == 0 || has_one)
            return;
        first = result;
        failed = index;
        if (result.suspects != nullptr)
            suspects = *result.suspects;
    }
};

/// Before it has been tried.
inline constexpr kspawn_result no_child{
    .pid = 0, .pidfd = -1, .error = 0, .step = KSPAWN_STEP_NONE, .index = 0, .status = 0};

/// Through KSPAWN_IOC_BATCH.  ENOSYS at KSPAWN_STEP_BATCH: the module does not know it.
Outcome batch_by_kernel(const Batch& batch) noexcept;

/// Through posix_spawn(), one after the other.
Outcome batch_by_libc(const Batch& batch) noexcept;

/// Through the one that kspawn_get_backend() and the circumstances ask for.
Outcome batch_by_choice(const Batch& batch) noexcept;

} // namespace kspawn::internal

#endif
