// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TESTS_SCRATCH_HPP
#define KSPAWN_TESTS_SCRATCH_HPP

#include <filesystem>
#include <string>
#include <string_view>

namespace kspawn::test {

/// The contents of a file; "" if it is not there.
std::string read_file(const std::filesystem::path& path);
/// Makes or replaces a file.
void write_file(const std::filesystem::path& path, std::string_view text);

/// A directory of its own for a test, open to all users, gone with the object.
class Scratch {
public:
    Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    Scratch(Scratch&&) = delete;
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
    /// Makes a file and returns its path.
    std::string write(std::string_view name, std::string_view text, unsigned mode = 0644) const;
    [[nodiscard]] std::string read(std::string_view name) const;
    /// Makes a directory and returns its path.
    std::string directory(std::string_view name) const;

private:
    std::filesystem::path path_;
};

} // namespace kspawn::test

#endif
