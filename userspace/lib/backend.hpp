// SPDX-License-Identifier: LGPL-2.1-or-later
/// The argument and the result of a way to start programs, and the choice between ways.
#ifndef KSPAWN_LIB_BACKEND_HPP
#define KSPAWN_LIB_BACKEND_HPP

#include <kspawn/backend.h>
#include <kspawn/spawn.h>
#include <kspawn/uapi.h>

#include <cassert>
#include <cerrno>
#include <cstdint>

struct rusage;

namespace kspawn::internal {

class Suspects;

/// When a call returns that starts a program.
enum class When {
    executed, ///< the program has been executed, or cannot be
    created,  ///< there is a child; the rest is told by a completion descriptor
    ended,    ///< the child has ended
};

/// A program to start, and how.  Nothing in it is owned; the objects are valid or null.
struct Request {
    const char* path = nullptr;
    const char* search = nullptr; ///< directories for a path without '/'; null: no search
    const kspawn_spawn_file_actions_t* file_actions = nullptr;
    const kspawn_spawnattr_t* attributes = nullptr;
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    bool pidfd = false; ///< a pidfd is wanted
    /// Where the caller wants them.  The kernel stores them before a signal handler
    /// of the calling thread can run; a start through libc stores them after it.
    int* pid_at = nullptr;
    int* pidfd_at = nullptr;
    When returns = When::executed;
    int completion = -1;            ///< When::created: where the event goes
    std::uint64_t cookie = 0;       ///< When::created: what it says
    struct rusage* usage = nullptr; ///< When::ended: what the child has used; null: not wanted
    int program = -1;               ///< a descriptor of it, in place of the path; -1: none
    int start = -1;                 ///< which of a batch, from 0; -1: of none
};

/// The result of a start, as the kernel tells it, and what else there is to say.  The pidfd
/// is the receiver's.
struct Result : kspawn_result {
    // The analyzer does not see that {} sets all of a base.
    Result() noexcept : kspawn_result{} {
        pid = 0;
        pidfd = -1;
        error = 0;
        step = KSPAWN_STEP_NONE;
        index = 0;
        status = 0;
    }
    static Result failed(int error, unsigned step, unsigned index = 0) noexcept {
        assert(error != 0); // which would be a success without a child
        Result result;
        result.error = error;
        result.step = step;
        result.index = index;
        return result;
    }
    static Result started(int pid, int pidfd) noexcept {
        Result result;
        result.pid = pid;
        result.pidfd = pidfd;
        return result;
    }

    /// Why the kernel did not do it, if libc was asked instead: an error of the
    /// device, or EPERM for seccomp.  0: it did, or nobody wanted it to.
    int no_kernel = 0;
    /// The step of that: KSPAWN_STEP_DEVICE, KSPAWN_STEP_POLICY or KSPAWN_STEP_BATCH.
    unsigned no_kernel_step = KSPAWN_STEP_NONE;
    /// ENOTSUP without an attribute of its own: what libc cannot do.  Static.
    const char* unsupported = nullptr;
    /// KSPAWN_STEP_LIBC: the steps that it can have been.
    const Suspects* suspects = nullptr;
};

/// Puts the child where the caller wants it.
inline void store(const Request& request, const Result& result) noexcept {
    if (request.pid_at != nullptr)
        *request.pid_at = result.pid;
    if (request.pidfd_at != nullptr)
        *request.pidfd_at = result.pidfd;
}

/// Through /dev/kspawn.
Result start_by_kernel(const Request& request) noexcept;

/// Through posix_spawn(), which returns at When::executed.
Result start_by_libc(const Request& request) noexcept;

/// The same, with all that a request asks for; stores the child, as the kernel does.
Result call_by_libc(const Request& request) noexcept;

/// Through the one that kspawn_get_backend() and the circumstances ask for.
Result start_by_choice(const Request& request) noexcept;

/// The first half of it: asks the kernel, if kspawn_get_backend() lets it be asked.
/// Returns whether the result is the answer.  If it is not, libc is to be asked, and the
/// result says why the kernel was of no use; error 0: nobody wanted it.
bool kernel_answers(const Request& request, Result& result) noexcept;

/// Whether the kernel has not looked at a request because it cannot or will not
/// serve this caller at all, so that it may be taken elsewhere.
inline bool turned_away(const Result& result) noexcept {
    return result.step == KSPAWN_STEP_DEVICE || result.step == KSPAWN_STEP_POLICY;
}

} // namespace kspawn::internal

#endif
