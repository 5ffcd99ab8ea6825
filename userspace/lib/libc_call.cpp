// SPDX-License-Identifier: LGPL-2.1-or-later
// The start, and all that the kernel does in one call with it, through libc.
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>

#include "backend.hpp"
#include "cancel_guard.hpp"
#include "completion.hpp"
#include "errno_guard.hpp"
#include "signals_blocked.hpp"

namespace kspawn::internal {

namespace {

Result refuse_completion(int error) noexcept {
    return Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION);
}

// Before anything else is done for the caller.  The kernel does it as well: what a
// signal handler or another thread makes of the variables later is not undone.
Result start_and_store(const Request& request) noexcept {
    const Result result = start_by_libc(request);
    if (result.error == 0)
        store(request, result);
    return result;
}

Result start_and_post(const Request& request) noexcept {
    if (!completion::is_of_libc(request.completion))
        return refuse_completion(EBADF);
    if (!completion::has_room(request.completion))
        return refuse_completion(EAGAIN);
    const Result result = start_and_store(request);
    if (result.error == 0)
        completion::post(request.completion, {.cookie = request.cookie,
                                              .pid = result.pid,
                                              .error = 0,
                                              .step = KSPAWN_STEP_NONE,
                                              .index = 0});
    return result;
}

// As they are for the kernel's call.
Result start_with_signals_blocked(Request request) noexcept {
    const AllBlocked blocked;
    kspawn_spawnattr_t attributes;
    if (request.attributes != nullptr)
        attributes = *request.attributes;
    else
        kspawn_spawnattr_init(&attributes);
    auto& flags = attributes.private_members.flags;
    if ((flags & KSPAWN_SPAWN_SETSIGMASK) == 0) {
        flags |= KSPAWN_SPAWN_SETSIGMASK;
        kspawn_spawnattr_setsigmask(&attributes, &blocked.before());
    }
    request.attributes = &attributes;
    return start_and_store(request);
}

Result start_and_wait(const Request& request) noexcept {
    Result result = start_with_signals_blocked(request);
    if (result.error != 0)
        return result;
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    if (::wait4(result.pid, &result.status, 0, request.usage) < 0) {
        result.error = errno;
        result.step = KSPAWN_STEP_WAIT;
    }
    return result;
}

} // namespace

Result call_by_libc(const Request& request) noexcept {
    switch (request.returns) {
    case When::executed:
        break;
    case When::created:
        return start_and_post(request);
    case When::ended:
        return start_and_wait(request);
    }
    return start_and_store(request);
}

} // namespace kspawn::internal
