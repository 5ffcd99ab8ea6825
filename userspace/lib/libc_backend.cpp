// SPDX-License-Identifier: LGPL-2.1-or-later
// A start through libc: translate the objects, call posix_spawn(), judge the
// answer, which is an error number and nothing more.
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "attributes.hpp"
#include "backend.hpp"
#include "errno_guard.hpp"
#include "expansion.hpp"
#include "file_actions.hpp"
#include "libc_object.hpp"
#include "libc_pidfd.hpp"
#include "libc_search.hpp"
#include "made_before.hpp"
#include "search_list.hpp"
#include "suspects.hpp"
#include "words.hpp"

// Since glibc 2.39.  Null if this process has an older one.
extern "C" {
int libc_pidfd_spawn(int*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                     char* const[], char* const[]) noexcept __asm__("pidfd_spawn")
    __attribute__((weak));
int libc_pidfd_spawnp(int*, const char*, const posix_spawn_file_actions_t*,
                      const posix_spawnattr_t*, char* const[], char* const[]) noexcept
    __asm__("pidfd_spawnp") __attribute__((weak));
int libc_pidfd_getpid(int) noexcept __asm__("pidfd_getpid") __attribute__((weak));
}

namespace kspawn::internal {

namespace {

int translate(posix_spawn_file_actions_t* to, const kspawn_action& action) noexcept {
    static constexpr auto adders = by_op([](const Operation& operation) { return operation.add; });
    auto* const add = look_up(adders, action.op);
    return add != nullptr ? add(to, action) : ENOTSUP;
}

Result translate(posix_spawn_file_actions_t* to,
                 const kspawn_spawn_file_actions_t& object) noexcept {
    unsigned index = 0;
    for (const auto& action : file_actions::actions_of(object)) {
        if (const int error = translate(to, action); error != 0) {
            // libc refuses a number above the limit on descriptors, at which no descriptor
            // can be open: there is nothing to close.
            if (error != EBADF || action.op != KSPAWN_ACTION_CLOSE)
                return Result::failed(error, KSPAWN_STEP_ACTION, index);
        }
        ++index;
    }
    return {};
}

Result translate(posix_spawnattr_t* to, const kspawn_spawnattr_t& object) noexcept {
    const auto& own = object.private_members;
    // An Expansion does what one of them asks for.
    const unsigned flags = own.flags & ~static_cast<unsigned>(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    for (const auto& attribute : attributes::attributes) {
        if ((flags & attribute.flag) != 0 &&
            (attribute.add == nullptr || attribute.add(to, own) != 0))
            return Result::failed(ENOTSUP, KSPAWN_STEP_ATTRIBUTE, attribute.flag);
    }
    // The values of the flags are libc's, but a newer flag than it knows.
    if (::posix_spawnattr_setflags(to, static_cast<short>(flags)) != 0)
        return Result::failed(ENOTSUP, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES);
    return {};
}

bool is_path_of_environment(const char* search) noexcept {
    // Without PATH, libc's list is the one that the library takes.
    return std::string_view(search) == search_list();
}

struct Call {
    const char* path;
    bool search;
    const posix_spawn_file_actions_t* file_actions;
    const posix_spawnattr_t* attributes;
    char* const* argv;
    char* const* envp;
};

int call_posix_spawn(const Call& call, pid_t& pid) noexcept {
    return (call.search ? ::posix_spawnp : ::posix_spawn)(&pid, call.path, call.file_actions,
                                                          call.attributes, call.argv, call.envp);
}

bool libc_returns_pidfds() noexcept {
    return libc_pidfd_spawn != nullptr && libc_pidfd_spawnp != nullptr &&
           libc_pidfd_getpid != nullptr;
}

// Whether a number is asked for, which libc's pidfd_spawn() does not return.
bool needs_number(const Request& request) noexcept {
    return request.pid_at != nullptr || request.returns != When::executed;
}

Result start_with_pidfd_of_libc(const Request& request, const Call& call) noexcept {
    int pidfd = -1;
    const int error = (call.search ? libc_pidfd_spawnp : libc_pidfd_spawn)(
        &pidfd, call.path, call.file_actions, call.attributes, call.argv, call.envp);
    if (error != 0)
        return blame(request, error);
    pid_t pid = 0;
    if (needs_number(request)) {
        if (const int missing = libc_pidfd::number_of(pidfd, libc_pidfd_getpid, pid); missing != 0)
            return Result::failed(missing, KSPAWN_STEP_PIDFD);
    }
    return Result::started(pid, pidfd);
}

Result start_with_pidfd(const Request& request, const Call& call) noexcept {
    // pidfd_getpid() reads a file of /proc.  Where it cannot, the child is started by its
    // number, as by a libc that has no pidfd_spawn().
    if (libc_returns_pidfds() &&
        (!needs_number(request) || libc_pidfd::numbers_are_told(libc_pidfd_getpid)))
        return start_with_pidfd_of_libc(request, call);
    if (const int error = libc_pidfd::check_room(); error != 0)
        return Result::failed(error, KSPAWN_STEP_PIDFD);
    pid_t pid = 0;
    if (const int error = call_posix_spawn(call, pid); error != 0)
        return blame(request, error);
    int pidfd = -1;
    if (const int error = libc_pidfd::open(pid, pidfd); error != 0)
        return Result::failed(error, KSPAWN_STEP_PIDFD);
    return Result::started(pid, pidfd);
}

// `said` is what the caller asked for, `request` the same in actions that libc has.
Result start(const Request& request, const Request& said, const Expansion* expansion) noexcept {
    // libc would follow it.
    if (request.path == nullptr)
        return Result::failed(EFAULT, KSPAWN_STEP_COPY, KSPAWN_ARG_PATH);

    // libc counts the arguments, and a program without any is what the kernel
    // warns about; with /dev/kspawn it sees one empty string.
    static char nothing[] = "";
    static char* const no_arguments[] = {nothing, nullptr};
    static char* const no_environment[] = {nullptr};
    Call call{};
    call.path = request.path;
    call.argv = request.argv == nullptr || *request.argv == nullptr ? no_arguments : request.argv;
    call.envp = request.envp == nullptr ? no_environment : request.envp;

    LibcObject<posix_spawn_file_actions_t> file_actions{::posix_spawn_file_actions_init,
                                                        ::posix_spawn_file_actions_destroy};
    LibcObject<posix_spawnattr_t> attributes{::posix_spawnattr_init, ::posix_spawnattr_destroy};
    if (request.attributes != nullptr && request.attributes->private_members.flags != 0) {
        if (auto result = translate(attributes.get(), *request.attributes); result.error != 0)
            return result;
        call.attributes = attributes.get();
    }
    if (request.file_actions != nullptr &&
        !file_actions::actions_of(*request.file_actions).empty()) {
        if (auto result = translate(file_actions.get(), *request.file_actions); result.error != 0) {
            if (expansion != nullptr)
                result.index = expansion->index_of(result.index);
            return result;
        }
        call.file_actions = file_actions.get();
    }

    Search search;
    if (request.search != nullptr && std::strchr(request.path, '/') == nullptr) {
        call.search = is_path_of_environment(request.search);
        if (!call.search) {
            const int error = search.find(request);
            if (error == ENOTSUP) {
                auto result = Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_SEARCH);
                result.unsupported = "a relative directory in a search list other than PATH, "
                                     "after a file action that changes the directory";
                return result;
            }
            if (error != 0)
                return Result::failed(error, KSPAWN_STEP_EXEC);
            call.path = search.found();
        }
    }

    if (request.pidfd)
        return start_with_pidfd(said, call);
    pid_t pid = 0;
    if (const int error = call_posix_spawn(call, pid); error != 0)
        return blame(said, error);
    return Result::started(pid, -1);
}

// By the name that it has here: the child may close it before.
Result start_descriptor(Request request) noexcept {
    std::array<char, 64> path{};
    Words{path} << "/proc/" << ::getpid() << "/fd/" << std::exchange(request.program, -1);
    request.path = path.data();
    request.search = nullptr;
    return start_by_libc(request);
}

} // namespace

Result start_by_libc(const Request& request) noexcept {
    if (MadeBefore::wanted(request))
        return start_with_made(request, start_by_libc);
    if (request.program >= 0)
        return start_descriptor(request);
    const ErrnoGuard keep_errno;
    const bool named_only =
        request.attributes != nullptr &&
        (request.attributes->private_members.flags & KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP) != 0;
    const Abilities abilities{.closefrom = KSPAWN_LIBC_HAS_CLOSEFROM != 0,
                              .cloexec_default = !named_only};
    if (!needs_expansion(request.file_actions, abilities))
        return start(request, request, nullptr);
    Expansion expansion;
    if (const int error = expansion.make(request.file_actions, abilities); error != 0)
        return error == ENOTSUP ? Result::failed(error, KSPAWN_STEP_ACTION, expansion.refused())
                                : Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS);
    Request expanded = request;
    expanded.file_actions = expansion.get();
    // NOLINTNEXTLINE(readability-suspicious-call-argument)
    return start(expanded, request, &expansion);
}

} // namespace kspawn::internal
