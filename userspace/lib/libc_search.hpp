// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_LIBC_SEARCH_HPP
#define KSPAWN_LIB_LIBC_SEARCH_HPP

#include <array>
#include <climits>
#include <string_view>

#include "backend.hpp"

namespace kspawn::internal {

/// Whether a file action changes the working directory, or one before `end`.
bool changes_directory(const Request& request, unsigned end = UINT_MAX) noexcept;

/// Whether a path can be executed by the calling thread as it is now: 0, or the error
/// of execve().
int look_at_program(const char* path) noexcept;

/// posix_spawnp() searches PATH.  With another list the search is done before the
/// child exists, which is the same as long as nothing the child does changes the
/// answer.
class Search {
public:
    /// 0, ENOENT, EACCES, or ENOTSUP.
    int find(const Request& request) noexcept;

    [[nodiscard]] const char* found() const noexcept { return path_.data(); }

private:
    int look(std::string_view directory, std::string_view name) noexcept;

    std::array<char, PATH_MAX> path_{};
};

} // namespace kspawn::internal

#endif
