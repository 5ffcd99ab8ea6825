// SPDX-License-Identifier: LGPL-2.1-or-later
/// glibc's objects, read.
///
/// posix_spawnattr_t and posix_spawn_file_actions_t belong to the program, and
/// nobody can tell who has filled one in: a constructor that ran before ours, a
/// plugin that was opened with RTLD_DEEPBIND and sees libc before us, memset() or
/// memcpy().  A layout of our own would be taken for glibc's, or glibc's for
/// ours, by one side or the other.  So there is one layout, glibc's: glibc's own
/// functions make and change the objects, with or without this library, and only
/// posix_spawn() and its kind read them here.
///
/// posix_spawnattr_t is in glibc's public header.  The memory that a file actions object
/// points to is not, but cannot change either: programs that were linked to an
/// older glibc call functions of the newer one on it, and the functions that
/// fill it in and those that use it are all in libc.  It has had this form since
/// glibc 2.2.5 and has only had operations added to it, until 2.41.  Nobody need
/// believe that: when it is first needed, an object with every operation in it is
/// built through libc's functions and must read back as it was built.  If it
/// does not, every start is left to libc, and KSPAWN_STATS says so.  Likewise a
/// single object with an operation, a flag or a reserved member that is not
/// known here.
#ifndef KSPAWN_PRELOAD_OBJECTS_HPP
#define KSPAWN_PRELOAD_OBJECTS_HPP

#include <kspawn/spawn.h>
#include <spawn.h>

#include <array>
#include <memory>

#include "userspace/lib/memory.hpp"

namespace kspawn::preload::objects {

/// Whether this process's libc makes objects that are understood here.
bool understood() noexcept;

enum class ReadResult { read, unknown, no_memory };

/// A libc's attributes as libkspawn has them.
class Attributes {
public:
    [[nodiscard]] ReadResult read(const posix_spawnattr_t* from) noexcept;
    /// Null if there are none.
    [[nodiscard]] const kspawn_spawnattr_t* get() const noexcept {
        return present_ ? &object_ : nullptr;
    }

private:
    bool present_ = false;
    kspawn_spawnattr_t object_{};
};

/// A libc's file actions as libkspawn has them.  The paths stay libc's.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): see space_
class FileActions {
public:
    [[nodiscard]] ReadResult read(const posix_spawn_file_actions_t* from) noexcept;
    /// Null if there are none.
    [[nodiscard]] const kspawn_spawn_file_actions_t* get() const noexcept {
        return present_ ? &object_ : nullptr;
    }

private:
    static constexpr unsigned few = 16;
    bool present_ = false;
    kspawn_spawn_file_actions_t object_{};
    // Not zeroed, which each start would pay for: only the `count` entries of object_ that
    // read() has filled in are ever read.
    std::array<kspawn_action, few> space_;
    std::unique_ptr<kspawn_action, internal::Free> more_;
};

/// Members that glibc before 2.39 has no function for, in the place that 2.39 has for them.
/// Only if understood().
void set_flags(posix_spawnattr_t* object, short flags) noexcept;
[[nodiscard]] short flags_of(const posix_spawnattr_t* object) noexcept;
void set_cgroup(posix_spawnattr_t* object, int cgroup) noexcept;
[[nodiscard]] int cgroup_of(const posix_spawnattr_t* object) noexcept;

} // namespace kspawn::preload::objects

#endif
