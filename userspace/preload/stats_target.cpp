// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats_target.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "userspace/lib/descriptor.hpp"
#include "userspace/lib/words.hpp"

namespace kspawn::preload::stats {

namespace {

struct File {
    // The variable's own memory is the program's to overwrite.  Not an array: its
    // pages would be mapped in every process that asks for nothing.
    char* name;
    int descriptor;
    dev_t device;
    ino_t number;
};
constinit File file{nullptr, -1, 0, 0};

bool set_name(const char* value) noexcept {
    std::array<char, PATH_MAX> name{};
    internal::Words words{name};
    if (*value != '/') {
        std::array<char, PATH_MAX> directory{};
        if (::getcwd(directory.data(), directory.size()) == nullptr)
            return false;
        words << std::string_view(directory.data()) << "/";
    }
    words << std::string_view(value);
    if (std::strlen(name.data()) + 1 >= name.size())
        return false;
    // Kept to the end: _exit() may be called in a signal handler.
    file.name = ::strdup(name.data());
    return file.name != nullptr;
}

internal::Descriptor open_by_name() noexcept {
    return internal::Descriptor{
        ::open(file.name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666)};
}

void keep_open() noexcept {
    auto opened = open_by_name();
    // Beside the device, out of the way of the program's own.
    constexpr int preferred_number = 49;
    internal::Descriptor high{::fcntl(opened.get(), F_DUPFD_CLOEXEC, preferred_number)};
    struct stat status {};
    if (!high || ::fstat(high.get(), &status) != 0)
        return; // opened again at the end, or standard error is told why not
    file.device = status.st_dev;
    file.number = status.st_ino;
    file.descriptor = high.release();
}

// The descriptor may be the program's by now.
bool is_still_open() noexcept {
    struct stat status {};
    return file.descriptor >= 0 && ::fstat(file.descriptor, &status) == 0 &&
           status.st_dev == file.device && status.st_ino == file.number;
}

// 0, or an error number.
int write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

int write_to_file(std::string_view lines) noexcept {
    if (is_still_open())
        return write_all(file.descriptor, lines);
    const auto again = open_by_name();
    return again ? write_all(again.get(), lines) : errno;
}

} // namespace

Target find_target() noexcept {
    // Not for a program that has more privileges than its caller.
    const char* const value = ::secure_getenv("KSPAWN_STATS");
    if (value == nullptr)
        return Target::nowhere;
    const std::string_view wish = value;
    if (wish.empty() || wish == "0")
        return Target::nowhere;
    if (wish == "1")
        return Target::standard_error;
    if (!set_name(value))
        return Target::nowhere;
    keep_open();
    return Target::file;
}

void write_to(Target target, std::string_view lines, bool must_not_be_lost) noexcept {
    if (target == Target::file) {
        const int error = write_to_file(lines);
        if (error == 0 || !must_not_be_lost)
            return;
        std::array<char, PATH_MAX + 128> complaint{};
        internal::Words words{complaint};
        const char* const why = ::strerrordesc_np(error);
        words << "kspawn-preload: " << std::string_view(file.name) << ": "
              << (why != nullptr ? std::string_view(why) : std::string_view("unknown error"))
              << "\n";
        static_cast<void>(write_all(STDERR_FILENO, complaint.data()));
    }
    static_cast<void>(write_all(STDERR_FILENO, lines)); // or nobody can be told
}

} // namespace kspawn::preload::stats
