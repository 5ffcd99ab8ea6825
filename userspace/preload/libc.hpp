// SPDX-License-Identifier: LGPL-2.1-or-later
/// The functions that ours stand in front of.
#ifndef KSPAWN_PRELOAD_LIBC_HPP
#define KSPAWN_PRELOAD_LIBC_HPP

#include <spawn.h>
#include <sys/types.h>

/// libc's functions that make and change objects and that every glibc has which this
/// library can be loaded with: do(NAME, PARAMETERS, ARGUMENTS) for each.
// clang-format off
#define KSPAWN_PRELOAD_FOR_EACH_OBJECT_FUNCTION(do) \
    do(posix_spawnattr_init, (posix_spawnattr_t* object), (object)) \
    do(posix_spawnattr_destroy, (posix_spawnattr_t* object), (object)) \
    do(posix_spawnattr_getflags, (const posix_spawnattr_t* object, short* flags), (object, flags)) \
    do(posix_spawnattr_getpgroup, (const posix_spawnattr_t* object, pid_t* group), (object, group)) \
    do(posix_spawnattr_setpgroup, (posix_spawnattr_t* object, pid_t group), (object, group)) \
    do(posix_spawnattr_getsigdefault, (const posix_spawnattr_t* object, sigset_t* set), (object, set)) \
    do(posix_spawnattr_setsigdefault, (posix_spawnattr_t* object, const sigset_t* set), (object, set)) \
    do(posix_spawnattr_getsigmask, (const posix_spawnattr_t* object, sigset_t* set), (object, set)) \
    do(posix_spawnattr_setsigmask, (posix_spawnattr_t* object, const sigset_t* set), (object, set)) \
    do(posix_spawnattr_getschedpolicy, (const posix_spawnattr_t* object, int* policy), (object, policy)) \
    do(posix_spawnattr_setschedpolicy, (posix_spawnattr_t* object, int policy), (object, policy)) \
    do(posix_spawnattr_getschedparam, (const posix_spawnattr_t* object, sched_param* parameters), (object, parameters)) \
    do(posix_spawnattr_setschedparam, (posix_spawnattr_t* object, const sched_param* parameters), (object, parameters)) \
    do(posix_spawn_file_actions_init, (posix_spawn_file_actions_t* object), (object)) \
    do(posix_spawn_file_actions_destroy, (posix_spawn_file_actions_t* object), (object)) \
    do(posix_spawn_file_actions_addopen, (posix_spawn_file_actions_t* object, int fd, const char* path, int oflag, mode_t mode), (object, fd, path, oflag, mode)) \
    do(posix_spawn_file_actions_addclose, (posix_spawn_file_actions_t* object, int fd), (object, fd)) \
    do(posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t* object, int fd, int newfd), (object, fd, newfd)) \
    do(posix_spawn_file_actions_addchdir_np, (posix_spawn_file_actions_t* object, const char* path), (object, path)) \
    do(posix_spawn_file_actions_addfchdir_np, (posix_spawn_file_actions_t* object, int fd), (object, fd)) \
    do(posix_spawn_file_actions_addclosefrom_np, (posix_spawn_file_actions_t* object, int from), (object, from)) \
    do(posix_spawn_file_actions_addtcsetpgrp_np, (posix_spawn_file_actions_t* object, int tcfd), (object, tcfd))
// clang-format on

namespace kspawn::preload {

using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*);

/// libc's, or those of another library that is preloaded after this one.  Null
/// are those that are marked so and that this libc does not have.
struct Libc {
    Spawn* posix_spawn;
    Spawn* posix_spawnp;
    Spawn* pidfd_spawn;  ///< glibc 2.39; may be null
    Spawn* pidfd_spawnp; ///< likewise

// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define KSPAWN_PRELOAD_MEMBER(name, parameters, arguments) decltype(::name)* name;
    KSPAWN_PRELOAD_FOR_EACH_OBJECT_FUNCTION(KSPAWN_PRELOAD_MEMBER)
#undef KSPAWN_PRELOAD_MEMBER
    decltype(::posix_spawnattr_setflags)* posix_spawnattr_setflags;
    int (*posix_spawnattr_getcgroup)(const posix_spawnattr_t*, int*); ///< glibc 2.39; may be null
    int (*posix_spawnattr_setcgroup)(posix_spawnattr_t*, int);        ///< likewise

    char*** environment;         ///< environ, which would be looked up in every process
    const char* single_threaded; ///< __libc_single_threaded; may be null
};

/// Looked up when it is first needed, which may be before our constructors run:
/// those of other libraries may start programs.
const Libc& libc() noexcept;

} // namespace kspawn::preload

#endif
