// SPDX-License-Identifier: LGPL-2.1-or-later
/// What a way of starting programs takes and returns.
#ifndef KSPAWN_LIB_BACKEND_HPP
#define KSPAWN_LIB_BACKEND_HPP

#include <kspawn/spawn.h>

namespace kspawn::internal {

/// What to start.  Nothing in it is owned; the objects are valid or null.
struct Request {
    const char* path;
    const char* search; ///< directories for a path without '/'; null: no search
    const kspawn_spawn_file_actions_t* file_actions;
    const kspawn_spawnattr_t* attributes;
    char* const* argv;
    char* const* envp;
    bool pidfd; ///< a pidfd is wanted
};

/// What became of it.
struct Outcome {
    int pid;        ///< of the child; 0 if there is none
    int pidfd;      ///< owned by the receiver; -1 if there is none
    int error;      ///< 0 after success
    int step;       ///< enum kspawn_failure_step
    unsigned index; ///< which part of the step
};

/// Through /dev/kspawn.
Outcome start_by_kernel(const Request& request) noexcept;

} // namespace kspawn::internal

#endif
