// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/spawn_wait.h>

#include "start.hpp"

using kspawn::internal::Request;
using kspawn::internal::Result;
using kspawn::internal::When;

// NOLINTNEXTLINE(readability-non-const-parameter): start() stores through them.
int kspawn_spawn_wait_np(pid_t* pid, int* pidfd, int* status, struct rusage* usage,
                         const char* file, const char* search,
                         const kspawn_spawn_file_actions_t* file_actions,
                         const kspawn_spawnattr_t* attributes, char* const argv[],
                         char* const envp[]) noexcept {
    Request request{file, search,           file_actions, attributes, argv,
                    envp, pidfd != nullptr, pid,          pidfd,      When::ended};
    request.usage = usage;
    const Result result = kspawn::internal::start(request);
    if (result.error == 0 && status != nullptr)
        *status = result.status;
    return result.error;
}
