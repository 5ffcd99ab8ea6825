// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/spawn.h>

#include "search_list.hpp"
#include "start.hpp"

namespace {

using kspawn::internal::refuse;
using kspawn::internal::Request;
using kspawn::internal::search_list;
using kspawn::internal::start;

int start_for_pid(pid_t* pid, Request request) noexcept {
    request.pid_at = pid;
    return start(request).error;
}

int start_for_pidfd(int* pidfd, Request request) noexcept {
    if (pidfd == nullptr)
        return refuse(request, KSPAWN_ARG_RESULT).error;
    request.pidfd_at = pidfd;
    return start(request).error;
}

} // namespace

int kspawn_spawn(pid_t* pid, const char* path, const kspawn_spawn_file_actions_t* file_actions,
                 const kspawn_spawnattr_t* attributes, char* const argv[],
                 char* const envp[]) noexcept {
    return start_for_pid(pid, {path, nullptr, file_actions, attributes, argv, envp, false});
}

int kspawn_spawnp(pid_t* pid, const char* file, const kspawn_spawn_file_actions_t* file_actions,
                  const kspawn_spawnattr_t* attributes, char* const argv[],
                  char* const envp[]) noexcept {
    return start_for_pid(pid, {file, search_list(), file_actions, attributes, argv, envp, false});
}

int kspawn_pidfd_spawn(int* pidfd, const char* path,
                       const kspawn_spawn_file_actions_t* file_actions,
                       const kspawn_spawnattr_t* attributes, char* const argv[],
                       char* const envp[]) noexcept {
    return start_for_pidfd(pidfd, {path, nullptr, file_actions, attributes, argv, envp, true});
}

int kspawn_pidfd_spawnp(int* pidfd, const char* file,
                        const kspawn_spawn_file_actions_t* file_actions,
                        const kspawn_spawnattr_t* attributes, char* const argv[],
                        char* const envp[]) noexcept {
    return start_for_pidfd(pidfd,
                           {file, search_list(), file_actions, attributes, argv, envp, true});
}

int kspawn_spawn_search_np(pid_t* pid, int* pidfd, const char* file, const char* search,
                           const kspawn_spawn_file_actions_t* file_actions,
                           const kspawn_spawnattr_t* attributes, char* const argv[],
                           char* const envp[]) noexcept {
    return start({file, search, file_actions, attributes, argv, envp, pidfd != nullptr, pid, pidfd})
        .error;
}
