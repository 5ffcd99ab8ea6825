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
using kspawn::internal::Result;
using kspawn::internal::When;

namespace {

bool valid(const kspawn_spawn_file_actions_t* file_actions,
           const kspawn_spawnattr_t* attributes) noexcept {
    return (file_actions == nullptr || kspawn::internal::file_actions::valid(file_actions)) &&
           (attributes == nullptr || kspawn::internal::attributes::valid(attributes));
}

Result result_of(const kspawn_event& event) noexcept {
    return Result::failed(event.error, event.step, event.index);
}

} // namespace

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
    if (event == nullptr || buffer == nullptr || size == 0 || !valid(file_actions, attributes))
        return EINVAL;
    *buffer = '\0';
    if (event->error != 0)
        kspawn::internal::failure::describe_in(
            {buffer, size}, {file, search, file_actions, attributes}, result_of(*event));
    return 0;
}

int kspawn_remember_event_np(const kspawn_event* event, const char* file, const char* search,
                             const kspawn_spawn_file_actions_t* file_actions,
                             const kspawn_spawnattr_t* attributes) noexcept {
    if (event == nullptr || !valid(file_actions, attributes))
        return EINVAL;
    if (event->error != 0)
        kspawn::internal::failure::remember({file, search, file_actions, attributes},
                                            result_of(*event));
    return 0;
}
