// SPDX-License-Identifier: LGPL-2.1-or-later
// Completion descriptors, of the kernel and of libc's kind.
#include "completion.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "cancel_guard.hpp"
#include "descriptor.hpp"
#include "device.hpp"
#include "errno_guard.hpp"
#include "failure.hpp"
#include "words.hpp"

namespace kspawn::internal::completion {

namespace {

// The bytes of a write to a pipe lie in one page, together with those of writes before it.
constexpr unsigned page_size = 4096;
constexpr unsigned events_in_page = page_size / sizeof(kspawn_event);
// The page that is being read, and the one that is being written, may not be full.
constexpr unsigned pages_to_spare = 2;
// More than a descriptor can hold need not fit into what is read at once.
constexpr std::size_t most_at_once = std::size_t{2} * KSPAWN_EVENTS_MAX;

int open_by_kernel(int& opened, unsigned capacity, int flags) noexcept {
    kspawn_completion options{};
    options.size = sizeof(options);
    options.flags = static_cast<unsigned>(flags);
    options.capacity = capacity;
    auto lease = device::lease();
    for (int losses = 0;; ++losses) {
        if (lease.descriptor < 0)
            return lease.error;
        opened = ::ioctl(lease.descriptor, KSPAWN_IOC_COMPLETION, &options);
        if (opened >= 0)
            return 0;
        const int error = errno;
        if (!device::is_no_answer_of_ours(error) || losses == device::most_losses)
            return error;
        lease = device::reopen_if_current(lease.state);
    }
}

int open_by_libc(int& opened, unsigned capacity, int flags) noexcept {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return errno;
    const Descriptor read_end{ends[0]};
    const Descriptor write_end{ends[1]};
    const unsigned pages = (capacity + events_in_page - 1) / events_in_page + pages_to_spare;
    if (::fcntl(read_end.get(), F_SETPIPE_SZ, pages * page_size) < 0)
        return errno;
    std::array<char, 32> name{};
    Words{name} << "/proc/self/fd/" << read_end.get();
    opened = ::open(name.data(), O_RDWR | O_CLOEXEC | flags);
    return opened < 0 ? errno : 0;
}

} // namespace

bool is_of_libc(int descriptor) noexcept {
    const ErrnoGuard keep_errno;
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode))
        return false;
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

bool has_room(int descriptor, std::size_t events) noexcept {
    const ErrnoGuard keep_errno;
    int bytes = 0;
    const int size = ::fcntl(descriptor, F_GETPIPE_SZ);
    if (size < 0 || ::ioctl(descriptor, FIONREAD, &bytes) != 0)
        return true; // the write tells
    const auto pages = std::max(static_cast<unsigned>(size) / page_size, pages_to_spare + 1);
    const std::size_t capacity = std::size_t{pages - pages_to_spare} * events_in_page;
    return static_cast<std::size_t>(bytes) / sizeof(kspawn_event) + events <= capacity;
}

void post(int descriptor, const kspawn_event& event) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    while (::write(descriptor, &event, sizeof(event)) < 0) {
        if (errno == EAGAIN) {
            pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
            ::poll(&entry, 1, -1);
        } else if (errno != EINTR) {
            return; // the caller has closed it
        }
    }
}

} // namespace kspawn::internal::completion

using kspawn::internal::CancelGuard;
using kspawn::internal::ErrnoGuard;
namespace completion = kspawn::internal::completion;

namespace {

// Remembered as that of a start would be, of which it is the first step.
[[gnu::cold]] int fail(int error, unsigned step, unsigned index) noexcept {
    kspawn::internal::failure::remember({}, kspawn::internal::Result::failed(error, step, index));
    return error;
}

} // namespace

int kspawn_completion_open_np(int* descriptor, unsigned int capacity, int flags) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    if (descriptor == nullptr || capacity == 0 || capacity > KSPAWN_EVENTS_MAX ||
        (flags & ~O_NONBLOCK) != 0)
        return fail(EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION);
    kspawn_support support{};
    const bool by_kernel = kspawn_effective_backend() == KSPAWN_BACKEND_KERNEL;
    if (by_kernel && kspawn_query(&support, sizeof(support)) == 0 && support.error != 0) {
        const bool refused = support.step == KSPAWN_STEP_POLICY;
        return fail(refused ? EPERM : ENOSYS, support.step,
                    refused ? 0 : static_cast<unsigned>(support.error));
    }
    int opened = -1;
    const int error = by_kernel ? completion::open_by_kernel(opened, capacity, flags)
                                : completion::open_by_libc(opened, capacity, flags);
    if (error != 0)
        return fail(error, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION);
    *descriptor = opened;
    return 0;
}

int kspawn_completion_read_np(int descriptor, kspawn_event* events, size_t size,
                              size_t* count) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    if (count != nullptr)
        *count = 0;
    if (events == nullptr || count == nullptr || size == 0)
        return EINVAL;
    const auto most = std::min(size, completion::most_at_once);
    const auto got = ::read(descriptor, events, most * sizeof(*events));
    if (got < 0)
        return errno;
    const auto bytes = static_cast<size_t>(got);
    if (bytes == 0 || bytes % sizeof(*events) != 0)
        return EBADF; // not one of ours
    *count = bytes / sizeof(*events);
    return 0;
}
