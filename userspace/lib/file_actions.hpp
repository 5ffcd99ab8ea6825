// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_FILE_ACTIONS_HPP
#define KSPAWN_LIB_FILE_ACTIONS_HPP

#include <fcntl.h>
#include <kspawn/spawn.h>
#include <sys/stat.h>

#include <cstddef>
#include <span>

#include "operations.hpp"

namespace kspawn::internal::file_actions {

/// Marks an object between init and destroy.
inline constexpr unsigned magic = 0x6b736661;

inline bool valid(const kspawn_spawn_file_actions_t* object) noexcept {
    return object != nullptr && object->private_members.magic == magic;
}

/// The actions of a valid object, kept the way the kernel reads them so that a
/// start need not translate them.
inline std::span<kspawn_action> actions_of(const kspawn_spawn_file_actions_t& object) noexcept {
    return {static_cast<kspawn_action*>(object.private_members.actions),
            object.private_members.count};
}

inline kspawn_action make(std::uint32_t op, int fd = 0, int newfd = 0) noexcept {
    kspawn_action action{};
    action.op = op;
    action.fd = fd;
    action.newfd = newfd;
    return action;
}

/// The path stays the caller's.
inline kspawn_action make(std::uint32_t op, const char* path) noexcept {
    auto action = make(op);
    action.dirfd = AT_FDCWD;
    action.path = reinterpret_cast<std::uintptr_t>(path);
    return action;
}

/// The flags that open() knows: VALID_OPEN_FLAGS of the kernel.  O_SYNC includes O_DSYNC, and
/// O_TMPFILE includes O_DIRECTORY; O_LARGEFILE is 0 to glibc.
inline constexpr unsigned known_open_flags =
    O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC |
    O_DIRECT | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE | 0100000U;

/// All that open() heeds beside O_PATH.
inline constexpr unsigned open_flags_of_paths = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// The kernel refuses what open() passes over: unknown flags, those that have no meaning
/// beside O_PATH, and a mode that has none.
inline kspawn_action make(std::uint32_t op, int fd, const char* path, int oflag,
                          mode_t mode) noexcept {
    auto action = make(op, path);
    action.fd = fd;
    const bool is_path = (oflag & O_PATH) != 0;
    action.oflag =
        static_cast<unsigned>(oflag) & (is_path ? open_flags_of_paths : known_open_flags);
    // O_TMPFILE shares a bit with O_DIRECTORY, which creates nothing.
    if (!is_path && ((oflag & O_CREAT) != 0 || (oflag & O_TMPFILE) == O_TMPFILE))
        action.mode = mode & (S_ISUID | S_ISGID | S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO);
    return action;
}

/// Adds an action to an object, with a copy of its path; an error number.
int add(kspawn_spawn_file_actions_t* object, kspawn_action action) noexcept;

/// The same with a copy of data, whose size becomes the action's value.
int add_data(kspawn_spawn_file_actions_t* object, kspawn_action action, const void* data,
             std::size_t size) noexcept;

} // namespace kspawn::internal::file_actions

#endif
