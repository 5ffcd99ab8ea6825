// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/spawn_async.h>

#include <cerrno>
#include <span>

#include "attributes.hpp"
#include "errno_guard.hpp"
#include "failure.hpp"
#include "file_actions.hpp"
#include "start.hpp"

using kspawn::internal::Request;
using kspawn::internal::When;

// NOLINTNEXTLINE(readability-non-const-parameter): start() stores through them.
int kspawn_spawn_async_np(pid_t* pid, int* pidfd, int completion, unsigned long long cookie,
                          const char* file, const char* search,
                          const kspawn_spawn_file_actions_t* file_actions,
                          const kspawn_spawnattr_t* attributes, char* const argv[],
                          char* const envp[]) noexcept {
    Request request{file, search,           file_actions, attributes, argv,
                    envp, pidfd != nullptr, pid,          pidfd,      When::created};
    request.completion = completion;
    request.cookie = cookie;
    return kspawn::internal::start(request).error;
}

int kspawn_strevent_np(const kspawn_event* event, const char* file, const char* search,
                       const kspawn_spawn_file_actions_t* file_actions,
                       const kspawn_spawnattr_t* attributes, char* buffer, size_t size) noexcept {
    const kspawn::internal::ErrnoGuard keep_errno;
    if (event == nullptr || buffer == nullptr || size == 0)
        return EINVAL;
    if ((file_actions != nullptr && !kspawn::internal::file_actions::valid(file_actions)) ||
        (attributes != nullptr && !kspawn::internal::attributes::valid(attributes)))
        return EINVAL;
    *buffer = '\0';
    if (event->error != 0)
        kspawn::internal::failure::describe_in(
            {buffer, size}, {file, search, file_actions, attributes, nullptr, nullptr, false},
            kspawn::internal::Result::failed(event->error, event->step, event->index));
    return 0;
}
