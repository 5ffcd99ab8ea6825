// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cancel_guard.hpp"
#include "descriptor.hpp"
#include "errno_guard.hpp"

namespace kspawn::internal::device {

std::atomic<std::uint64_t> state{0};

namespace {

// Programs have plans for the low numbers: 0 to 2, those a shell script names,
// and the first free one that they expect from open().  Below 64 the kernel need
// not enlarge the process's descriptor table.
constexpr std::array<int, 3> preferred_numbers{48, 10, 3};

Descriptor move_up(Descriptor low) noexcept {
    for (const int number : preferred_numbers) {
        Descriptor high{::fcntl(low.get(), F_DUPFD_CLOEXEC, number)};
        if (high)
            return high;
    }
    // The limit on descriptors leaves no room for a second one beside it, or only
    // among what the program thinks of as its standard streams.  A descriptor that is
    // kept here for good would be the program's last.
    return {};
}

constexpr std::uint64_t pack(std::uint64_t before, int descriptor) noexcept {
    const auto openings = (before >> 32U) + 1;
    return (openings << 32U) | (static_cast<std::uint64_t>(descriptor) + 1);
}

} // namespace

int get_info(int descriptor, kspawn_info& info) noexcept {
    info = {};
    info.size = sizeof(info);
    if (::ioctl(descriptor, KSPAWN_IOC_INFO, &info) != 0)
        return errno;
    // A stranger that takes any ioctl for a success does not fill this in.
    return info.args_size == 0 ? ENOTTY : 0;
}

int check(const kspawn_info& info) noexcept {
    const bool known = info.args_size >= KSPAWN_ARGS_SIZE_VER0 &&
                       info.action_size >= KSPAWN_ACTION_SIZE_VER0 &&
                       info.result_size >= KSPAWN_RESULT_SIZE_VER0;
    return known ? 0 : EPROTO;
}

namespace {

// A new descriptor of our device, for good.  0, or an error number.
int open_one(Descriptor& opened) noexcept {
    opened = Descriptor{::open(KSPAWN_DEVICE, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!opened)
        return errno;
    kspawn_info info{};
    int error = get_info(opened.get(), info);
    if (error == 0)
        error = check(info);
    if (error == ENOTTY) // another device has its name
        error = EPROTO;
    if (error == EBADF) // not ours to close any more
        (void)opened.release();
    if (error != 0)
        return error;
    opened = move_up(std::move(opened));
    return opened ? 0 : EMFILE;
}

} // namespace

void let_go() noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    auto seen = state.load(std::memory_order_acquire);
    const auto low = static_cast<std::uint32_t>(seen);
    const auto none = seen & ~std::uint64_t{0xffffffffU};
    if (low == 0 || !state.compare_exchange_strong(seen, none, std::memory_order_acq_rel,
                                                   std::memory_order_acquire))
        return;
    Descriptor ours{static_cast<int>(low) - 1};
    kspawn_info info{};
    if (get_info(ours.get(), info) != 0)
        (void)ours.release(); // the program's by now
}

Lease reopen(std::uint64_t lost) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    Descriptor opened;
    int error = open_one(opened);
    // A program that closes all that it does not know may take the new one as well.
    for (int losses = 0; error == EBADF && losses < most_losses; ++losses)
        error = open_one(opened);
    if (error != 0)
        return {-1, error, lost};

    // A descriptor that another thread has opened meanwhile is used in place of ours, which
    // is closed.  If that thread has let go of its own again (see let_go()), there is none,
    // and ours is put there all the same.
    auto seen = lost;
    do {
        const auto wanted = pack(seen, opened.get());
        if (state.compare_exchange_strong(seen, wanted, std::memory_order_acq_rel,
                                          std::memory_order_acquire))
            return {opened.release(), 0, wanted};
    } while (static_cast<std::uint32_t>(seen) == 0);
    return {static_cast<int>(static_cast<std::uint32_t>(seen)) - 1, 0, seen};
}

} // namespace kspawn::internal::device
