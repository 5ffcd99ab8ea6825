// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_actions.hpp"

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
    if (fields_of(action) != Fields::path && fields_of(action) != Fields::state &&
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

// Adds an action, whose path or data the object gets.
int add_owned(kspawn_spawn_file_actions_t& object, kspawn_action action, Text text) noexcept {
    auto& own = object.private_members;
    if (own.count == own.capacity) {
        if (const int error = grow(object); error != 0)
            return error;
    }
    action.path = reinterpret_cast<std::uintptr_t>(text.release()); // the object's now
    static_cast<kspawn_action*>(own.actions)[own.count++] = action;
    return 0;
}

int check(const kspawn_spawn_file_actions_t* object, const kspawn_action& action) noexcept {
    return valid(object) ? check_descriptors(action) : EINVAL;
}

} // namespace

namespace kspawn::internal::file_actions {

int add(kspawn_spawn_file_actions_t* object, kspawn_action action) noexcept {
    const ErrnoGuard keep_errno;
    if (const int error = check(object, action); error != 0)
        return error;
    Text path{action.path != 0 ? ::strdup(path_of(action)) : nullptr};
    if (action.path != 0 && !path)
        return ENOMEM;
    return add_owned(*object, action, std::move(path));
}

int add_data(kspawn_spawn_file_actions_t* object, kspawn_action action, const void* data,
             std::size_t size) noexcept {
    const ErrnoGuard keep_errno;
    if (const int error = check(object, action); error != 0)
        return error;
    Text copy{size != 0 ? static_cast<char*>(resize(nullptr, size)) : nullptr};
    if (size != 0 && !copy)
        return ENOMEM;
    if (copy)
        std::memcpy(copy.get(), data, size);
    action.value = size;
    return add_owned(*object, action, std::move(copy));
}

} // namespace kspawn::internal::file_actions

using kspawn::internal::file_actions::add;

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
