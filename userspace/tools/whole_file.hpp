// SPDX-License-Identifier: LGPL-2.1-or-later
/// Files that the kernel or an administrator has written, read whole.
#ifndef KSPAWN_TOOLS_WHOLE_FILE_HPP
#define KSPAWN_TOOLS_WHOLE_FILE_HPP

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace kspawn::tool {

/// A file's content without newlines at its end; "" if it cannot be read.
inline std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

inline bool is_there(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

} // namespace kspawn::tool

#endif
