// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libc.hpp"

#include <fstream>
#include <string_view>
#include <system_error>

namespace bench {

namespace fs = std::filesystem;

std::optional<Libc> Libc::find(const fs::path& runners, const std::string& name) {
    std::error_code missing;
    auto directory = fs::canonical(runners / "libcs" / name, missing);
    std::string version;
    if (missing || !std::getline(std::ifstream(directory / "version"), version))
        return std::nullopt;
    return Libc{std::move(directory), std::move(version)};
}

std::vector<std::string> Libc::running(const std::string& program) const {
    return {m_directory / "loader", "--library-path", m_directory / "lib", program};
}

std::string Libc::version() const {
    return m_version.substr(0, m_version.rfind('-'));
}

bool Libc::is_in(pid_t process) const {
    const std::string library = fs::canonical(m_directory / "libc");
    std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.ends_with(' ' + library))
            return true;
    return false;
}

} // namespace bench
