// SPDX-License-Identifier: LGPL-2.1-or-later
/// The functions that ours stand in front of.
#ifndef KSPAWN_PRELOAD_LIBC_HPP
#define KSPAWN_PRELOAD_LIBC_HPP

#include <spawn.h>
#include <sys/types.h>

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

    int (*attr_init)(posix_spawnattr_t*);
    int (*attr_destroy)(posix_spawnattr_t*);
    int (*attr_getflags)(const posix_spawnattr_t*, short*);
    int (*attr_setflags)(posix_spawnattr_t*, short);
    int (*attr_getpgroup)(const posix_spawnattr_t*, pid_t*);
    int (*attr_setpgroup)(posix_spawnattr_t*, pid_t);
    int (*attr_getsigdefault)(const posix_spawnattr_t*, sigset_t*);
    int (*attr_setsigdefault)(posix_spawnattr_t*, const sigset_t*);
    int (*attr_getsigmask)(const posix_spawnattr_t*, sigset_t*);
    int (*attr_setsigmask)(posix_spawnattr_t*, const sigset_t*);
    int (*attr_getschedpolicy)(const posix_spawnattr_t*, int*);
    int (*attr_setschedpolicy)(posix_spawnattr_t*, int);
    int (*attr_getschedparam)(const posix_spawnattr_t*, sched_param*);
    int (*attr_setschedparam)(posix_spawnattr_t*, const sched_param*);
    int (*attr_getcgroup)(const posix_spawnattr_t*, int*); ///< glibc 2.39; may be null
    int (*attr_setcgroup)(posix_spawnattr_t*, int);        ///< likewise

    int (*actions_init)(posix_spawn_file_actions_t*);
    int (*actions_destroy)(posix_spawn_file_actions_t*);
    int (*actions_addopen)(posix_spawn_file_actions_t*, int, const char*, int, mode_t);
    int (*actions_addclose)(posix_spawn_file_actions_t*, int);
    int (*actions_adddup2)(posix_spawn_file_actions_t*, int, int);
    int (*actions_addchdir)(posix_spawn_file_actions_t*, const char*);
    int (*actions_addfchdir)(posix_spawn_file_actions_t*, int);
    int (*actions_addclosefrom)(posix_spawn_file_actions_t*, int);
    int (*actions_addtcsetpgrp)(posix_spawn_file_actions_t*, int);

    char*** environment;         ///< environ, which would be looked up in every process
    const char* single_threaded; ///< __libc_single_threaded; may be null
};

/// Looked up when it is first needed, which may be before our constructors run:
/// those of other libraries may start programs.
const Libc& libc() noexcept;

} // namespace kspawn::preload

#endif
