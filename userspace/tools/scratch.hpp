// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TOOLS_SCRATCH_HPP
#define KSPAWN_TOOLS_SCRATCH_HPP

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace kspawn::tool {

/// A directory of our own among the temporary files, gone with the object.
class Scratch {
public:
    explicit Scratch(const char* name) {
        std::string pattern = std::filesystem::temp_directory_path() / name;
        pattern += ".XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::system_error(errno, std::generic_category(), pattern);
        path_ = pattern;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    Scratch(Scratch&&) = delete;
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace kspawn::tool

#endif
