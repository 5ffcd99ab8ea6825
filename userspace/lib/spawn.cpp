// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/spawn.h>

#include <cerrno>
#include <cstdlib>

#include "attributes.hpp"
#include "backend.hpp"
#include "failure.hpp"
#include "file_actions.hpp"

namespace {

using kspawn::internal::Outcome;
using kspawn::internal::Request;

// Errors of open(2) say nothing to a caller who asked for another program, and
// ENOENT or EACCES would lie to him.  A shortage of descriptors or memory is one
// whoever wanted them.
int visible_device_error(int error) noexcept {
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
        return error;
    default:
        return ENOSYS;
    }
}

[[gnu::cold]] Outcome fail(const Request& request, Outcome outcome) noexcept {
    if (outcome.step == KSPAWN_FAILURE_DEVICE) {
        outcome.index = static_cast<unsigned>(outcome.error);
        outcome.error = visible_device_error(outcome.error);
    }
    kspawn::internal::failure::remember(request, outcome);
    return outcome;
}

// What an invalid object holds must not be looked at, even to describe it.
[[gnu::cold]] Outcome refuse(Request request, unsigned part) noexcept {
    request.file_actions = nullptr;
    request.attributes = nullptr;
    return fail(request, {0, -1, EINVAL, KSPAWN_FAILURE_REQUEST, part});
}

Outcome start(const Request& request) noexcept {
    if (request.file_actions != nullptr &&
        !kspawn::internal::file_actions::valid(request.file_actions))
        return refuse(request, KSPAWN_FAILURE_PART_FILE_ACTIONS);
    if (request.attributes != nullptr && !kspawn::internal::attributes::valid(request.attributes))
        return refuse(request, KSPAWN_FAILURE_PART_ATTRIBUTES);
    const Outcome outcome = kspawn::internal::start_by_choice(request);
    if (outcome.error != 0) [[unlikely]]
        return fail(request, outcome);
    return outcome;
}

int start_for_pid(pid_t* pid, Request request) noexcept {
    request.pid_at = pid;
    const Outcome outcome = start(request);
    if (outcome.error == 0 && pid != nullptr)
        *pid = outcome.pid;
    return outcome.error;
}

int start_for_pidfd(int* pidfd, Request request) noexcept {
    if (pidfd == nullptr)
        return refuse(request, KSPAWN_FAILURE_PART_RESULT).error;
    request.pidfd_at = pidfd;
    const Outcome outcome = start(request);
    if (outcome.error == 0)
        *pidfd = outcome.pidfd;
    return outcome.error;
}

const char* search_list() noexcept {
    const char* const path = std::getenv("PATH");
    return path != nullptr ? path : "/bin:/usr/bin"; // confstr(_CS_PATH)
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
    const Outcome outcome =
        start({file, search, file_actions, attributes, argv, envp, pidfd != nullptr, pid, pidfd});
    if (outcome.error != 0)
        return outcome.error;
    if (pid != nullptr)
        *pid = outcome.pid;
    if (pidfd != nullptr)
        *pidfd = outcome.pidfd;
    return 0;
}
