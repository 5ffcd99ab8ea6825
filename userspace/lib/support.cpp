// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/failure.h>
#include <kspawn/support.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "backend.hpp"
#include "device.hpp"
#include "errno_guard.hpp"
#include "failure.hpp"
#include "seccomp.hpp"

namespace {

namespace device = kspawn::internal::device;
namespace failure = kspawn::internal::failure;

// The size in the first published version: six numbers and two pointers, whatever comes after them.
constexpr std::size_t smallest_size = 6 * 4 + 2 * sizeof(void*);
static_assert(smallest_size == offsetof(kspawn_support, device) + sizeof(const char*));

int ask_the_module(kspawn_info& info) noexcept {
    auto lease = device::lease();
    for (int losses = 0;; ++losses) {
        if (lease.descriptor < 0)
            return lease.error;
        const int error = device::get_info(lease.descriptor, info);
        if (error == 0)
            return device::check(info);
        if (losses == device::most_losses)
            return error;
        lease = device::reopen_if_current(lease.state);
    }
}

// Nothing but a start tells whether the caller may use I/O ports, which the module refuses
// before it looks for the program: here there is none to find.  A filter that kills for
// an ioctl() is not asked for it.
bool refused() noexcept {
    return kspawn::internal::under_seccomp() ||
           kspawn::internal::start_by_kernel({}).step == KSPAWN_STEP_POLICY;
}

kspawn_support find_out() noexcept {
    kspawn_support found{};
    found.library_abi = device::abi_version;
    found.device = KSPAWN_DEVICE;
    found.reason = "";
    kspawn_info info{};
    found.error = ask_the_module(info);
    // The module says how large its structures are, and has no number for that.
    found.module_abi = found.error == 0 ? device::abi_version : 0;
    found.attr_flags = info.attr_flags;
    found.actions_max = info.actions_max;
    found.batch_flags = info.batch_flags;
    if (found.error != 0) {
        found.step = KSPAWN_STEP_DEVICE;
        found.reason = failure::device_hint(found.error);
    } else if (refused()) {
        found.error = EPERM;
        found.step = KSPAWN_STEP_POLICY;
        found.reason = failure::policy_hint();
    }
    return found;
}

} // namespace

int kspawn_query(kspawn_support* support, size_t size) noexcept {
    const kspawn::internal::ErrnoGuard keep_errno;
    if (support == nullptr || size < smallest_size)
        return EINVAL;
    const auto found = find_out();
    // A caller who knows more members than this library finds zeroes there.
    std::memset(support, 0, size);
    std::memcpy(support, &found, std::min(size, sizeof(found)));
    return 0;
}

int kspawn_available() noexcept {
    const kspawn::internal::ErrnoGuard keep_errno;
    return find_out().error == 0 ? 1 : 0;
}
