// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scratch.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace kspawn::test {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>(stream), {}};
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
    {
        std::ofstream stream{path};
        stream << text;
        if (!stream.flush())
            throw std::runtime_error("cannot write " + path);
    }
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
