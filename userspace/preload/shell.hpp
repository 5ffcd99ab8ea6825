// SPDX-License-Identifier: LGPL-2.1-or-later
/// The shell that popen() and system() start.
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

} // namespace kspawn::preload

#endif
