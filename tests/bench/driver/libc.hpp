// SPDX-License-Identifier: LGPL-2.1-or-later
// A C library of another Debian, which tests/bench/libc has fetched: its loader runs a program
// that is linked to an older one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

class Libc {
public:
    /// That of `name` among those beside the runners, if it is there.
    static std::optional<Libc> find(const std::filesystem::path& runners, const std::string& name);

    /// The command that runs a program with it.
    [[nodiscard]] std::vector<std::string> running(const std::string& program) const;

    /// The version of its package, as in "2.41-12+deb13u5".
    [[nodiscard]] const std::string& package_version() const { return m_version; }

    /// Its own, as in "2.41".
    [[nodiscard]] std::string version() const;

    /// Whether this process has it in its memory.
    [[nodiscard]] bool is_in(pid_t process) const;

private:
    Libc(std::filesystem::path directory, std::string version)
        : m_directory(std::move(directory)), m_version(std::move(version)) {}

    std::filesystem::path m_directory;
    std::string m_version;
};

} // namespace bench
