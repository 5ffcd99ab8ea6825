// SPDX-License-Identifier: LGPL-2.1-or-later
/// The file actions: what user space knows of each, in one place.
///
/// From this table follow the objects' functions, the words of a failure, the
/// translation to libc, the reading of glibc's objects, and what a start through libc
/// has to know of descriptors.
#ifndef KSPAWN_LIB_OPERATIONS_HPP
#define KSPAWN_LIB_OPERATIONS_HPP

#include <kspawn/uapi.h>
#include <spawn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "libc_features.hpp"

namespace kspawn::internal {

/// Which members of struct kspawn_action an operation uses; `open` is fd, path, oflag and
/// mode.  The functions that add one, ours and libc's, take them in this order.
/// `state` is what no libc has: numbers, or data.
enum class Fields : unsigned char { none, fd, fd_newfd, newfd, path, open, state };

/// The effects of an operation on the child; several may hold.
enum Effect : unsigned {
    reads_fd = 1,         ///< fd must be open, and is named; it keeps its flags
    makes_fd = 2,         ///< fd is open, and inherited
    makes_newfd = 4,      ///< newfd is
    closes_fd = 8,        ///< fd is not
    closes_above = 16,    ///< nor is anything above it
    closes_to_newfd = 32, ///< nor is anything from it to newfd
    moves = 64,           ///< the working directory
    is_composite = 128,   ///< no libc has it: an Expansion says it in others
    stores = 256,         ///< a number in memory of the caller's, at path
};

inline const char* path_of(const kspawn_action& action) noexcept {
    return reinterpret_cast<const char*>(static_cast<std::uintptr_t>(action.path));
}

/// Adds an action to an object of libc's; returns what libc does.
using AddToLibc = int(posix_spawn_file_actions_t* to, const kspawn_action& action) noexcept;

template <auto function>
int add_to_libc(posix_spawn_file_actions_t* to, const kspawn_action& action) noexcept {
    const char* const path = path_of(action);
    const auto oflag = static_cast<int>(action.oflag);
    const auto mode = static_cast<mode_t>(action.mode);
    if constexpr (requires { function(to, action.fd, path, oflag, mode); })
        return function(to, action.fd, path, oflag, mode);
    else if constexpr (requires { function(to, action.fd, action.newfd); })
        return function(to, action.fd, action.newfd);
    else if constexpr (requires { function(to, path); })
        return function(to, path);
    else
        return function(to, action.fd);
}

struct Operation {
    std::uint32_t op; ///< KSPAWN_ACTION_*
    std::string_view name;
    Fields fields;
    unsigned effect = 0;      ///< Effect
    int glibc_tag = -1;       ///< its number in glibc's objects; -1: glibc has none
    AddToLibc* add = nullptr; ///< null: this libc has none
};

#if KSPAWN_LIBC_HAS_CHDIR
#define KSPAWN_ADD_IF_CHDIR(function) add_to_libc<function>
#else
#define KSPAWN_ADD_IF_CHDIR(function) nullptr
#endif
#if KSPAWN_LIBC_HAS_CLOSEFROM
#define KSPAWN_ADD_IF_CLOSEFROM(function) add_to_libc<function>
#else
#define KSPAWN_ADD_IF_CLOSEFROM(function) nullptr
#endif
#if KSPAWN_LIBC_HAS_TCSETPGRP
#define KSPAWN_ADD_IF_TCSETPGRP(function) add_to_libc<function>
#else
#define KSPAWN_ADD_IF_TCSETPGRP(function) nullptr
#endif

// Not inline: a library may be linked of parts that are compiled for different libcs.
constexpr std::array operations{
    Operation{KSPAWN_ACTION_OPEN, "open", Fields::open, makes_fd, 2,
              add_to_libc<::posix_spawn_file_actions_addopen>},
    Operation{KSPAWN_ACTION_CLOSE, "close", Fields::fd, closes_fd, 0,
              add_to_libc<::posix_spawn_file_actions_addclose>},
    Operation{KSPAWN_ACTION_DUP2, "dup2", Fields::fd_newfd, reads_fd | makes_newfd, 1,
              add_to_libc<::posix_spawn_file_actions_adddup2>},
    Operation{KSPAWN_ACTION_CHDIR, "chdir", Fields::path, moves, 3,
              KSPAWN_ADD_IF_CHDIR(::posix_spawn_file_actions_addchdir_np)},
    Operation{KSPAWN_ACTION_FCHDIR, "fchdir", Fields::fd, reads_fd | moves, 4,
              KSPAWN_ADD_IF_CHDIR(::posix_spawn_file_actions_addfchdir_np)},
    Operation{KSPAWN_ACTION_CLOSEFROM, "closefrom", Fields::fd, closes_above, 5,
              KSPAWN_ADD_IF_CLOSEFROM(::posix_spawn_file_actions_addclosefrom_np)},
    Operation{KSPAWN_ACTION_TCSETPGRP, "tcsetpgrp", Fields::fd, reads_fd, 6,
              KSPAWN_ADD_IF_TCSETPGRP(::posix_spawn_file_actions_addtcsetpgrp_np)},
    Operation{KSPAWN_ACTION_INHERIT, "inherit", Fields::fd, is_composite},
    Operation{KSPAWN_ACTION_CLOSE_RANGE, "close_range", Fields::fd_newfd,
              closes_to_newfd | is_composite},
    Operation{KSPAWN_ACTION_PASS, "pass", Fields::fd_newfd, makes_newfd | is_composite},
    Operation{KSPAWN_ACTION_PIPE, "pipe", Fields::newfd, makes_newfd | stores},
    Operation{KSPAWN_ACTION_SOCKETPAIR, "socketpair", Fields::newfd, makes_newfd | stores},
    Operation{KSPAWN_ACTION_MEMFD, "memfd", Fields::newfd, makes_newfd},
    Operation{KSPAWN_ACTION_UMASK, "umask", Fields::state},
    Operation{KSPAWN_ACTION_RLIMIT, "rlimit", Fields::state},
    Operation{KSPAWN_ACTION_NO_NEW_PRIVS, "no_new_privs", Fields::state},
    Operation{KSPAWN_ACTION_PDEATHSIG, "pdeathsig", Fields::state},
    Operation{KSPAWN_ACTION_RESUID, "resuid", Fields::state},
    Operation{KSPAWN_ACTION_RESGID, "resgid", Fields::state},
    Operation{KSPAWN_ACTION_GROUPS, "groups", Fields::state},
    Operation{KSPAWN_ACTION_CTTY, "ctty", Fields::fd, reads_fd},
    Operation{KSPAWN_ACTION_CHROOT, "chroot", Fields::path},
    Operation{KSPAWN_ACTION_PRIORITY, "nice", Fields::state},
    Operation{KSPAWN_ACTION_AFFINITY, "affinity", Fields::state},
    Operation{KSPAWN_ACTION_OOM_SCORE, "oom_score", Fields::state},
    Operation{KSPAWN_ACTION_STOP, "stop", Fields::state},
    Operation{KSPAWN_ACTION_SETNS, "setns", Fields::fd, reads_fd},
    Operation{KSPAWN_ACTION_UNSHARE, "unshare", Fields::state},
    Operation{KSPAWN_ACTION_CAPABILITIES, "capabilities", Fields::state},
    Operation{KSPAWN_ACTION_PRCTL, "prctl", Fields::state},
    Operation{KSPAWN_ACTION_SCHEDULER, "sched", Fields::state},
    Operation{KSPAWN_ACTION_IOPRIO, "ioprio", Fields::state},
    Operation{KSPAWN_ACTION_PERSONALITY, "personality", Fields::state},
    Operation{KSPAWN_ACTION_MEMPOLICY, "mempolicy", Fields::state},
    Operation{KSPAWN_ACTION_CLOSE_EXCEPT, "close_except", Fields::fd_newfd, closes_to_newfd},
};

#undef KSPAWN_ADD_IF_CHDIR
#undef KSPAWN_ADD_IF_CLOSEFROM
#undef KSPAWN_ADD_IF_TCSETPGRP

/// One column of the table, by KSPAWN_ACTION_*, without the others.
template <class Column>
constexpr auto by_op(Column column) noexcept {
    // Not all numbers are taken.
    constexpr auto last = std::ranges::max(operations, {}, &Operation::op).op;
    std::array<decltype(column(operations.front())), last + 1> found{};
    for (const auto& operation : operations)
        found[operation.op] = column(operation);
    return found;
}

/// The value of a column for an operation, or an empty one if there is no such operation.
template <class Values>
constexpr auto look_up(const Values& values, std::uint32_t key) noexcept {
    return key < values.size() ? values[key] : typename Values::value_type{};
}

// Static, as the table is.
static inline Fields fields_of(const kspawn_action& action) noexcept {
    static constexpr auto fields =
        by_op([](const Operation& operation) { return operation.fields; });
    return look_up(fields, action.op);
}

/// Whether an action has any of these effects.
static inline bool has(const kspawn_action& action, unsigned effect) noexcept {
    static constexpr auto effects =
        by_op([](const Operation& operation) { return operation.effect; });
    return (look_up(effects, action.op) & effect) != 0;
}

/// The descriptor that an action makes, or -1.
static inline int made_by(const kspawn_action& action) noexcept {
    if (has(action, makes_fd))
        return action.fd;
    return has(action, makes_newfd) ? action.newfd : -1;
}

/// Whether an action closes a descriptor, if it is open.
static inline bool closes(const kspawn_action& action, int descriptor) noexcept {
    if (has(action, closes_fd))
        return action.fd == descriptor;
    if (has(action, closes_above))
        return action.fd <= descriptor;
    return has(action, closes_to_newfd) && action.fd <= descriptor && descriptor <= action.newfd;
}

} // namespace kspawn::internal

#endif
