// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libc_search.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "file_actions.hpp"

namespace kspawn::internal {

bool changes_directory(const Request& request, unsigned end) noexcept {
    if (request.file_actions == nullptr)
        return false;
    auto actions = file_actions::actions_of(*request.file_actions);
    if (end < actions.size())
        actions = actions.first(end);
    return std::ranges::any_of(actions,
                               [](const kspawn_action& action) { return has(action, moves); });
}

int look_at_program(const char* path) noexcept {
    struct stat status {};
    if (::stat(path, &status) != 0)
        return errno;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return ::faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int Search::find(const Request& request) noexcept {
    const std::string_view name = request.path;
    if (name.empty())
        return ENOENT;
    bool denied = false;
    std::string_view left = request.search;
    for (;;) {
        const auto colon = left.find(':');
        const auto directory = left.substr(0, colon);
        if (!directory.starts_with('/') && changes_directory(request))
            return ENOTSUP;
        const int error = look(directory, name);
        if (error == 0)
            return 0;
        denied = denied || error == EACCES;
        if (colon == std::string_view::npos)
            return denied ? EACCES : ENOENT;
        left.remove_prefix(colon + 1);
    }
}

int Search::look(std::string_view directory, std::string_view name) noexcept {
    if (directory.size() + 1 + name.size() >= path_.size())
        return ENAMETOOLONG;
    char* end = path_.data();
    if (!directory.empty()) {
        end += directory.copy(end, directory.size());
        *end++ = '/';
    } else { // the working directory; a name alone would do, but "-x" is a name
        *end++ = '.';
        *end++ = '/';
    }
    end += name.copy(end, name.size());
    *end = '\0';
    return look_at_program(path_.data());
}

} // namespace kspawn::internal
