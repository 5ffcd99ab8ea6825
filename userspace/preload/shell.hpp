// SPDX-License-Identifier: LGPL-2.1-or-later
/// What popen() and system() start.
#ifndef KSPAWN_PRELOAD_SHELL_HPP
#define KSPAWN_PRELOAD_SHELL_HPP

#include <spawn.h>

#include <array>

#include "libc.hpp"
#include "start.hpp"

namespace kspawn::preload {

/// sh -c -- COMMAND, as glibc has it since 2.38: a command that begins with a '-'
/// is no option.
inline Result start_shell(Entry entry, const char* command,
                          const posix_spawn_file_actions_t* file_actions,
                          const posix_spawnattr_t* attributes, bool wait = false) noexcept {
    // argv is not const for history's sake; nobody writes to it.
    const std::array<const char*, 5> arguments{"sh", "-c", "--", command, nullptr};
    return start({entry, "/bin/sh", false, file_actions, attributes,
                  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
                  const_cast<char* const*>(arguments.data()), *libc().environment, false, wait});
}

/// File actions of libc's, for as long as a start takes.
class OwnFileActions {
public:
    OwnFileActions() noexcept { libc().actions_init(&object_); }
    OwnFileActions(const OwnFileActions&) = delete;
    OwnFileActions& operator=(const OwnFileActions&) = delete;
    OwnFileActions(OwnFileActions&&) = delete;
    OwnFileActions& operator=(OwnFileActions&&) = delete;
    ~OwnFileActions() { libc().actions_destroy(&object_); }
    [[nodiscard]] posix_spawn_file_actions_t* get() noexcept { return &object_; }

private:
    posix_spawn_file_actions_t object_{};
};

} // namespace kspawn::preload

#endif
