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

// In a result that the module has not written.
constexpr int untouched = -1;

Result make(const Request& request, int& builder) noexcept {
    if (kspawn_get_backend() == KSPAWN_BACKEND_LIBC)
        return Result::failed(ENOSYS, KSPAWN_STEP_BUILDER);
    Result result;
    auto args = kernel_args(request, false, result);
    const int made = ask_kernel(KSPAWN_IOC_BUILDER, args, result);
    if (made >= 0)
        builder = made;
    else if (result.step == KSPAWN_STEP_COPY && result.error == ENOTTY)
        return Result::failed(ENOSYS, KSPAWN_STEP_BUILDER);
    return result;
}

Result ask(int builder, unsigned long command, const Request& request, bool program) noexcept {
    const ErrnoGuard keep_errno;
    Result result;
    auto args = kernel_args(request, program, result);
    result.error = untouched;
    const int answer = ::ioctl(builder, command, &args);
    if (result.error != untouched)
        return result;
    // No builder has looked at it.  EPERM is the answer of a seccomp filter.
    if (answer < 0 && errno == EPERM)
        return Result::failed(EPERM, KSPAWN_STEP_POLICY);
    return Result::failed(EBADF, KSPAWN_STEP_BUILDER);
}

/// Calls `function`, which returns a Result, unless an object is not valid; remembers a failure.
template <class Function>
int checked(const Request& request, Function function) noexcept {
    if (const int part = invalid_part(request); part >= 0)
        return refuse(request, static_cast<unsigned>(part)).error;
    const Result result = function();
    return result.error == 0 ? 0 : fail(request, result).error;
}

int operate(int builder, unsigned long command, const Request& request, bool program) noexcept {
    return checked(request, [&] { return ask(builder, command, request, program); });
}

} // namespace

} // namespace kspawn::internal

using kspawn::internal::Request;

// NOLINTNEXTLINE(readability-non-const-parameter): the kernel stores through it.
int kspawn_builder_create_np(int* builder, pid_t* pid,
                             const kspawn_spawn_file_actions_t* file_actions,
                             const kspawn_spawnattr_t* attributes) noexcept {
    Request request{};
    request.file_actions = file_actions;
    request.attributes = attributes;
    request.pid_at = pid;
    return kspawn::internal::checked(request,
                                     [&] { return kspawn::internal::make(request, *builder); });
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
