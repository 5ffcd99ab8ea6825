// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/file_descriptor.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>

#include "../broken_pipe_guard.hpp"
#include "../cancel_guard.hpp"
#include "checked.hpp"

namespace kspawn {

void FileDescriptor::close() noexcept {
    if (number_ < 0)
        return;
    const int before = errno;
    const internal::CancelGuard no_cancellation;
    ::close(release());
    errno = before;
}

// NOLINTNEXTLINE(readability-make-member-function-const): it moves the file on
std::size_t FileDescriptor::read(std::span<std::byte> buffer, std::error_code& error) noexcept {
    error.clear();
    const internal::CancelGuard no_cancellation;
    for (;;) {
        const auto count = ::read(number_, buffer.data(), buffer.size());
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno != EINTR) {
            error = internal::last_error();
            return 0;
        }
    }
}

std::size_t FileDescriptor::read(std::span<std::byte> buffer) {
    return internal::checked("read", [&](auto& error) { return this->read(buffer, error); });
}

std::string FileDescriptor::read_all(std::error_code& error) {
    std::string all;
    std::array<std::byte, 65536> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (const auto count = read(buffer, error))
        all.append(reinterpret_cast<const char*>(buffer.data()), count);
    return all;
}

std::string FileDescriptor::read_all() {
    return internal::checked("read", [&](auto& error) { return this->read_all(error); });
}

// NOLINTNEXTLINE(readability-make-member-function-const): as above
void FileDescriptor::write_all(std::string_view data, std::error_code& error) noexcept {
    error.clear();
    const internal::CancelGuard no_cancellation;
    const internal::BrokenPipeGuard guard;
    while (!data.empty()) {
        const auto count = ::write(number_, data.data(), data.size());
        if (count >= 0) {
            data.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            error = internal::last_error();
            return;
        }
    }
}

void FileDescriptor::write_all(std::string_view data) {
    internal::checked("write", [&](auto& error) { this->write_all(data, error); });
}

} // namespace kspawn
