// SPDX-License-Identifier: LGPL-2.1-or-later
// What all functions that start a program have in common: the objects are looked at
// before anything else, and a failure is remembered.
#include "start.hpp"

#include <cerrno>

#include "attributes.hpp"
#include "failure.hpp"
#include "file_actions.hpp"

namespace kspawn::internal {

namespace {

// Errors of open(2) say nothing to a caller who asked for another program, and
// ENOENT or EACCES would lie to him.  A shortage of descriptors or memory is one
// whoever wanted them.
int visible_device_error(int error) noexcept {
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
        return error;
    default:
        return ENOSYS;
    }
}

[[gnu::cold]] Outcome fail(const Request& request, Outcome outcome) noexcept {
    if (outcome.step == KSPAWN_FAILURE_DEVICE) {
        outcome.index = static_cast<unsigned>(outcome.error);
        outcome.error = visible_device_error(outcome.error);
    }
    failure::remember(request, outcome);
    return outcome;
}

} // namespace

// What an invalid object holds must not be looked at, even to describe it.
[[gnu::cold]] Outcome refuse(Request request, unsigned part) noexcept {
    request.file_actions = nullptr;
    request.attributes = nullptr;
    return fail(request, {0, -1, EINVAL, KSPAWN_FAILURE_REQUEST, part});
}

Outcome start(const Request& request) noexcept {
    if (request.file_actions != nullptr && !file_actions::valid(request.file_actions))
        return refuse(request, KSPAWN_FAILURE_PART_FILE_ACTIONS);
    if (request.attributes != nullptr && !attributes::valid(request.attributes))
        return refuse(request, KSPAWN_FAILURE_PART_ATTRIBUTES);
    const Outcome outcome = start_by_choice(request);
    if (outcome.error != 0) [[unlikely]]
        return fail(request, outcome);
    store(request, outcome);
    return outcome;
}

} // namespace kspawn::internal
