// SPDX-License-Identifier: LGPL-2.1-or-later
/// One start of a program: by the kernel if it can, else by libc, and counted.
#ifndef KSPAWN_PRELOAD_START_HPP
#define KSPAWN_PRELOAD_START_HPP

#include <spawn.h>
#include <sys/types.h>

#include "stats.hpp"
#include "userspace/lib/backend.hpp"

namespace kspawn::preload {

/// The call that the program made, with its own objects.
struct Call {
    Entry entry{};
    const char* path = nullptr;
    bool search = false; ///< in PATH, if path has no '/'
    const posix_spawn_file_actions_t* file_actions = nullptr;
    const posix_spawnattr_t* attributes = nullptr;
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    bool pidfd = false;
    /// Wait for the child's end as well, if the kernel starts it and no signal ends
    /// the wait.
    bool wait = false;
};

using internal::Result;

/// By the kernel if it can, else by libc.  The pid is 0 where libc returns a pidfd only,
/// and where the child has been waited for, whose status is in the result.
Result start(const Call& call) noexcept;

/// Whether a failure was one in the child, or one that it would have met there.  libc
/// does not tell; then all count as such but those of fork().
bool is_in_child(const Result& result) noexcept;

} // namespace kspawn::preload

#endif
