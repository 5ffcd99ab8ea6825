// SPDX-License-Identifier: LGPL-2.1-or-later
#include "owners.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kspawn::test {

std::string read_all(const Descriptor& descriptor) {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto count = ::read(descriptor.get(), part.data(), part.size());
        if (count > 0)
            text.append(part.data(), static_cast<std::size_t>(count));
        else if (count == 0 || errno != EINTR)
            return text;
    }
}

Pipe::Pipe(int flags) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    reader = Descriptor{ends[0]};
    writer = Descriptor{ends[1]};
}

} // namespace kspawn::test
