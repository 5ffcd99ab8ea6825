// SPDX-License-Identifier: LGPL-2.1-or-later
// A batch through the device: one ioctl for all of its starts.
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "batch.hpp"
#include "device.hpp"
#include "errno_guard.hpp"
#include "kernel_call.hpp"
#include "memory.hpp"

namespace kspawn::internal {

namespace {

// No errno, and no index: still there after the call if our device has not written there.
constexpr int untouched = -1;
constexpr std::uint32_t nobody = ~std::uint32_t{0};

std::uint64_t address(const void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

/// So many values in the object itself, or in memory of malloc() if there are more.
template <class Value, std::size_t few>
class Array {
public:
    /// false: there is no memory.
    [[nodiscard]] bool reserve(std::size_t count) noexcept {
        if (count <= few)
            return true;
        many_ = allocate<Value>(count);
        return many_ != nullptr;
    }
    [[nodiscard]] Value* data() noexcept { return many_ != nullptr ? many_.get() : few_.data(); }

private:
    std::array<Value, few> few_; // NOLINT(cppcoreguidelines-pro-type-member-init): by its user
    std::unique_ptr<Value, Free> many_;
};

// As many as a pipeline mostly has.
constexpr std::size_t in_place = 8;

/// One call, asked as often as it takes to find our device.
class Call {
public:
    explicit Call(const Batch& batch) noexcept : batch_(batch) {}

    [[nodiscard]] bool prepare() noexcept {
        const auto count = batch_.starts.size();
        if (!args_.reserve(count) || !addresses_.reserve(count))
            return false;
        for (std::size_t index = 0; index < count; ++index) {
            args_.data()[index] = start_args(batch_.request(index), batch_.starts[index].result);
            addresses_.data()[index] = address(&args_.data()[index]);
        }
        what_.size = sizeof(what_);
        what_.flags = batch_.flags;
        what_.starts = address(addresses_.data());
        what_.count = static_cast<std::uint32_t>(count);
        what_.failed = address(&failed_);
        return true;
    }

    /// Returns whether our device has looked at it.
    bool ask(int descriptor) noexcept {
        failed_ = nobody;
        for (auto& start : batch_.starts)
            start.result.error = untouched;
        answer_ = ::ioctl(descriptor, KSPAWN_IOC_BATCH, &what_);
        error_ = answer_ < 0 ? errno : EPROTO;
        return answer_ >= 0 ? batch_.starts.front().result.error != untouched : failed_ != nobody;
    }
    [[nodiscard]] int error() const noexcept { return error_; }

    /// After a call that our device has looked at.
    [[nodiscard]] Outcome outcome() noexcept {
        // A call that fails before there is a child does not write all results.
        for (auto& start : batch_.starts)
            if (start.result.error == untouched)
                start.result = no_child;
        Outcome outcome;
        if (answer_ < 0 && failed_ < batch_.starts.size())
            outcome.note(failed_, told(failed_));
        for (std::size_t index = 0; index < batch_.starts.size(); ++index)
            if (batch_.starts[index].result.error != 0)
                outcome.note(index, told(index));
        return outcome;
    }

private:
    [[nodiscard]] Result told(std::size_t index) const noexcept {
        Result result;
        static_cast<kspawn_result&>(result) = batch_.starts[index].result;
        return result;
    }

    const Batch& batch_;
    Array<kspawn_args, in_place> args_;
    Array<std::uint64_t, in_place> addresses_;
    kspawn_batch what_{};
    std::uint32_t failed_ = nobody;
    int answer_ = -1;
    int error_ = 0;
};

// Whether it is our device, and one of a module that is older than the call.
bool knows_no_batches(int descriptor) noexcept {
    kspawn_info info{};
    return device::get_info(descriptor, info) == 0 && info.batch_flags == 0;
}

// No result tells of these.
Outcome refused(int error) noexcept {
    return Outcome::of_all(error == EPERM
                               ? Result::failed(error, KSPAWN_STEP_POLICY)
                               : Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS));
}

Outcome give_up(const Batch& batch, const Outcome& outcome) noexcept {
    for (auto& start : batch.starts)
        start.result = no_child;
    return outcome;
}

} // namespace

Outcome batch_by_kernel(const Batch& batch) noexcept {
    const ErrnoGuard keep_errno;
    Call call{batch};
    if (!call.prepare())
        return refused(ENOMEM);
    auto lease = device::lease();
    for (int losses = 0;; ++losses) {
        if (lease.descriptor < 0) [[unlikely]]
            return give_up(batch, Outcome::of_all(Result::failed(lease.error, KSPAWN_STEP_DEVICE)));
        if (call.ask(lease.descriptor)) [[likely]]
            return call.outcome();
        if (call.error() == ENOTTY && knows_no_batches(lease.descriptor))
            return give_up(batch, Outcome::of_all(Result::failed(ENOSYS, KSPAWN_STEP_BATCH)));
        if (losses < device::most_losses &&
            (device::is_no_answer_of_ours(call.error()) || lost(lease.descriptor))) {
            lease = device::reopen_if_current(lease.state);
            continue;
        }
        return give_up(batch, refused(call.error()));
    }
}

} // namespace kspawn::internal
