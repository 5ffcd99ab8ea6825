// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of <spawn.h> that make and change objects.  They are libc's (see
// objects.hpp for why), so that all that is here is what this libc may lack.  They
// are exported nevertheless, all of them: what a program finds by a name must not
// depend on which of them that is.
#include <kspawn/spawn.h>
#include <spawn.h>

#include <cerrno>

#include "libc.hpp"
#include "objects.hpp"

using kspawn::preload::libc;
namespace objects = kspawn::preload::objects;

// The names of parameters are libc's own affair.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

#define KSPAWN_PRELOAD_FORWARD(name, parameters, arguments)                                        \
    int name parameters noexcept {                                                                 \
        return libc().name arguments;                                                              \
    }
KSPAWN_PRELOAD_FOR_EACH_OBJECT_FUNCTION(KSPAWN_PRELOAD_FORWARD)
#undef KSPAWN_PRELOAD_FORWARD

int posix_spawnattr_setflags(posix_spawnattr_t* attributes, short flags) noexcept {
    const auto& c = libc();
    // KSPAWN_SPAWN_SETCGROUP is POSIX_SPAWN_SETCGROUP of glibc 2.39.
    if (c.posix_spawnattr_setcgroup != nullptr || (flags & KSPAWN_SPAWN_SETCGROUP) == 0 ||
        !objects::understood())
        return c.posix_spawnattr_setflags(attributes, flags);
    const auto others = static_cast<short>(flags & ~KSPAWN_SPAWN_SETCGROUP);
    if (const int error = c.posix_spawnattr_setflags(attributes, others); error != 0)
        return error;
    objects::set_flags(attributes, flags);
    return 0;
}

// The names of POSIX.1-2024, and the cgroup of glibc 2.39.

int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t* file_actions,
                                      const char* path) noexcept;
int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t* file_actions, int fd) noexcept;
int posix_spawnattr_getcgroup_np(const posix_spawnattr_t* attributes, int* cgroup) noexcept;
int posix_spawnattr_setcgroup_np(posix_spawnattr_t* attributes, int cgroup) noexcept;

int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t* file_actions,
                                      const char* path) noexcept {
    return libc().posix_spawn_file_actions_addchdir_np(file_actions, path);
}

int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t* file_actions, int fd) noexcept {
    return libc().posix_spawn_file_actions_addfchdir_np(file_actions, fd);
}

int posix_spawnattr_getcgroup_np(const posix_spawnattr_t* attributes, int* cgroup) noexcept {
    const auto& c = libc();
    if (c.posix_spawnattr_getcgroup != nullptr)
        return c.posix_spawnattr_getcgroup(attributes, cgroup);
    if (!objects::understood())
        return ENOTSUP;
    *cgroup = objects::cgroup_of(attributes);
    return 0;
}

int posix_spawnattr_setcgroup_np(posix_spawnattr_t* attributes, int cgroup) noexcept {
    const auto& c = libc();
    if (c.posix_spawnattr_setcgroup != nullptr)
        return c.posix_spawnattr_setcgroup(attributes, cgroup);
    if (!objects::understood())
        return ENOTSUP;
    objects::set_cgroup(attributes, cgroup);
    return 0;
}

} // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
