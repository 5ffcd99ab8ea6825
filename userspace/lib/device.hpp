// SPDX-License-Identifier: LGPL-2.1-or-later
/// The process's one descriptor of /dev/kspawn.
#ifndef KSPAWN_LIB_DEVICE_HPP
#define KSPAWN_LIB_DEVICE_HPP

#include <kspawn/uapi.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace kspawn::internal::device {

/// The version of the ABI that this library speaks: a change that could not be made
/// by growing a structure has a number of its own.
inline constexpr unsigned abi_version = 2;

/// The descriptor at one moment.  The program may close it or put another file
/// in its place behind our back, so it is borrowed, used, and doubted if the
/// answer does not look like our device's.
struct Lease {
    int descriptor; ///< -1: the device could not be opened
    int error;      ///< why not; 0: it was opened
    std::uint64_t state;
};

// The low half is the descriptor plus one, 0 while there is none; the high half
// counts the openings, so that a thread that lost the descriptor cannot take
// another thread's new one of the same number for the lost one.
extern std::atomic<std::uint64_t> state;

/// How often in one start the descriptor may be lost: a program that closes
/// descriptors in one thread while others start programs may take ours each time
/// that a start is preempted; but not for ever.
constexpr int most_losses = 16;

/// Whether the module never says this of a request that it has looked at, so that the
/// descriptor is another file by now.  To ask it again would not do: another thread may
/// have opened the device anew, at the same number.
constexpr bool is_no_answer_of_ours(int error) noexcept {
    return error == EBADF || error == ENOTTY;
}

/// Opens the device if `lost` is still what everybody uses, or if nobody has it.
Lease reopen(std::uint64_t lost) noexcept;

/// The descriptor to use.
inline Lease lease() noexcept {
    const auto now = state.load(std::memory_order_acquire);
    const auto low = static_cast<std::uint32_t>(now);
    if (low != 0) [[likely]]
        return {static_cast<int>(low) - 1, 0, now};
    return reopen(now);
}

/// The same, without opening anything if another thread already has.
inline Lease reopen_if_current(std::uint64_t lost) noexcept {
    return state.load(std::memory_order_acquire) == lost ? reopen(lost) : lease();
}

/// Closes the descriptor, if it is (still) our device: what it takes is needed.  A
/// start that uses it in another thread loses it, as if the program had closed it.
void let_go() noexcept;

/// Whether a descriptor is (still) our device, which alone answers this way.
/// 0 and the answer, or an error number.
int get_info(int descriptor, kspawn_info& info) noexcept;

/// 0, or EPROTO if it is a device that this library cannot talk to.
int check(const kspawn_info& info) noexcept;

} // namespace kspawn::internal::device

#endif
