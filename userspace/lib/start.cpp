// SPDX-License-Identifier: LGPL-2.1-or-later
// The common part of all functions that start a program: the objects are looked at
// before anything else, and a failure is remembered.
#include "start.hpp"

#include <cerrno>

#include "attributes.hpp"
#include "failure.hpp"
#include "file_actions.hpp"

namespace kspawn::internal {

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

[[gnu::cold]] Result fail(const Request& request, Result result) noexcept {
    if (result.step == KSPAWN_STEP_DEVICE) {
        result.index = static_cast<unsigned>(result.error);
        result.error = visible_device_error(result.error);
    }
    failure::remember(request, result);
    return result;
}

// The contents of an invalid object must not be looked at, even to describe it.
[[gnu::cold]] Result refuse(Request request, unsigned part) noexcept {
    request.file_actions = nullptr;
    request.attributes = nullptr;
    return fail(request, Result::failed(EINVAL, KSPAWN_STEP_COPY, part));
}

int invalid_part(const Request& request) noexcept {
    if (request.file_actions != nullptr && !file_actions::valid(request.file_actions))
        return KSPAWN_ARG_ACTIONS;
    if (request.attributes != nullptr && !attributes::valid(request.attributes))
        return KSPAWN_ARG_ATTRIBUTES;
    return -1;
}

Result start(const Request& request) noexcept {
    if (const int part = invalid_part(request); part >= 0) [[unlikely]]
        return refuse(request, static_cast<unsigned>(part));
    const Result result = start_by_choice(request);
    if (result.error != 0) [[unlikely]]
        return fail(request, result);
    return result;
}

} // namespace kspawn::internal
