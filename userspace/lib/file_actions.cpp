// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_actions.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "errno_guard.hpp"
#include "memory.hpp"

namespace {

using kspawn::internal::ErrnoGuard;
using kspawn::internal::Free;
using kspawn::internal::resize;
using kspawn::internal::file_actions::actions_of;
using kspawn::internal::file_actions::magic;
using kspawn::internal::file_actions::valid;

using Text = std::unique_ptr<char, Free>;

constexpr unsigned first_capacity = 8;
constexpr unsigned max_capacity = std::numeric_limits<unsigned>::max() / sizeof(kspawn_action);

// As glibc has it: negative, or not below the limit of the moment.
bool possible_descriptor(int descriptor) noexcept {
    if (descriptor < 0)
        return false;
    const long limit = ::sysconf(_SC_OPEN_MAX);
    return limit < 0 || descriptor < limit;
}

int grow(kspawn_spawn_file_actions_t& object) noexcept {
    auto& own = object.private_members;
    if (own.capacity >= max_capacity)
        return ENOMEM;
    unsigned capacity = first_capacity;
    if (own.capacity > max_capacity / 2)
        capacity = max_capacity;
    else if (own.capacity != 0)
        capacity = own.capacity * 2;
    void* const memory = resize(own.actions, capacity * sizeof(kspawn_action));
    if (memory == nullptr)
        return ENOMEM;
    own.actions = memory;
    own.capacity = capacity;
    return 0;
}

int append(kspawn_spawn_file_actions_t& object, const kspawn_action& action) noexcept {
    auto& own = object.private_members;
    if (own.count == own.capacity) {
        if (const int error = grow(object); error != 0)
            return error;
    }
    static_cast<kspawn_action*>(own.actions)[own.count++] = action;
    return 0;
}

int append_with_path(kspawn_spawn_file_actions_t& object, kspawn_action action,
                     const char* path) noexcept {
    Text copy{::strdup(path)};
    if (!copy)
        return ENOMEM;
    action.path = reinterpret_cast<std::uintptr_t>(copy.get());
    const int error = append(object, action);
    if (error == 0)
        static_cast<void>(copy.release()); // the object's now
    return error;
}

// One that the library itself has to say otherwise.
int append_composite(kspawn_spawn_file_actions_t& object, const kspawn_action& action) noexcept {
    const int error = append(object, action);
    if (error == 0)
        ++object.private_members.composite;
    return error;
}

// The actions that are a descriptor and nothing more.
int append_descriptor(kspawn_spawn_file_actions_t* object, unsigned operation,
                      int descriptor) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(object))
        return EINVAL;
    if (!possible_descriptor(descriptor))
        return EBADF;
    kspawn_action action{};
    action.op = operation;
    action.fd = descriptor;
    return append(*object, action);
}

} // namespace

int kspawn_spawn_file_actions_init(kspawn_spawn_file_actions_t* file_actions) noexcept {
    if (file_actions == nullptr)
        return EINVAL;
    *file_actions = {};
    file_actions->private_members.magic = magic;
    return 0;
}

int kspawn_spawn_file_actions_destroy(kspawn_spawn_file_actions_t* file_actions) noexcept {
    if (!valid(file_actions))
        return EINVAL;
    for (const auto& action : actions_of(*file_actions))
        Free{}(reinterpret_cast<void*>(static_cast<std::uintptr_t>(action.path)));
    Free{}(file_actions->private_members.actions);
    *file_actions = {};
    return 0;
}

int kspawn_spawn_file_actions_addopen(kspawn_spawn_file_actions_t* file_actions, int fd,
                                      const char* path, int oflag, mode_t mode) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(file_actions) || path == nullptr)
        return EINVAL;
    if (!possible_descriptor(fd))
        return EBADF;
    kspawn_action action{};
    action.op = KSPAWN_ACTION_OPEN;
    action.fd = fd;
    action.dirfd = AT_FDCWD;
    // The kernel refuses a flag that it does not know; open() passes over it.
    action.oflag = static_cast<unsigned>(oflag) & kspawn::internal::file_actions::known_open_flags;
    // The kernel refuses a mode that has no meaning; open() passes over it.
    // O_TMPFILE shares a bit with O_DIRECTORY, which creates nothing.
    if ((oflag & O_CREAT) != 0 || (oflag & O_TMPFILE) == O_TMPFILE)
        action.mode = mode & (S_ISUID | S_ISGID | S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO);
    return append_with_path(*file_actions, action, path);
}

int kspawn_spawn_file_actions_addclose(kspawn_spawn_file_actions_t* file_actions, int fd) noexcept {
    return append_descriptor(file_actions, KSPAWN_ACTION_CLOSE, fd);
}

int kspawn_spawn_file_actions_adddup2(kspawn_spawn_file_actions_t* file_actions, int fd,
                                      int newfd) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(file_actions))
        return EINVAL;
    if (!possible_descriptor(fd) || !possible_descriptor(newfd))
        return EBADF;
    kspawn_action action{};
    action.op = KSPAWN_ACTION_DUP2;
    action.fd = fd;
    action.newfd = newfd;
    return append(*file_actions, action);
}

int kspawn_spawn_file_actions_addchdir(kspawn_spawn_file_actions_t* file_actions,
                                       const char* path) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(file_actions) || path == nullptr)
        return EINVAL;
    kspawn_action action{};
    action.op = KSPAWN_ACTION_CHDIR;
    action.dirfd = AT_FDCWD;
    return append_with_path(*file_actions, action, path);
}

int kspawn_spawn_file_actions_addchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                          const char* path) noexcept {
    return kspawn_spawn_file_actions_addchdir(file_actions, path);
}

int kspawn_spawn_file_actions_addfchdir(kspawn_spawn_file_actions_t* file_actions,
                                        int fd) noexcept {
    return append_descriptor(file_actions, KSPAWN_ACTION_FCHDIR, fd);
}

int kspawn_spawn_file_actions_addfchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                           int fd) noexcept {
    return kspawn_spawn_file_actions_addfchdir(file_actions, fd);
}

int kspawn_spawn_file_actions_addclosefrom_np(kspawn_spawn_file_actions_t* file_actions,
                                              int from) noexcept {
    return append_descriptor(file_actions, KSPAWN_ACTION_CLOSEFROM, from);
}

int kspawn_spawn_file_actions_addtcsetpgrp_np(kspawn_spawn_file_actions_t* file_actions,
                                              int tcfd) noexcept {
    return append_descriptor(file_actions, KSPAWN_ACTION_TCSETPGRP, tcfd);
}

int kspawn_spawn_file_actions_addinherit_np(kspawn_spawn_file_actions_t* file_actions,
                                            int fd) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(file_actions))
        return EINVAL;
    if (!possible_descriptor(fd))
        return EBADF;
    kspawn_action action{};
    action.op = kspawn::internal::file_actions::inherit;
    action.fd = fd;
    return append_composite(*file_actions, action);
}

int kspawn_spawn_file_actions_addclose_range_np(kspawn_spawn_file_actions_t* file_actions,
                                                int first, int last) noexcept {
    const ErrnoGuard keep_errno;
    if (!valid(file_actions))
        return EINVAL;
    if (!possible_descriptor(first) || last < 0)
        return EBADF;
    if (last < first)
        return EINVAL;
    kspawn_action action{};
    action.op = kspawn::internal::file_actions::close_range;
    action.fd = first;
    action.newfd = last;
    return append_composite(*file_actions, action);
}
