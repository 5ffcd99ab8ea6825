// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of <spawn.h> that make and change objects.  They are libc's (see
// objects.hpp for why), so that all that is here is what this libc may lack.  They
// are exported nevertheless, all of them: what a program finds by a name must not
// depend on which of them that is.
#include <spawn.h>

#include <cerrno>

#include "libc.hpp"
#include "objects.hpp"

using kspawn::preload::libc;
namespace objects = kspawn::preload::objects;

// The names of parameters are libc's own affair.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

int posix_spawnattr_init(posix_spawnattr_t* attributes) noexcept {
    return libc().attr_init(attributes);
}

int posix_spawnattr_destroy(posix_spawnattr_t* attributes) noexcept {
    return libc().attr_destroy(attributes);
}

int posix_spawnattr_getflags(const posix_spawnattr_t* attributes, short* flags) noexcept {
    return libc().attr_getflags(attributes, flags);
}

int posix_spawnattr_setflags(posix_spawnattr_t* attributes, short flags) noexcept {
    constexpr short cgroup_flag = 0x100; // POSIX_SPAWN_SETCGROUP of glibc 2.39
    const auto& c = libc();
    if (c.attr_setcgroup != nullptr || (flags & cgroup_flag) == 0 || !objects::understood())
        return c.attr_setflags(attributes, flags);
    const auto others = static_cast<short>(flags & ~cgroup_flag);
    if (const int error = c.attr_setflags(attributes, others); error != 0)
        return error;
    objects::set_flags(attributes, flags);
    return 0;
}

int posix_spawnattr_getpgroup(const posix_spawnattr_t* attributes, pid_t* pgroup) noexcept {
    return libc().attr_getpgroup(attributes, pgroup);
}

int posix_spawnattr_setpgroup(posix_spawnattr_t* attributes, pid_t pgroup) noexcept {
    return libc().attr_setpgroup(attributes, pgroup);
}

int posix_spawnattr_getsigdefault(const posix_spawnattr_t* attributes, sigset_t* set) noexcept {
    return libc().attr_getsigdefault(attributes, set);
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t* attributes, const sigset_t* set) noexcept {
    return libc().attr_setsigdefault(attributes, set);
}

int posix_spawnattr_getsigmask(const posix_spawnattr_t* attributes, sigset_t* set) noexcept {
    return libc().attr_getsigmask(attributes, set);
}

int posix_spawnattr_setsigmask(posix_spawnattr_t* attributes, const sigset_t* set) noexcept {
    return libc().attr_setsigmask(attributes, set);
}

int posix_spawnattr_getschedpolicy(const posix_spawnattr_t* attributes, int* policy) noexcept {
    return libc().attr_getschedpolicy(attributes, policy);
}

int posix_spawnattr_setschedpolicy(posix_spawnattr_t* attributes, int policy) noexcept {
    return libc().attr_setschedpolicy(attributes, policy);
}

int posix_spawnattr_getschedparam(const posix_spawnattr_t* attributes,
                                  sched_param* parameters) noexcept {
    return libc().attr_getschedparam(attributes, parameters);
}

int posix_spawnattr_setschedparam(posix_spawnattr_t* attributes,
                                  const sched_param* parameters) noexcept {
    return libc().attr_setschedparam(attributes, parameters);
}

int posix_spawn_file_actions_init(posix_spawn_file_actions_t* file_actions) noexcept {
    return libc().actions_init(file_actions);
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t* file_actions) noexcept {
    return libc().actions_destroy(file_actions);
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t* file_actions, int fd,
                                     const char* path, int oflag, mode_t mode) noexcept {
    return libc().actions_addopen(file_actions, fd, path, oflag, mode);
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t* file_actions, int fd) noexcept {
    return libc().actions_addclose(file_actions, fd);
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t* file_actions, int fd,
                                     int newfd) noexcept {
    return libc().actions_adddup2(file_actions, fd, newfd);
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t* file_actions,
                                         const char* path) noexcept {
    return libc().actions_addchdir(file_actions, path);
}

int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t* file_actions,
                                          int fd) noexcept {
    return libc().actions_addfchdir(file_actions, fd);
}

int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t* file_actions,
                                             int from) noexcept {
    return libc().actions_addclosefrom(file_actions, from);
}

int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t* file_actions,
                                             int tcfd) noexcept {
    return libc().actions_addtcsetpgrp(file_actions, tcfd);
}

// The names of POSIX.1-2024, and the cgroup of glibc 2.39.

int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t* file_actions,
                                      const char* path) noexcept;
int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t* file_actions, int fd) noexcept;
int posix_spawnattr_getcgroup_np(const posix_spawnattr_t* attributes, int* cgroup) noexcept;
int posix_spawnattr_setcgroup_np(posix_spawnattr_t* attributes, int cgroup) noexcept;

int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t* file_actions,
                                      const char* path) noexcept {
    return libc().actions_addchdir(file_actions, path);
}

int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t* file_actions, int fd) noexcept {
    return libc().actions_addfchdir(file_actions, fd);
}

int posix_spawnattr_getcgroup_np(const posix_spawnattr_t* attributes, int* cgroup) noexcept {
    const auto& c = libc();
    if (c.attr_getcgroup != nullptr)
        return c.attr_getcgroup(attributes, cgroup);
    if (!objects::understood())
        return ENOTSUP;
    *cgroup = objects::cgroup_of(attributes);
    return 0;
}

int posix_spawnattr_setcgroup_np(posix_spawnattr_t* attributes, int cgroup) noexcept {
    const auto& c = libc();
    if (c.attr_setcgroup != nullptr)
        return c.attr_setcgroup(attributes, cgroup);
    if (!objects::understood())
        return ENOTSUP;
    objects::set_cgroup(attributes, cgroup);
    return 0;
}

} // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
