// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of <spawn.h> that start a program.
//
// The version script gives each the version under which glibc has it, so that a
// program finds here what it would find there: posix_spawn@@GLIBC_2.15 and, for
// programs from before 2012, posix_spawn@GLIBC_2.2.5, which hands a file that is
// not in an executable format to /bin/sh.
#include <dlfcn.h>
#include <kspawn/backend.h>
#include <spawn.h>

#include <cerrno>

#include "libc.hpp"
#include "start.hpp"

namespace {

using kspawn::preload::Call;
using kspawn::preload::Entry;
using kspawn::preload::Reason;
using kspawn::preload::Spawn;
using kspawn::preload::start;

int start_for_pid(pid_t* pid, const Call& call) noexcept {
    const auto result = start(call);
    if (result.error == 0 && pid != nullptr)
        *pid = result.pid;
    return result.error;
}

int start_for_pidfd(int* pidfd, const Call& call) noexcept {
    const auto result = start(call);
    if (result.error == 0 && pidfd != nullptr)
        *pidfd = result.pidfd;
    return result.error;
}

// The shell would be started after the file actions have been done once, and
// some cannot be done twice (O_EXCL).  libc's child does it in one go.
int start_old(const char* name, Entry entry, pid_t* pid, const char* path,
              const posix_spawn_file_actions_t* file_actions, const posix_spawnattr_t* attributes,
              char* const argv[], char* const envp[]) noexcept {
    auto* const function = reinterpret_cast<Spawn*>(::dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5"));
    if (function == nullptr || ::kspawn_get_backend() == KSPAWN_BACKEND_KERNEL)
        return ENOTSUP;
    kspawn::preload::stats::count_libc(entry, Reason::old_version, 0);
    return function(pid, path, file_actions, attributes, argv, envp);
}

} // namespace

// Named by the .symver lines below, under which they are known outside.
extern "C" {

Spawn kspawn_posix_spawn;
Spawn kspawn_posix_spawnp;
Spawn kspawn_old_posix_spawn;
Spawn kspawn_old_posix_spawnp;
// Not by glibc's names: its headers, since 2.39, promise the compiler a pidfd that is not null,
// and callers do not.
using PidfdSpawn = int(int*, const char*, const posix_spawn_file_actions_t*,
                       const posix_spawnattr_t*, char* const*, char* const*);
PidfdSpawn kspawn_preloaded_pidfd_spawn;
PidfdSpawn kspawn_preloaded_pidfd_spawnp;

[[gnu::used]] int kspawn_posix_spawn(pid_t* pid, const char* path,
                                     const posix_spawn_file_actions_t* file_actions,
                                     const posix_spawnattr_t* attributes, char* const argv[],
                                     char* const envp[]) {
    return start_for_pid(
        pid, {Entry::posix_spawn, path, false, file_actions, attributes, argv, envp, false});
}

[[gnu::used]] int kspawn_posix_spawnp(pid_t* pid, const char* file,
                                      const posix_spawn_file_actions_t* file_actions,
                                      const posix_spawnattr_t* attributes, char* const argv[],
                                      char* const envp[]) {
    return start_for_pid(
        pid, {Entry::posix_spawnp, file, true, file_actions, attributes, argv, envp, false});
}

[[gnu::used]] int kspawn_preloaded_pidfd_spawn(int* pidfd, const char* path,
                                               const posix_spawn_file_actions_t* file_actions,
                                               const posix_spawnattr_t* attributes,
                                               char* const argv[], char* const envp[]) {
    return start_for_pidfd(pidfd, {Entry::pidfd_spawn, path, false, file_actions, attributes, argv,
                                   envp, pidfd != nullptr});
}

[[gnu::used]] int kspawn_preloaded_pidfd_spawnp(int* pidfd, const char* file,
                                                const posix_spawn_file_actions_t* file_actions,
                                                const posix_spawnattr_t* attributes,
                                                char* const argv[], char* const envp[]) {
    return start_for_pidfd(pidfd, {Entry::pidfd_spawnp, file, true, file_actions, attributes, argv,
                                   envp, pidfd != nullptr});
}

[[gnu::used]] int kspawn_old_posix_spawn(pid_t* pid, const char* path,
                                         const posix_spawn_file_actions_t* file_actions,
                                         const posix_spawnattr_t* attributes, char* const argv[],
                                         char* const envp[]) {
    return start_old("posix_spawn", Entry::posix_spawn, pid, path, file_actions, attributes, argv,
                     envp);
}

[[gnu::used]] int kspawn_old_posix_spawnp(pid_t* pid, const char* file,
                                          const posix_spawn_file_actions_t* file_actions,
                                          const posix_spawnattr_t* attributes, char* const argv[],
                                          char* const envp[]) {
    return start_old("posix_spawnp", Entry::posix_spawnp, pid, file, file_actions, attributes, argv,
                     envp);
}

} // extern "C"

__asm__(".symver kspawn_posix_spawn, posix_spawn@@GLIBC_2.15");
__asm__(".symver kspawn_posix_spawnp, posix_spawnp@@GLIBC_2.15");
__asm__(".symver kspawn_preloaded_pidfd_spawn, pidfd_spawn@@GLIBC_2.39");
__asm__(".symver kspawn_preloaded_pidfd_spawnp, pidfd_spawnp@@GLIBC_2.39");
__asm__(".symver kspawn_old_posix_spawn, posix_spawn@GLIBC_2.2.5");
__asm__(".symver kspawn_old_posix_spawnp, posix_spawnp@GLIBC_2.2.5");
