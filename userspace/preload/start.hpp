// SPDX-License-Identifier: LGPL-2.1-or-later
/// One start of a program: by the kernel if it can, else by libc, and counted.
#ifndef KSPAWN_PRELOAD_START_HPP
#define KSPAWN_PRELOAD_START_HPP

#include <spawn.h>
#include <sys/types.h>

#include "stats.hpp"

namespace kspawn::preload {

/// What the program asked for, with its own objects.
struct Call {
    Entry entry;
    const char* path;
    bool search; ///< in PATH, if path has no '/'
    const posix_spawn_file_actions_t* file_actions;
    const posix_spawnattr_t* attributes;
    char* const* argv;
    char* const* envp;
    bool pidfd;
    /// Wait for the child's end as well, if the kernel starts it and no signal ends
    /// the wait.
    bool wait = false;
};

struct Result {
    int error; ///< 0 after success
    pid_t pid; ///< 0 where libc returns a pidfd only
    int pidfd; ///< the receiver's; -1 if none was asked for
    /// After an error: whether it was one in the child, or one that it would have
    /// met there.  libc does not tell; then all count as such but those of fork().
    bool child = false;
    bool ended = false; ///< it was waited for
    int status = 0;     ///< how it ended, if so
};

Result start(const Call& call) noexcept;

} // namespace kspawn::preload

#endif
