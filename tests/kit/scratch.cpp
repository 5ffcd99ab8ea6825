// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "owners.hpp"

namespace kspawn::test {

// No std::ifstream or std::ofstream here: their descriptors are not close-on-exec, and a child that
// another thread starts meanwhile has them.  Such a child makes the start of a script that was just
// written fail with ETXTBSY.

std::string read_file(const std::filesystem::path& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    return file ? read_all(file) : "";
}

void write_file(const std::filesystem::path& path, std::string_view text) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    while (file && !text.empty()) {
        const auto count = ::write(file.get(), text.data(), text.size());
        if (count < 0 && errno != EINTR)
            break;
        text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    if (!file || !text.empty())
        throw std::system_error(errno, std::generic_category(), "cannot write " + path.string());
}

Scratch::Scratch() {
    auto name = (std::filesystem::temp_directory_path() / "kspawn-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
    path_ = std::filesystem::canonical(name);
    ::chmod(name.c_str(), 0777);
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string Scratch::write(std::string_view name, std::string_view text, unsigned mode) const {
    auto path = file(name);
    write_file(path, text);
    if (::chmod(path.c_str(), mode) != 0)
        throw std::system_error(errno, std::generic_category(), "chmod " + path);
    return path;
}

std::string Scratch::read(std::string_view name) const {
    if (!std::filesystem::exists(file(name)))
        throw std::runtime_error("cannot read " + file(name));
    return read_file(file(name));
}

std::string Scratch::directory(std::string_view name) const {
    std::filesystem::create_directories(path_ / name);
    return file(name);
}

} // namespace kspawn::test
