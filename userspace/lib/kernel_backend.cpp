// SPDX-License-Identifier: LGPL-2.1-or-later
// A start through the device: fill the ABI's structure, ask, judge the answer.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "attributes.hpp"
#include "backend.hpp"
#include "device.hpp"
#include "file_actions.hpp"
#include "kernel_call.hpp"

namespace kspawn::internal {

namespace {

// No errno: still there after the call if our device has not seen the request.
constexpr int untouched = -1;

std::uint64_t address(const volatile void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

// A field without its flag must be zero.
void fill_attributes(kspawn_args& args, const kspawn_spawnattr_t& object) noexcept {
    const auto& own = object.private_members;
    const unsigned flags = own.flags & ~static_cast<unsigned>(KSPAWN_SPAWN_USEVFORK);
    args.attr_flags = flags;
    attributes::for_each([&]<std::size_t at>() {
        constexpr auto attribute = attributes::attributes[at];
        if constexpr (attribute.fill != nullptr) {
            if ((flags & attribute.flag) != 0)
                attribute.fill(args, own);
        }
    });
}

void fill_actions(kspawn_args& args, const kspawn_spawn_file_actions_t& object) noexcept {
    const auto actions = file_actions::actions_of(object);
    if (actions.empty())
        return;
    args.actions = address(actions.data());
    args.action_count = static_cast<std::uint32_t>(actions.size());
    args.action_size = sizeof(kspawn_action);
}

void fill_call(kspawn_args& args, const Request& request) noexcept {
    switch (request.returns) {
    case When::executed:
        break;
    case When::created:
        args.flags |= KSPAWN_ASYNC;
        args.completion = request.completion;
        args.cookie = request.cookie;
        break;
    case When::ended:
        args.flags |= KSPAWN_WAIT;
        args.rusage = address(request.usage);
        break;
    }
}

void fill_program(kspawn_args& args, const Request& request) noexcept {
    args.flags = request.pidfd ? KSPAWN_PIDFD : 0;
    args.dirfd = AT_FDCWD;
    args.path = address(request.path);
    args.search = address(request.search);
    if (request.program >= 0) [[unlikely]] {
        args.flags |= KSPAWN_EMPTY_PATH;
        args.dirfd = request.program;
        args.path = address("");
        args.search = 0;
    }
    args.argv = address(request.argv);
    args.envp = address(request.envp);
    args.pidfd = request.pidfd ? address(request.pidfd_at) : 0;
}

} // namespace

// EPERM is the answer of a seccomp filter, which another descriptor would get as well.
bool lost(int descriptor) noexcept {
    kspawn_info info{};
    const int error = device::get_info(descriptor, info);
    return error != 0 && error != EPERM;
}

kspawn_args kernel_args(const Request& request, bool program, kspawn_result& result) noexcept {
    kspawn_args args{};
    args.size = sizeof(args);
    if (program)
        fill_program(args, request);
    if (request.file_actions != nullptr)
        fill_actions(args, *request.file_actions);
    if (request.attributes != nullptr)
        fill_attributes(args, *request.attributes);
    args.result_size = sizeof(kspawn_result);
    args.result = address(&result);
    args.pid = address(request.pid_at);
    return args;
}

kspawn_args start_args(const Request& request, kspawn_result& result) noexcept {
    auto args = kernel_args(request, true, result);
    fill_call(args, request);
    return args;
}

int ask_kernel(unsigned long command, kspawn_args& args, Result& result) noexcept {
    const int errno_before = errno;
    auto lease = device::lease();
    for (int losses = 0;; ++losses) {
        if (lease.descriptor < 0) [[unlikely]] {
            result = Result::failed(lease.error, KSPAWN_STEP_DEVICE);
            return -1;
        }
        result.error = untouched;
        const int answer = ::ioctl(lease.descriptor, command, &args);
        if (answer >= 0 && result.error == 0) [[likely]]
            return answer;

        const int error = answer < 0 ? errno : EPROTO;
        errno = errno_before;
        if (result.error > 0)
            return -1;
        if (losses < device::most_losses &&
            (device::is_no_answer_of_ours(error) || lost(lease.descriptor))) {
            errno = errno_before;
            lease = device::reopen_if_current(lease.state);
            continue;
        }
        errno = errno_before;
        // Refused before it was read: by the module, or by a seccomp filter.
        result = Result::failed(error, error == EPERM ? KSPAWN_STEP_POLICY : KSPAWN_STEP_COPY);
        return -1;
    }
}

Result start_by_kernel(const Request& request) noexcept {
    Result result;
    auto args = start_args(request, result);
    const int pid = ask_kernel(KSPAWN_IOC_SPAWN, args, result);
    if (pid > 0) [[likely]]
        result.pid = pid;
    return result;
}

} // namespace kspawn::internal
