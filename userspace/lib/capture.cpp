// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/capture.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "cancel_guard.hpp"
#include "capture_start.hpp"
#include "capturing.hpp"
#include "errno_guard.hpp"
#include "memory.hpp"

using kspawn::internal::CancelGuard;
using kspawn::internal::Capturing;
using kspawn::internal::ErrnoGuard;
using kspawn::internal::fail_capture;

namespace {

constexpr unsigned flags_all = KSPAWN_CAPTURE_KEEP_STDIN | KSPAWN_CAPTURE_KEEP_STDOUT |
                               KSPAWN_CAPTURE_KEEP_STDERR | KSPAWN_CAPTURE_INHERIT |
                               KSPAWN_CAPTURE_PIPE_INPUT;

// The sizes in the first published version, whatever comes after them.
constexpr std::size_t smallest_call = offsetof(kspawn_capture, cgroup) + sizeof(int);
constexpr std::size_t smallest_result = offsetof(kspawn_captured, usage) + sizeof(rusage*);

// This library does not know the request of a newer caller.
bool knows_all(const kspawn_capture& call) noexcept {
    if (call.size <= sizeof(call))
        return true;
    const std::span bytes{reinterpret_cast<const std::byte*>(&call), call.size};
    return std::ranges::all_of(bytes.subspan(sizeof(call)),
                               [](std::byte byte) { return byte == std::byte{}; });
}

bool is_possible(const kspawn_capture& call) noexcept {
    const bool named = call.file != nullptr;
    return (call.flags & ~flags_all) == 0 && named != (call.program >= 0) &&
           (call.input < 0 || call.input_data == nullptr) &&
           (call.input_data != nullptr || call.input_size == 0) && call.time_limit_ms >= -1 &&
           call.grace_ms >= 0;
}

int check(const kspawn_capture* call) noexcept {
    if (call == nullptr || call->size < smallest_call)
        return EINVAL;
    if (!knows_all(*call))
        return E2BIG;
    return is_possible(*call) ? 0 : EINVAL;
}

void clear(kspawn_captured& result) noexcept {
    const auto size = result.size;
    auto* const usage = result.usage;
    std::memset(&result, 0, std::min(size, sizeof(result)));
    result.size = size;
    result.status = -1;
    result.usage = usage;
}

// A caller may know fewer members.
int give(Capturing& capturing, kspawn_captured& result) noexcept {
    kspawn_captured all = KSPAWN_CAPTURED_INIT;
    all.usage = result.usage;
    const int error = capturing.take(all);
    all.size = result.size;
    std::memcpy(&result, &all, std::min(result.size, sizeof(all)));
    return error;
}

bool valid(const kspawn_captured* result) noexcept {
    return result != nullptr && result->size >= smallest_result;
}

void release(kspawn_captured& result) noexcept {
    kspawn::internal::Free{}(result.out);
    kspawn::internal::Free{}(result.err);
    clear(result);
}

} // namespace

struct kspawn_capturing {
    Capturing capturing;
    explicit kspawn_capturing(const kspawn_capture& call) noexcept : capturing(call) {}
};

namespace {

struct Destroy {
    void operator()(kspawn_capturing* object) const noexcept {
        std::destroy_at(object);
        kspawn::internal::Free{}(object);
    }
};
using Owner = std::unique_ptr<kspawn_capturing, Destroy>;

} // namespace

int kspawn_capture_np(const kspawn_capture* call, kspawn_captured* result) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    if (!valid(result))
        return fail_capture(EINVAL, KSPAWN_CAPTURE_CALL);
    clear(*result);
    if (const int error = check(call); error != 0)
        return fail_capture(error, KSPAWN_CAPTURE_CALL);
    Capturing capturing(*call);
    if (const int error = capturing.start(); error != 0)
        return error;
    while (!capturing.over())
        capturing.step(true);
    return give(capturing, *result);
}

void kspawn_captured_free_np(kspawn_captured* result) noexcept {
    if (valid(result))
        release(*result);
}

int kspawn_capture_begin_np(const kspawn_capture* call, kspawn_capturing** capturing) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    const int impossible = capturing == nullptr ? EINVAL : check(call);
    if (impossible != 0)
        return fail_capture(impossible, KSPAWN_CAPTURE_CALL);
    auto memory = kspawn::internal::allocate<kspawn_capturing>();
    if (!memory)
        return fail_capture(ENOMEM, KSPAWN_CAPTURE_WAIT);
    Owner owner{std::construct_at(memory.release(), *call)};
    if (const int error = owner->capturing.start(); error != 0)
        return error;
    if (const int error = owner->capturing.make_pollable(); error != 0)
        return fail_capture(error, KSPAWN_CAPTURE_WAIT);
    *capturing = owner.release();
    return 0;
}

int kspawn_capture_descriptor_np(const kspawn_capturing* capturing) noexcept {
    return capturing->capturing.descriptor();
}

int kspawn_capture_handle_np(kspawn_capturing* capturing) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    capturing->capturing.step(false);
    return capturing->capturing.over() ? 0 : EAGAIN;
}

int kspawn_capture_end_np(kspawn_capturing* capturing, kspawn_captured* result) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    const Owner owner{capturing};
    if (result != nullptr && !valid(result))
        return fail_capture(EINVAL, KSPAWN_CAPTURE_CALL);
    owner->capturing.end();
    kspawn_captured own = KSPAWN_CAPTURED_INIT;
    kspawn_captured& given = result != nullptr ? *result : own;
    clear(given);
    const int error = give(owner->capturing, given);
    if (result == nullptr)
        release(own);
    return error;
}
