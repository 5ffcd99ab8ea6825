// SPDX-License-Identifier: LGPL-2.1-or-later
// Each step is asked whether it can have an error.  Most answers follow from the
// error and the step alone, or from what the files and descriptors in question are
// like.  The steps stand in their order: if one must have failed, those after it have
// not been tried.
#include "suspects.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <string_view>

#include "errno_guard.hpp"
#include "file_actions.hpp"
#include "libc_features.hpp"
#include "libc_search.hpp"
#include "open_descriptors.hpp"

namespace kspawn::internal {

namespace {

enum class Suspicion {
    never,
    hardly, // only if nobody else comes into question
    may,
    must
};

constinit thread_local Suspects suspects_of_this_thread{};

Suspicion must_if(bool condition) noexcept {
    return condition ? Suspicion::must : Suspicion::never;
}

Suspicion may_if(bool condition) noexcept {
    return condition ? Suspicion::may : Suspicion::never;
}

// Errors of looking up a path, which the same look-up shows again.
bool is_of_a_path(int error) noexcept {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
        return true;
    default:
        return false;
    }
}

/// All that the questions are about.
class Inquiry {
public:
    Inquiry(const Request& request, int error) noexcept
        : request_(request), error_(error),
          flags_(request.attributes != nullptr ? request.attributes->private_members.flags : 0) {
        if (request.file_actions != nullptr)
            actions_ = file_actions::actions_of(*request.file_actions);
    }

    /// Fills in who has at least this against him.
    void run(Suspects& suspects, Suspicion least) noexcept {
        const auto consider = [&](unsigned step, unsigned index, Suspicion suspicion) {
            if (!settled_ && suspicion >= least)
                suspects.add({step, index});
            settled_ = settled_ || suspicion == Suspicion::must;
        };
        consider(KSPAWN_STEP_DESCRIPTORS, 0, of_descriptors());
        consider(KSPAWN_STEP_CLONE, 0, of_clone());
        static constexpr std::array<unsigned, 4> in_order{
            KSPAWN_SPAWN_SETCGROUP, KSPAWN_SPAWN_SETSCHEDPARAM, KSPAWN_SPAWN_SETSCHEDULER,
            KSPAWN_SPAWN_SETPGROUP};
        for (const unsigned flag : in_order) {
            if ((flags_ & flag) != 0 && !settled_)
                consider(KSPAWN_STEP_ATTRIBUTE, flag, of_attribute(flag));
        }
        for (unsigned index = 0; index < actions_.size() && !settled_; ++index)
            consider(KSPAWN_STEP_ACTION, index, of_action(index));
        if (!settled_)
            consider(KSPAWN_STEP_EXEC, 0, of_exec());
    }

private:
    // musl's pipe for the child's error.
    [[nodiscard]] Suspicion of_descriptors() const noexcept {
        return may_if(!KSPAWN_IS_GLIBC && (error_ == EMFILE || error_ == ENFILE));
    }

    [[nodiscard]] Suspicion of_clone() const noexcept {
        switch (error_) {
        case EAGAIN:
        case ENOMEM:
            return Suspicion::may;
        case ENOSPC: // nested pid namespaces
        case EPERM:  // a seccomp filter
            return Suspicion::hardly;
        default:
            return Suspicion::never;
        }
    }

    [[nodiscard]] Suspicion of_attribute(unsigned flag) const noexcept {
        const auto& own = request_.attributes->private_members;
        switch (flag) {
        case KSPAWN_SPAWN_SETCGROUP:
            return of_cgroup(own.cgroup);
        case KSPAWN_SPAWN_SETSCHEDPARAM:
            // The other flag's value goes with it.
            if ((flags_ & KSPAWN_SPAWN_SETSCHEDULER) != 0)
                return Suspicion::never;
            return of_scheduling(::sched_getscheduler(0), own.sched_priority);
        case KSPAWN_SPAWN_SETSCHEDULER:
            return of_scheduling(own.sched_policy, own.sched_priority);
        default:
            return of_group(own.pgroup);
        }
    }

    [[nodiscard]] Suspicion of_cgroup(int descriptor) const noexcept {
        if (!is_open(descriptor))
            return must_if(error_ == EBADF);
        switch (error_) {
        case EBADF: // it is something else
        case EBUSY:
        case ENODEV:
        case EOPNOTSUPP:
            return Suspicion::may;
        case EACCES:
        case ENOENT:
            return Suspicion::hardly;
        default:
            return Suspicion::never;
        }
    }

    [[nodiscard]] Suspicion of_scheduling(int policy, int priority) const noexcept {
        if (error_ == EINVAL) {
            const int kind = policy & ~SCHED_RESET_ON_FORK;
            return must_if(priority < ::sched_get_priority_min(kind) ||
                           priority > ::sched_get_priority_max(kind));
        }
        return may_if(error_ == EPERM);
    }

    [[nodiscard]] Suspicion of_group(pid_t group) const noexcept {
        if (group < 0)
            return must_if(error_ == EINVAL);
        if ((flags_ & KSPAWN_SPAWN_SETSID) != 0) // a leader stays where it is
            return must_if(error_ == EPERM);
        if (group == 0 || error_ != EPERM)
            return Suspicion::never;
        if (!has_members(group))
            return Suspicion::must;
        // One of another session is refused as well.
        const pid_t session = ::getsid(group);
        const pid_t own = ::getsid(0);
        // The group's leader has gone, or two sessions, perhaps not one, began in a pid
        // namespace outside.
        if (session < 0 || (session == 0 && own == 0))
            return Suspicion::may;
        return session == own ? Suspicion::hardly : Suspicion::must;
    }

    // kill(-1) is for everybody.  Group 1 has init in it, or is not there.
    [[nodiscard]] static bool has_members(pid_t group) noexcept {
        if (group == 1)
            return ::getpgid(1) == 1;
        return ::kill(-group, 0) == 0 || errno != ESRCH;
    }

    // The state in which an action finds a number: descriptors come and go before it.
    [[nodiscard]] Slot slot_at(int descriptor, unsigned index) const noexcept {
        return slot(actions_.first(index), descriptor);
    }

    [[nodiscard]] Suspicion of_action(unsigned index) const noexcept {
        const auto& action = actions_[index];
        switch (action.op) {
        case KSPAWN_ACTION_OPEN:
            return of_open(action, index);
        case KSPAWN_ACTION_CLOSE:
            return must_if(error_ == EBADF && above_the_limit(action.fd));
        case KSPAWN_ACTION_DUP2:
            return must_if(error_ == EBADF && (slot_at(action.fd, index) == Slot::empty ||
                                               above_the_limit(action.newfd)));
        case KSPAWN_ACTION_PASS: // of a number that nothing before it has changed
            return must_if(error_ == EBADF &&
                           (!is_open(action.fd) || above_the_limit(action.newfd)));
        case KSPAWN_ACTION_CHDIR:
            return of_chdir(action, index);
        case KSPAWN_ACTION_FCHDIR:
            return of_fchdir(action.fd, index);
        case KSPAWN_ACTION_TCSETPGRP:
            return of_tcsetpgrp(action.fd, index);
        case KSPAWN_ACTION_INHERIT: // closed by another thread just then
            return error_ == EBADF ? Suspicion::hardly : Suspicion::never;
        default:
            return Suspicion::never;
        }
    }

    // Whether we would find by a path what the child found by it.
    [[nodiscard]] bool finds_the_same(std::string_view path, unsigned index) const noexcept {
        for (const std::string_view own :
             {"/proc/self", "/proc/thread-self", "/dev/fd/", "/dev/std"}) {
            if (path.starts_with(own))
                return false;
        }
        if ((flags_ & KSPAWN_SPAWN_RESETIDS) != 0 && error_ == EACCES)
            return false;
        return path.starts_with('/') || !changes_directory(request_, index);
    }

    // By what came of the same look-up just now; 0: it succeeds.
    [[nodiscard]] Suspicion of_look_up(int seen) const noexcept {
        if (seen == error_)
            return Suspicion::must;
        return is_of_a_path(error_) ? Suspicion::hardly : Suspicion::never;
    }

    [[nodiscard]] Suspicion of_chdir(const kspawn_action& action, unsigned index) const noexcept {
        const std::string_view path = path_of(action);
        if (!finds_the_same(path, index))
            return may_if(is_of_a_path(error_) || error_ == ENOMEM || error_ == EIO);
        struct stat status {};
        int seen = ::stat(path.data(), &status) == 0 ? 0 : errno;
        if (seen == 0 && !S_ISDIR(status.st_mode))
            seen = ENOTDIR;
        if (seen == 0 && ::faccessat(AT_FDCWD, path.data(), X_OK, AT_EACCESS) != 0)
            seen = errno;
        return of_look_up(seen);
    }

    [[nodiscard]] Suspicion of_fchdir(int descriptor, unsigned index) const noexcept {
        const auto found = slot_at(descriptor, index);
        if (error_ == EBADF)
            return must_if(found == Slot::empty);
        if (error_ != ENOTDIR && error_ != EACCES)
            return Suspicion::never;
        struct stat status {};
        if (found != Slot::ours || ::fstat(descriptor, &status) != 0)
            return Suspicion::may;
        if (S_ISDIR(status.st_mode))
            return may_if(error_ == EACCES);
        return must_if(error_ == ENOTDIR);
    }

    [[nodiscard]] Suspicion of_tcsetpgrp(int descriptor, unsigned index) const noexcept {
        const auto found = slot_at(descriptor, index);
        switch (error_) {
        case EBADF:
            return must_if(found == Slot::empty);
        case ENOTTY:
            return Suspicion::must; // nothing else has it
        case EIO:
        case EPERM:
        case EINVAL:
            return Suspicion::may;
        default:
            return Suspicion::never;
        }
    }

    [[nodiscard]] Suspicion of_open(const kspawn_action& action, unsigned index) const noexcept {
        const std::string_view path = path_of(action);
        const int flags = static_cast<int>(action.oflag);
        const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
        const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
        switch (error_) {
        case E2BIG:
        case ENOEXEC:
        case EFAULT:
        case ENOTTY:
        case ECHILD:
        case ESRCH:
            return Suspicion::never;
        case EBADF:
            return must_if(above_the_limit(action.fd));
        case EPERM:
            return may_if(writes || (flags & O_NOATIME) != 0);
        case ENOSPC:
        case EDQUOT:
            return may_if(creates || (flags & O_TRUNC) != 0);
        default:
            break;
        }
        if (!finds_the_same(path, index))
            return Suspicion::may;
        struct stat status {};
        const bool there = ::lstat(path.data(), &status) == 0;
        if (there && S_ISLNK(status.st_mode) && (flags & O_NOFOLLOW) != 0)
            return must_if(error_ == ELOOP || error_ == ENOTDIR);
        if (there && creates && (flags & O_EXCL) != 0)
            return must_if(error_ == EEXIST);
        if (!there && (flags & O_CREAT) != 0)
            return of_look_up(look_at_directory_of(path));
        const int found = ::stat(path.data(), &status) == 0 ? 0 : errno;
        if (found != 0) {
            // The name of a file that is not there may be that of one to be created.
            return creates ? Suspicion::may : of_look_up(found);
        }
        if (S_ISDIR(status.st_mode) && writes && (flags & O_TMPFILE) != O_TMPFILE)
            return must_if(error_ == EISDIR);
        if (!S_ISDIR(status.st_mode) && (flags & O_DIRECTORY) != 0)
            return must_if(error_ == ENOTDIR);
        if (const int denied = access(path.data(), flags); denied != 0)
            return of_look_up(denied);
        return of_file(status.st_mode, flags, writes);
    }

    // It is there, and may be opened.
    [[nodiscard]] Suspicion of_file(mode_t mode, int flags, bool writes) const noexcept {
        if (is_of_a_path(error_))
            return Suspicion::hardly;
        const bool plain = S_ISREG(mode) || S_ISDIR(mode);
        constexpr int common =
            O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        switch (error_) {
        case EEXIST:
        case EISDIR:
            return Suspicion::never;
        case EINVAL:
            return may_if(!plain || (flags & ~common) != 0 || (flags & O_ACCMODE) == O_ACCMODE);
        case EAGAIN: // a lease
            return may_if(!plain || (flags & O_NONBLOCK) != 0);
        case ETXTBSY:
        case EROFS:
            return may_if(writes);
        case ENXIO:
        case ENODEV:
        case EBUSY:
            return may_if(!plain);
        default:
            return Suspicion::may;
        }
    }

    static int access(const char* path, int flags) noexcept {
        int mode = F_OK;
        if ((flags & O_PATH) == 0) {
            const int kind = flags & O_ACCMODE;
            mode = kind == O_RDONLY ? R_OK : kind == O_WRONLY ? W_OK : R_OK | W_OK;
        }
        return ::faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
    }

    // Whether a file can be made in the directory of a path.
    static int look_at_directory_of(std::string_view path) noexcept {
        std::array<char, PATH_MAX> directory{};
        const auto slash = path.rfind('/');
        const auto parent =
            slash == std::string_view::npos ? std::string_view(".") : path.substr(0, slash + 1);
        if (path.empty())
            return ENOENT;
        if (path.size() >= directory.size() || path.size() - parent.size() > NAME_MAX)
            return ENAMETOOLONG;
        parent.copy(directory.data(), parent.size());
        return ::faccessat(AT_FDCWD, directory.data(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
    }

    [[nodiscard]] Suspicion of_exec() const noexcept {
        switch (error_) {
        case E2BIG:
        case ENOEXEC:
        case EFAULT: // the actions' paths are copies
            return Suspicion::must;
        case EBADF:
        case ENOTTY:
        case EEXIST:
            return Suspicion::never;
        case EAGAIN: // RLIMIT_NPROC, if the caller was above it as it changed its user
            return Suspicion::hardly;
        case ENOMEM:
        case ENFILE:
        case ETXTBSY:
        case ECHILD: // of a search that could not even begin
        case ELIBBAD:
        case EIO:
            return Suspicion::may;
        case EPERM:
            return is_privileged() ? Suspicion::may : Suspicion::hardly;
        default:
            break;
        }
        return is_of_a_path(error_) ? of_program() : Suspicion::hardly;
    }

    [[nodiscard]] bool is_searched_for() const noexcept {
        return request_.search != nullptr && std::strchr(request_.path, '/') == nullptr;
    }

    // Whether it is found, and can be executed.
    [[nodiscard]] Suspicion of_program() const noexcept {
        if (is_searched_for()) {
            Search search;
            const int seen = search.find(request_);
            if ((flags_ & KSPAWN_SPAWN_RESETIDS) != 0 && error_ == EACCES)
                return Suspicion::may;
            return of_found(seen);
        }
        if (!finds_the_same(request_.path, UINT_MAX))
            return Suspicion::may;
        return of_found(look_at_program(request_.path));
    }

    [[nodiscard]] Suspicion of_found(int seen) const noexcept {
        if (seen == error_)
            return Suspicion::must;
        // If it is found, it can have been the interpreter, or a mount without exec.
        return seen == ENOTSUP ? Suspicion::may : Suspicion::hardly;
    }

    [[nodiscard]] bool is_privileged() const noexcept {
        struct stat status {};
        if (is_searched_for() || ::stat(request_.path, &status) != 0)
            return true; // it is not known
        return (status.st_mode & (S_ISUID | S_ISGID)) != 0 ||
               ::getxattr(request_.path, "security.capability", nullptr, 0) > 0;
    }

    const Request& request_;
    int error_;
    unsigned flags_;
    std::span<const kspawn_action> actions_;
    bool settled_ = false;
};

} // namespace

Result blame(const Request& request, int error) noexcept {
    const ErrnoGuard keep_errno;
    auto& suspects = suspects_of_this_thread;
    for (const auto least : {Suspicion::may, Suspicion::hardly}) {
        suspects = {};
        Inquiry{request, error}.run(suspects, least);
        if (suspects.count() != 0)
            break;
    }
    auto result = Result::failed(error, KSPAWN_STEP_LIBC);
    if (suspects.count() == 1) {
        result.step = suspects.known().front().step;
        result.index = suspects.known().front().index;
    } else {
        result.suspects = &suspects;
    }
    return result;
}

} // namespace kspawn::internal
