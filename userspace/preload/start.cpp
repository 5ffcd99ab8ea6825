// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start.hpp"

#include <cerrno>

#include "libc.hpp"
#include "objects.hpp"
#include "userspace/lib/backend.hpp"
#include "userspace/lib/cancel_guard.hpp"
#include "userspace/lib/errno_guard.hpp"
#include "userspace/lib/libc_pidfd.hpp"
#include "userspace/lib/search_list.hpp"

namespace kspawn::preload {

namespace {

bool is_in_child(int error) noexcept {
    return error != EAGAIN && error != ENOMEM;
}

// What is wrong with argv or envp, libc's child would have been told by execve().
bool is_in_child(const internal::Result& outcome) noexcept {
    switch (outcome.step) {
    case KSPAWN_STEP_COPY:
        return outcome.error != ENOMEM;
    case KSPAWN_STEP_DESCRIPTORS:
    case KSPAWN_STEP_CLONE:
        return false;
    default:
        return true;
    }
}

Result by_libc(const Call& call) noexcept {
    const auto& c = libc();
    // A libc that does not know the flag would pass over it.
    if (call.attributes != nullptr && c.attr_setcgroup == nullptr && objects::understood() &&
        (objects::flags_of(call.attributes) & KSPAWN_SPAWN_SETCGROUP) != 0)
        return {ENOTSUP, 0, -1};
    int pidfd = -1;
    Spawn* const with_pidfd = call.search ? c.pidfd_spawnp : c.pidfd_spawn;
    if (call.pidfd && with_pidfd != nullptr) {
        const int error =
            with_pidfd(&pidfd, call.path, call.file_actions, call.attributes, call.argv, call.envp);
        return {error, 0, error == 0 ? pidfd : -1, is_in_child(error)};
    }
    if (call.pidfd) {
        if (const int error = internal::libc_pidfd::check_room(); error != 0)
            return {error, 0, -1};
    }
    pid_t pid = 0;
    int error = (call.search ? c.posix_spawnp : c.posix_spawn)(
        &pid, call.path, call.file_actions, call.attributes, call.argv, call.envp);
    if (error == 0 && call.pidfd)
        error = internal::libc_pidfd::open(pid, pidfd);
    return {error, pid, pidfd, is_in_child(error)};
}

Result fall_back(const Call& call, Reason reason, int why) noexcept {
    if (::kspawn_get_backend() == KSPAWN_BACKEND_KERNEL)
        return {why, 0, -1};
    stats::count_libc(call.entry, reason, why);
    return by_libc(call);
}

} // namespace

Result start(const Call& call) noexcept {
    // posix_spawn() is no cancellation point, but to open the device is one.
    const internal::CancelGuard no_cancellation;
    if (::kspawn_get_backend() == KSPAWN_BACKEND_LIBC) {
        stats::count_libc(call.entry, Reason::forced, 0);
        return by_libc(call);
    }
    if ((call.file_actions != nullptr || call.attributes != nullptr) && !objects::understood())
        return fall_back(call, Reason::layout, ENOTSUP);

    objects::Attributes attributes;
    if (attributes.read(call.attributes) != objects::Verdict::read)
        return fall_back(call, Reason::object, ENOTSUP);
    objects::FileActions file_actions;
    switch (file_actions.read(call.file_actions)) {
    case objects::Verdict::read:
        break;
    case objects::Verdict::unknown:
        return fall_back(call, Reason::object, ENOTSUP);
    case objects::Verdict::no_memory:
        return {ENOMEM, 0, -1};
    }

    internal::Request request{call.path,          call.search ? internal::search_list() : nullptr,
                              file_actions.get(), attributes.get(),
                              call.argv,          call.envp,
                              call.pidfd};
    if (call.wait)
        request.returns = internal::When::ended;
    const auto outcome = internal::start_by_kernel(request);
    if (outcome.error == 0) [[likely]] {
        stats::count_kernel(call.entry);
        return {.error = 0,
                .pid = outcome.pid,
                .pidfd = outcome.pidfd,
                .ended = call.wait,
                .status = outcome.status};
    }
    switch (outcome.step) {
    case KSPAWN_STEP_WAIT:
        // It was started; why it cannot be waited for, a further wait tells.
        stats::count_kernel(call.entry);
        return {0, outcome.pid, outcome.pidfd};
    case KSPAWN_STEP_DEVICE:
        return fall_back(call, Reason::device, outcome.error);
    case KSPAWN_STEP_POLICY:
        return fall_back(call, Reason::seccomp, outcome.error);
    case KSPAWN_STEP_COPY:
        // More bytes of paths than the kernel takes; libc has no limit, and
        // nothing has been done yet (as it may be when a list is at fault).
        if (outcome.error == E2BIG && outcome.index == KSPAWN_ARG_ACTIONS)
            return fall_back(call, Reason::object, outcome.error);
        break;
    default:
        break;
    }
    stats::count_failed(call.entry);
    return {outcome.error, 0, -1, is_in_child(outcome)};
}

} // namespace kspawn::preload
