// SPDX-License-Identifier: LGPL-2.1-or-later
// Which descriptors there are.  /proc tells that of a table of a million in the time
// that its entries take; without /proc, or without a descriptor to read it by, each
// number below the limit is tried.
#include "open_descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "cancel_guard.hpp"
#include "descriptor.hpp"
#include "errno_guard.hpp"
#include "numbers.hpp"
#include "operations.hpp"

namespace kspawn::internal {

namespace {

// The entries that getdents64() writes; libc's own reading of directories allocates.
constexpr std::size_t offset_of_length = 16;
constexpr std::size_t offset_of_name = 19;

// 0, ENOMEM, or another error: /proc does not tell.
int list_from_proc(int first, int last, List<int>& list) noexcept {
    const Descriptor directory{
        ::open("/proc/thread-self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY)};
    if (!directory)
        return errno;
    alignas(std::uint64_t) std::array<char, 4096> buffer{};
    for (;;) {
        const auto size = ::syscall(SYS_getdents64, directory.get(), buffer.data(), buffer.size());
        if (size < 0)
            return errno;
        if (size == 0)
            return 0;
        const std::string_view entries{buffer.data(), static_cast<std::size_t>(size)};
        for (std::size_t at = 0; at + offset_of_name < entries.size();) {
            std::uint16_t length = 0;
            std::memcpy(&length, entries.data() + at + offset_of_length, sizeof(length));
            const auto number = whole_number(entries.data() + at + offset_of_name);
            at += length;
            if (!number || *number < first || *number > last || *number == directory.get())
                continue;
            if (!list.push(*number))
                return ENOMEM;
        }
    }
}

} // namespace

bool is_open(int descriptor) noexcept {
    const ErrnoGuard keep_errno;
    return ::fcntl(descriptor, F_GETFD) >= 0;
}

bool above_the_limit(int descriptor) noexcept {
    const long limit = ::sysconf(_SC_OPEN_MAX);
    return limit >= 0 && descriptor >= limit;
}

Slot slot(std::span<const kspawn_action> before, int descriptor) noexcept {
    const auto last =
        std::find_if(before.rbegin(), before.rend(), [descriptor](const kspawn_action& action) {
            return made_by(action) == descriptor || closes(action, descriptor);
        });
    if (last == before.rend())
        return is_open(descriptor) ? Slot::ours : Slot::empty;
    return made_by(*last) == descriptor ? Slot::made : Slot::empty;
}

int list_open(int first, int last, List<int>& list) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    const int error = list_from_proc(first, last, list);
    if (error == 0 || error == ENOMEM)
        return error;
    const long limit = ::sysconf(_SC_OPEN_MAX);
    const int end = limit < 0 || limit > INT_MAX ? INT_MAX : static_cast<int>(limit);
    for (int number = first; number < end && number <= last; ++number) {
        if (is_open(number) && !list.push(number))
            return ENOMEM;
    }
    return 0;
}

} // namespace kspawn::internal
