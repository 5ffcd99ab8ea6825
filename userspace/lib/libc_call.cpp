// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel does in one call, through libc: the start, and what goes with it.
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "backend.hpp"
#include "cancel_guard.hpp"
#include "completion.hpp"
#include "errno_guard.hpp"

namespace kspawn::internal {

namespace {

Outcome refuse_completion(int error) noexcept {
    return {0, -1, error, KSPAWN_FAILURE_REQUEST, KSPAWN_FAILURE_PART_COMPLETION};
}

Outcome start_and_post(const Request& request) noexcept {
    if (!completion::is_of_libc(request.completion))
        return refuse_completion(EBADF);
    if (!completion::has_room(request.completion))
        return refuse_completion(EAGAIN);
    const Outcome outcome = start_by_libc(request);
    if (outcome.error == 0)
        completion::post(request.completion, {.cookie = request.cookie,
                                              .pid = outcome.pid,
                                              .error = 0,
                                              .step = KSPAWN_FAILURE_NONE,
                                              .index = 0});
    return outcome;
}

/// All signals blocked, as they are for the kernel's call.
class AllBlocked {
public:
    AllBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllBlocked(const AllBlocked&) = delete;
    AllBlocked& operator=(const AllBlocked&) = delete;
    AllBlocked(AllBlocked&&) = delete;
    AllBlocked& operator=(AllBlocked&&) = delete;
    ~AllBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }

private:
    sigset_t before_{};
};

Outcome start_with_signals_blocked(Request request) noexcept {
    const AllBlocked blocked;
    kspawn_spawnattr_t attributes;
    if (request.attributes != nullptr)
        attributes = *request.attributes;
    else
        kspawn_spawnattr_init(&attributes);
    auto& flags = attributes.private_members.flags;
    if ((flags & KSPAWN_SPAWN_SETSIGMASK) == 0) {
        flags |= KSPAWN_SPAWN_SETSIGMASK;
        kspawn_spawnattr_setsigmask(&attributes, &blocked.before());
    }
    request.attributes = &attributes;
    const Outcome outcome = start_by_libc(request);
    if (outcome.error == 0)
        store(request, outcome);
    return outcome;
}

Outcome start_and_wait(const Request& request) noexcept {
    Outcome outcome = start_with_signals_blocked(request);
    if (outcome.error != 0)
        return outcome;
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    if (::wait4(outcome.pid, &outcome.status, 0, request.usage) < 0) {
        outcome.error = errno;
        outcome.step = KSPAWN_FAILURE_WAIT;
    }
    return outcome;
}

} // namespace

Outcome call_by_libc(const Request& request) noexcept {
    switch (request.returns) {
    case When::executed:
        break;
    case When::created:
        return start_and_post(request);
    case When::ended:
        return start_and_wait(request);
    }
    return start_by_libc(request);
}

} // namespace kspawn::internal
