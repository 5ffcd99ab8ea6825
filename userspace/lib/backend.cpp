// SPDX-License-Identifier: LGPL-2.1-or-later
// Which way a start takes.
#include "backend.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "batch.hpp"
#include "completion.hpp"
#include "device.hpp"
#include "made_before.hpp"

namespace {

constexpr int nobody_asked_yet = -1;
constinit std::atomic<int> chosen{nobody_asked_yet};
constinit thread_local int last = KSPAWN_BACKEND_AUTO;

int from_environment() noexcept {
    const char* const value = ::secure_getenv("KSPAWN_BACKEND");
    if (value == nullptr)
        return KSPAWN_BACKEND_AUTO;
    const std::string_view name = value;
    if (name == "kernel")
        return KSPAWN_BACKEND_KERNEL;
    if (name == "libc")
        return KSPAWN_BACKEND_LIBC;
    return KSPAWN_BACKEND_AUTO;
}

} // namespace

int kspawn_set_backend(int backend) noexcept {
    switch (backend) {
    case KSPAWN_BACKEND_AUTO:
    case KSPAWN_BACKEND_KERNEL:
    case KSPAWN_BACKEND_LIBC:
        chosen.store(backend, std::memory_order_relaxed);
        return 0;
    default:
        return EINVAL;
    }
}

int kspawn_get_backend() noexcept {
    int now = chosen.load(std::memory_order_relaxed);
    if (now != nobody_asked_yet) [[likely]]
        return now;
    const int asked = from_environment();
    // Whoever has called kspawn_set_backend() in the meantime wins.
    return chosen.compare_exchange_strong(now, asked, std::memory_order_relaxed) ? asked : now;
}

int kspawn_effective_backend() noexcept {
    const int wanted = kspawn_get_backend();
    if (wanted != KSPAWN_BACKEND_AUTO)
        return wanted;
    return kspawn_available() != 0 ? KSPAWN_BACKEND_KERNEL : KSPAWN_BACKEND_LIBC;
}

int kspawn_last_backend() noexcept {
    return last;
}

namespace kspawn::internal {

namespace {

// Without the descriptor that the library keeps open there would have been room for the
// pidfd.
bool lacks_our_descriptor(const Result& result) noexcept {
    return result.step == KSPAWN_STEP_PIDFD && result.error == EMFILE;
}

// A completion descriptor belongs to the backend that it was made for.
bool is_for_libc(When returns, int descriptor) noexcept {
    return returns == When::created && kspawn_get_backend() == KSPAWN_BACKEND_AUTO &&
           completion::is_of_libc(descriptor);
}

bool is_for_libc(const Request& request) noexcept {
    return is_for_libc(request.returns, request.completion);
}

// A module that makes no batches is as none to one, unless its events are to go to a
// descriptor of that module.
bool batch_is_answered(const Batch& batch, const Result& first) noexcept {
    const bool unknown = first.step == KSPAWN_STEP_BATCH && first.error == ENOSYS;
    return (!turned_away(first) && !unknown) ||
           (batch.returns == When::created && first.step != KSPAWN_STEP_DEVICE);
}

} // namespace

bool kernel_answers(const Request& request, Result& result) noexcept {
    const int wanted = kspawn_get_backend();
    if (wanted == KSPAWN_BACKEND_LIBC)
        return false;
    result = start_by_kernel(request);
    if (result.error == 0 || wanted == KSPAWN_BACKEND_KERNEL) [[likely]]
        return true;
    // Its completion descriptor was made for the kernel before that began to refuse the
    // caller, and libc has no use for it.
    if (request.returns == When::created && result.step == KSPAWN_STEP_POLICY)
        return true;
    if (!lacks_our_descriptor(result) || request.returns == When::created)
        return !turned_away(result);
    device::let_go();
    return false;
}

Result start_by_choice(const Request& request) noexcept {
    Result kernel;
    last = KSPAWN_BACKEND_KERNEL;
    if (!is_for_libc(request) && kernel_answers(request, kernel)) [[likely]] {
        if (kernel.error == EINVAL && MadeBefore::wanted(request) && !MadeBefore::is_known(request))
            [[unlikely]]
            return start_with_made(request, start_by_kernel);
        return kernel;
    }
    last = KSPAWN_BACKEND_LIBC;
    Result result = call_by_libc(request);
    result.no_kernel = kernel.error;
    result.no_kernel_step = kernel.step;
    return result;
}

Outcome batch_by_choice(const Batch& batch) noexcept {
    const int wanted = kspawn_get_backend();
    Result kernel;
    last = KSPAWN_BACKEND_KERNEL;
    if (wanted != KSPAWN_BACKEND_LIBC && !is_for_libc(batch.returns, batch.completion)) {
        const auto outcome = batch_by_kernel(batch);
        if (wanted == KSPAWN_BACKEND_KERNEL || batch_is_answered(batch, outcome.first)) [[likely]]
            return outcome;
        kernel = outcome.first;
    }
    last = KSPAWN_BACKEND_LIBC;
    for (auto& start : batch.starts)
        start.result = no_child;
    auto outcome = batch_by_libc(batch);
    outcome.first.no_kernel = kernel.error;
    outcome.first.no_kernel_step = kernel.step;
    return outcome;
}

} // namespace kspawn::internal
