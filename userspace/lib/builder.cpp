// SPDX-License-Identifier: LGPL-2.1-or-later
// Builders are the kernel's alone: libc has nothing like them.
#include <kspawn/builder.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "errno_guard.hpp"
#include "kernel_call.hpp"
#include "start.hpp"

namespace kspawn::internal {

namespace {

int operate(int builder, unsigned long command, const Request& request, bool program) noexcept {
    if (const int part = invalid_part(request); part >= 0)
        return refuse(request, static_cast<unsigned>(part)).error;
    const ErrnoGuard keep_errno;
    Result result;
    auto args = kernel_args(request, program, result);
    result.error = -1; // still there if it is no builder that answers
    if (::ioctl(builder, command, &args) >= 0 && result.error == 0)
        return 0;
    if (result.error <= 0)
        result = Result::failed(EBADF, KSPAWN_STEP_BUILDER);
    return fail(request, result).error;
}

} // namespace

} // namespace kspawn::internal

using kspawn::internal::Request;
using kspawn::internal::Result;

// NOLINTNEXTLINE(readability-non-const-parameter): the kernel stores through it.
int kspawn_builder_create_np(int* builder, pid_t* pid,
                             const kspawn_spawn_file_actions_t* file_actions,
                             const kspawn_spawnattr_t* attributes) noexcept {
    Request request{};
    request.file_actions = file_actions;
    request.attributes = attributes;
    request.pid_at = pid;
    if (const int part = kspawn::internal::invalid_part(request); part >= 0)
        return kspawn::internal::refuse(request, static_cast<unsigned>(part)).error;
    Result result;
    if (kspawn_get_backend() == KSPAWN_BACKEND_LIBC) {
        result = Result::failed(ENOSYS, KSPAWN_STEP_BUILDER);
        return kspawn::internal::fail(request, result).error;
    }
    auto args = kspawn::internal::kernel_args(request, false, result);
    const int opened = kspawn::internal::ask_kernel(KSPAWN_IOC_BUILDER, args, result);
    if (opened < 0)
        return kspawn::internal::fail(request, result).error;
    *builder = opened;
    return 0;
}

int kspawn_builder_apply_np(int builder, const kspawn_spawn_file_actions_t* file_actions,
                            const kspawn_spawnattr_t* attributes) noexcept {
    Request request{};
    request.file_actions = file_actions;
    request.attributes = attributes;
    return kspawn::internal::operate(builder, KSPAWN_IOC_APPLY, request, false);
}

// NOLINTNEXTLINE(readability-non-const-parameter): the kernel stores through them.
int kspawn_builder_start_np(int builder, pid_t* pid, int* pidfd, const char* file,
                            const char* search, const kspawn_spawn_file_actions_t* file_actions,
                            const kspawn_spawnattr_t* attributes, char* const argv[],
                            char* const envp[]) noexcept {
    const Request request{file, search,           file_actions, attributes, argv,
                          envp, pidfd != nullptr, pid,          pidfd};
    return kspawn::internal::operate(builder, KSPAWN_IOC_START, request, true);
}
