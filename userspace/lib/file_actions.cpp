// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_actions.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "errno_guard.hpp"
#include "memory.hpp"
#include "open_descriptors.hpp"

namespace {

using kspawn::internal::above_the_limit;
using kspawn::internal::ErrnoGuard;
using kspawn::internal::Fields;
using kspawn::internal::fields_of;
using kspawn::internal::Free;
using kspawn::internal::has;
using kspawn::internal::path_of;
using kspawn::internal::resize;
using kspawn::internal::file_actions::actions_of;
using kspawn::internal::file_actions::magic;
using kspawn::internal::file_actions::make;
using kspawn::internal::file_actions::valid;

using Text = std::unique_ptr<char, Free>;

constexpr unsigned first_capacity = 8;
constexpr unsigned max_capacity = std::numeric_limits<unsigned>::max() / sizeof(kspawn_action);

// As glibc has it.
bool possible_descriptor(int descriptor) noexcept {
    return descriptor >= 0 && !above_the_limit(descriptor);
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

// 0, EBADF, or EINVAL.
int check_descriptors(const kspawn_action& action) noexcept {
    const auto fields = fields_of(action);
    if (fields != Fields::path && fields != Fields::newfd && fields != Fields::state &&
        !possible_descriptor(action.fd))
        return EBADF;
    if (action.newfd < 0)
        return EBADF;
    if (has(action, kspawn::internal::makes_newfd) && !possible_descriptor(action.newfd))
        return EBADF;
    if (has(action, kspawn::internal::closes_to_newfd) && action.newfd < action.fd)
        return EINVAL;
    return 0;
}

// Whether what is at the path of an action is the object's.
bool owns_path(const kspawn_action& action) noexcept {
    return action.path != 0 && !has(action, kspawn::internal::stores);
}

// Adds an action, whose path or data, if there is some, the object gets.
int add_owned(kspawn_spawn_file_actions_t& object, kspawn_action action, Text text) noexcept {
    auto& own = object.private_members;
    if (own.count == own.capacity) {
        if (const int error = grow(object); error != 0)
            return error;
    }
    if (text)
        action.path = reinterpret_cast<std::uintptr_t>(text.release()); // the object's now
    static_cast<kspawn_action*>(own.actions)[own.count++] = action;
    return 0;
}

// A copy of that many bytes; none of none, or if there is no memory.
Text copy_of(const void* data, std::size_t size) noexcept {
    Text copy{size != 0 ? static_cast<char*>(resize(nullptr, size)) : nullptr};
    if (copy)
        std::memcpy(copy.get(), data, size);
    return copy;
}

int check(const kspawn_spawn_file_actions_t* object, const kspawn_action& action) noexcept {
    return valid(object) ? check_descriptors(action) : EINVAL;
}

int add_copy(kspawn_spawn_file_actions_t* object, const kspawn_action& action, const void* data,
             std::size_t size) noexcept {
    const ErrnoGuard keep_errno;
    if (const int error = check(object, action); error != 0)
        return error;
    Text copy = copy_of(data, size);
    if (size != 0 && !copy)
        return ENOMEM;
    return add_owned(*object, action, std::move(copy));
}

} // namespace

namespace kspawn::internal::file_actions {

int add(kspawn_spawn_file_actions_t* object, kspawn_action action) noexcept {
    const ErrnoGuard keep_errno;
    if (const int error = check(object, action); error != 0)
        return error;
    Text path;
    if (owns_path(action)) {
        path = Text{::strdup(path_of(action))};
        if (!path)
            return ENOMEM;
    }
    return add_owned(*object, action, std::move(path));
}

int add_data(kspawn_spawn_file_actions_t* object, kspawn_action action, const void* data,
             std::size_t size) noexcept {
    action.value = size;
    return add_copy(object, action, data, size);
}

} // namespace kspawn::internal::file_actions

using kspawn::internal::file_actions::add;

namespace {

// An action whose other end is the caller's.
int add_pair(kspawn_spawn_file_actions_t* object, std::uint32_t op, int newfd, int mode, int oflag,
             int* end) noexcept {
    if (end == nullptr)
        return EINVAL;
    auto action = make(op, 0, newfd);
    action.oflag = static_cast<unsigned>(oflag);
    action.mode = static_cast<unsigned>(mode);
    action.path = reinterpret_cast<std::uintptr_t>(end);
    const int error = add(object, action);
    if (error == 0)
        *end = -1;
    return error;
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
        if (owns_path(action))
            Free{}(reinterpret_cast<void*>(static_cast<std::uintptr_t>(action.path)));
    Free{}(file_actions->private_members.actions);
    *file_actions = {};
    return 0;
}

int kspawn_spawn_file_actions_addopen(kspawn_spawn_file_actions_t* file_actions, int fd,
                                      const char* path, int oflag, mode_t mode) noexcept {
    return path == nullptr ? EINVAL
                           : add(file_actions, make(KSPAWN_ACTION_OPEN, fd, path, oflag, mode));
}

int kspawn_spawn_file_actions_addclose(kspawn_spawn_file_actions_t* file_actions, int fd) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_CLOSE, fd));
}

int kspawn_spawn_file_actions_adddup2(kspawn_spawn_file_actions_t* file_actions, int fd,
                                      int newfd) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_DUP2, fd, newfd));
}

int kspawn_spawn_file_actions_addchdir(kspawn_spawn_file_actions_t* file_actions,
                                       const char* path) noexcept {
    return path == nullptr ? EINVAL : add(file_actions, make(KSPAWN_ACTION_CHDIR, path));
}

int kspawn_spawn_file_actions_addchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                          const char* path) noexcept {
    return kspawn_spawn_file_actions_addchdir(file_actions, path);
}

int kspawn_spawn_file_actions_addfchdir(kspawn_spawn_file_actions_t* file_actions,
                                        int fd) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_FCHDIR, fd));
}

int kspawn_spawn_file_actions_addfchdir_np(kspawn_spawn_file_actions_t* file_actions,
                                           int fd) noexcept {
    return kspawn_spawn_file_actions_addfchdir(file_actions, fd);
}

int kspawn_spawn_file_actions_addclosefrom_np(kspawn_spawn_file_actions_t* file_actions,
                                              int from) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_CLOSEFROM, from));
}

int kspawn_spawn_file_actions_addtcsetpgrp_np(kspawn_spawn_file_actions_t* file_actions,
                                              int tcfd) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_TCSETPGRP, tcfd));
}

int kspawn_spawn_file_actions_addinherit_np(kspawn_spawn_file_actions_t* file_actions,
                                            int fd) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_INHERIT, fd));
}

int kspawn_spawn_file_actions_addclose_range_np(kspawn_spawn_file_actions_t* file_actions,
                                                int first, int last) noexcept {
    return add(file_actions, make(KSPAWN_ACTION_CLOSE_RANGE, first, last));
}

int kspawn_spawn_file_actions_addpass_np(kspawn_spawn_file_actions_t* file_actions, int fd,
                                         int newfd, int oflag) noexcept {
    if ((oflag & ~O_CLOEXEC) != 0)
        return EINVAL;
    auto action = make(KSPAWN_ACTION_PASS, fd, newfd);
    action.oflag = static_cast<unsigned>(oflag);
    return add(file_actions, action);
}

int kspawn_spawn_file_actions_addpipe_np(kspawn_spawn_file_actions_t* file_actions, int newfd,
                                         int direction, int oflag, int* end) noexcept {
    if ((direction != O_RDONLY && direction != O_WRONLY) ||
        (oflag & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0)
        return EINVAL;
    return add_pair(file_actions, KSPAWN_ACTION_PIPE, newfd, direction, oflag, end);
}

int kspawn_spawn_file_actions_addsocketpair_np(kspawn_spawn_file_actions_t* file_actions, int newfd,
                                               int type, int oflag, int* end) noexcept {
    if ((type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) ||
        (oflag & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
        return EINVAL;
    return add_pair(file_actions, KSPAWN_ACTION_SOCKETPAIR, newfd, type, oflag, end);
}

int kspawn_spawn_file_actions_addmemfd_np(kspawn_spawn_file_actions_t* file_actions, int newfd,
                                          const void* contents, size_t size, int oflag) noexcept {
    if ((contents == nullptr && size != 0) || (oflag & ~O_CLOEXEC) != 0)
        return EINVAL;
    if (size > KSPAWN_ACTION_BYTES_MAX)
        return E2BIG;
    auto action = make(KSPAWN_ACTION_MEMFD, 0, newfd);
    action.oflag = static_cast<unsigned>(oflag);
    action.mode = size;
    return add_copy(file_actions, action, contents, size);
}

int kspawn_spawn_file_actions_addnull_np(kspawn_spawn_file_actions_t* file_actions,
                                         int fd) noexcept {
    return kspawn_spawn_file_actions_addopen(file_actions, fd, "/dev/null", O_RDWR, 0);
}

int kspawn_spawn_file_actions_setfallback_np(kspawn_spawn_file_actions_t* file_actions,
                                             int wanted) noexcept {
    if (!valid(file_actions) || (wanted != 0 && wanted != 1))
        return EINVAL;
    file_actions->private_members.fallback = static_cast<unsigned>(wanted);
    return 0;
}
