// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start.hpp"

#include <cerrno>

#include "libc.hpp"
#include "objects.hpp"
#include "userspace/lib/backend.hpp"
#include "userspace/lib/cancel_guard.hpp"
#include "userspace/lib/libc_pidfd.hpp"
#include "userspace/lib/search_list.hpp"
#include "userspace/lib/start.hpp"

namespace kspawn::preload {

namespace {

// libc tells no step; but of fork(), by its error.
Result failed_by_libc(int error) noexcept {
    const bool of_fork = error == EAGAIN || error == ENOMEM;
    return Result::failed(error, of_fork ? KSPAWN_STEP_CLONE : KSPAWN_STEP_LIBC);
}

Result by_libc(const Call& call) noexcept {
    const auto& c = libc();
    // A libc that does not know the flag would pass over it.
    if (call.attributes != nullptr && c.posix_spawnattr_setcgroup == nullptr &&
        objects::understood() && (objects::flags_of(call.attributes) & KSPAWN_SPAWN_SETCGROUP) != 0)
        return Result::failed(ENOTSUP, KSPAWN_STEP_ATTRIBUTE, KSPAWN_SPAWN_SETCGROUP);
    int pidfd = -1;
    Spawn* const with_pidfd = call.search ? c.pidfd_spawnp : c.pidfd_spawn;
    if (call.pidfd && with_pidfd != nullptr) {
        const int error =
            with_pidfd(&pidfd, call.path, call.file_actions, call.attributes, call.argv, call.envp);
        return error == 0 ? Result::started(0, pidfd) : failed_by_libc(error);
    }
    if (call.pidfd) {
        if (const int error = internal::libc_pidfd::check_room(); error != 0)
            return Result::failed(error, KSPAWN_STEP_PIDFD);
    }
    pid_t pid = 0;
    int error = (call.search ? c.posix_spawnp : c.posix_spawn)(
        &pid, call.path, call.file_actions, call.attributes, call.argv, call.envp);
    if (error == 0 && call.pidfd)
        error = internal::libc_pidfd::open(pid, pidfd);
    return error == 0 ? Result::started(pid, pidfd) : failed_by_libc(error);
}

Result fall_back(const Call& call, Reason reason, int why) noexcept {
    // Also where the library does not understand the program's objects, or the kernel does
    // not take as much as libc.
    if (::kspawn_get_backend() == KSPAWN_BACKEND_KERNEL)
        return Result::failed(why, KSPAWN_STEP_DEVICE);
    stats::count_libc(call.entry, reason, why);
    return by_libc(call);
}

// It was the kernel's to say.
Result conclude(const Call& call, Result result) noexcept {
    if (result.error == 0) [[likely]] {
        stats::count_kernel(call.entry);
        if (call.wait)
            result.pid = 0; // it has been waited for
        return result;
    }
    if (result.step == KSPAWN_STEP_WAIT) {
        // It was started; why it cannot be waited for, a further wait tells.
        stats::count_kernel(call.entry);
        return Result::started(result.pid, result.pidfd);
    }
    // More bytes of paths than the kernel takes; libc has no limit, and
    // nothing has been done yet (as it may be when a list is at fault).
    if (result.step == KSPAWN_STEP_COPY && result.error == E2BIG &&
        result.index == KSPAWN_ARG_ACTIONS)
        return fall_back(call, Reason::object, result.error);
    if (internal::turned_away(result)) { // and libc may not be asked
        if (result.step == KSPAWN_STEP_DEVICE)
            result.error = internal::visible_device_error(result.error);
        return result;
    }
    stats::count_failed(call.entry);
    return result;
}

} // namespace

bool is_in_child(const Result& result) noexcept {
    switch (result.step) {
    case KSPAWN_STEP_COPY: // what is wrong with argv or envp, execve() would have told
        return result.error != ENOMEM;
    case KSPAWN_STEP_DESCRIPTORS:
    case KSPAWN_STEP_CLONE:
    case KSPAWN_STEP_DEVICE:
    case KSPAWN_STEP_POLICY:
        return false;
    default:
        return true;
    }
}

Result start(const Call& call) noexcept {
    // posix_spawn() is no cancellation point, but to open the device is one.
    const internal::CancelGuard no_cancellation;
    if (::kspawn_get_backend() == KSPAWN_BACKEND_LIBC)
        return fall_back(call, Reason::forced, 0);
    if ((call.file_actions != nullptr || call.attributes != nullptr) && !objects::understood())
        return fall_back(call, Reason::layout, ENOTSUP);

    objects::Attributes attributes;
    if (attributes.read(call.attributes) != objects::ReadResult::read)
        return fall_back(call, Reason::object, ENOTSUP);
    objects::FileActions file_actions;
    switch (file_actions.read(call.file_actions)) {
    case objects::ReadResult::read:
        break;
    case objects::ReadResult::unknown:
        return fall_back(call, Reason::object, ENOTSUP);
    case objects::ReadResult::no_memory:
        return Result::failed(ENOMEM, KSPAWN_STEP_CLONE);
    }

    internal::Request request{call.path,          call.search ? internal::search_list() : nullptr,
                              file_actions.get(), attributes.get(),
                              call.argv,          call.envp,
                              call.pidfd};
    if (call.wait)
        request.returns = internal::When::ended;
    Result result;
    if (internal::kernel_answers(request, result)) [[likely]]
        return conclude(call, result);
    return fall_back(call, result.step == KSPAWN_STEP_POLICY ? Reason::seccomp : Reason::device,
                     result.error);
}

} // namespace kspawn::preload
