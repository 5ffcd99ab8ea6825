// SPDX-License-Identifier: LGPL-2.1-or-later
#include "batch.hpp"

#include <algorithm>
#include <cerrno>

#include "start.hpp"

namespace kspawn::internal {

namespace {

constexpr unsigned own_flags = KSPAWN_BATCH_WAIT | KSPAWN_BATCH_PIDFDS;

// The error of a batch whose objects need not be looked at; error 0: none.
Result check(const kspawn_batch_start* starts, std::size_t count, unsigned flags,
             When returns) noexcept {
    const auto wrong = [](int error) {
        return Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS);
    };
    if (count > KSPAWN_BATCH_MAX)
        return wrong(E2BIG);
    const bool waits_and_goes_on = returns == When::created && (flags & KSPAWN_BATCH_WAIT) != 0;
    if (starts == nullptr || count == 0 || waits_and_goes_on)
        return wrong(EINVAL);
    const auto is_newer = [](const kspawn_batch_start& start) {
        return std::ranges::any_of(start.reserved, [](auto member) { return member != 0; });
    };
    if (std::ranges::any_of(std::span(starts, count), is_newer))
        return wrong(EINVAL);
    return {};
}

// The first start that has an object that is not valid.
Outcome check_objects(const Batch& batch) noexcept {
    Outcome outcome;
    for (std::size_t index = 0; index < batch.starts.size(); ++index) {
        const int part = invalid_part(batch.request(index));
        if (part < 0)
            continue;
        const auto result = Result::failed(EINVAL, KSPAWN_STEP_COPY, static_cast<unsigned>(part));
        batch.starts[index].result = static_cast<const kspawn_result&>(result);
        outcome.note(index, result);
        break;
    }
    return outcome;
}

// The contents of an invalid object must not be looked at, even to describe it.
Request describable(const Batch& batch, const Outcome& outcome) noexcept {
    if (outcome.failed == Outcome::none)
        return {};
    auto request = batch.request(outcome.failed);
    if (invalid_part(request) >= 0) {
        request.file_actions = nullptr;
        request.attributes = nullptr;
    }
    return request;
}

[[gnu::cold]] int fail(const Batch& batch, Outcome& outcome, std::size_t* failed) noexcept {
    if (outcome.first.suspects != nullptr)
        outcome.first.suspects = &outcome.suspects;
    const auto told = internal::fail(describable(batch, outcome), outcome.first);
    // The others have no child because of it, unless they have one.
    auto others = Result::failed(ECANCELED, KSPAWN_STEP_BATCH);
    if (outcome.failed == Outcome::none)
        others = told;
    for (auto& start : batch.starts)
        if (start.result.pid == 0 && start.result.error == 0)
            start.result = static_cast<const kspawn_result&>(others);
    if (failed != nullptr)
        *failed = std::min(outcome.failed, batch.starts.size());
    return told.error;
}

int start_batch(kspawn_batch_start* starts, std::size_t count, unsigned flags, When returns,
                int completion, std::size_t* failed) noexcept {
    if (const auto wrong = check(starts, count, flags, returns); wrong.error != 0) [[unlikely]] {
        if (failed != nullptr)
            *failed = count;
        return internal::fail({}, wrong).error;
    }
    const Batch batch{.starts = {starts, count},
                      .flags = flags & ~own_flags,
                      .pidfds = (flags & KSPAWN_BATCH_PIDFDS) != 0,
                      .returns = returns,
                      .completion = completion};
    for (auto& start : batch.starts)
        start.result = no_child;
    auto outcome = check_objects(batch);
    if (outcome.first.error != 0) [[unlikely]]
        return fail(batch, outcome, failed);
    outcome = batch_by_choice(batch);
    if (outcome.first.error != 0) [[unlikely]]
        return fail(batch, outcome, failed);
    return 0;
}

} // namespace

} // namespace kspawn::internal

using kspawn::internal::When;

int kspawn_spawn_batch_np(kspawn_batch_start* starts, size_t count, unsigned int flags,
                          size_t* failed) noexcept {
    const auto returns = (flags & KSPAWN_BATCH_WAIT) != 0 ? When::ended : When::executed;
    return kspawn::internal::start_batch(starts, count, flags, returns, -1, failed);
}

int kspawn_spawn_batch_async_np(kspawn_batch_start* starts, size_t count, unsigned int flags,
                                int completion, size_t* failed) noexcept {
    return kspawn::internal::start_batch(starts, count, flags, When::created, completion, failed);
}
