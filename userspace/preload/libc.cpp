// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libc.hpp"

#include <atomic>

#include "next.hpp"

namespace kspawn::preload {

namespace {

constinit Libc functions{};
constinit std::atomic<bool> complete{false};

template <class Function>
void may_have(Function*& to, const char* name) noexcept {
    to = reinterpret_cast<Function*>(next_function_if_any(name));
}

// These are in every glibc that has the symbols that this library is linked
// to, so that the dynamic linker would have refused the library before.
template <class Function>
void must_have(Function*& to, const char* name) noexcept {
    to = reinterpret_cast<Function*>(next_function(name));
}

void find_all() noexcept {
    auto& to = functions;
    must_have(to.posix_spawn, "posix_spawn");
    must_have(to.posix_spawnp, "posix_spawnp");
    may_have(to.pidfd_spawn, "pidfd_spawn");
    may_have(to.pidfd_spawnp, "pidfd_spawnp");

    must_have(to.attr_init, "posix_spawnattr_init");
    must_have(to.attr_destroy, "posix_spawnattr_destroy");
    must_have(to.attr_getflags, "posix_spawnattr_getflags");
    must_have(to.attr_setflags, "posix_spawnattr_setflags");
    must_have(to.attr_getpgroup, "posix_spawnattr_getpgroup");
    must_have(to.attr_setpgroup, "posix_spawnattr_setpgroup");
    must_have(to.attr_getsigdefault, "posix_spawnattr_getsigdefault");
    must_have(to.attr_setsigdefault, "posix_spawnattr_setsigdefault");
    must_have(to.attr_getsigmask, "posix_spawnattr_getsigmask");
    must_have(to.attr_setsigmask, "posix_spawnattr_setsigmask");
    must_have(to.attr_getschedpolicy, "posix_spawnattr_getschedpolicy");
    must_have(to.attr_setschedpolicy, "posix_spawnattr_setschedpolicy");
    must_have(to.attr_getschedparam, "posix_spawnattr_getschedparam");
    must_have(to.attr_setschedparam, "posix_spawnattr_setschedparam");
    may_have(to.attr_getcgroup, "posix_spawnattr_getcgroup_np");
    may_have(to.attr_setcgroup, "posix_spawnattr_setcgroup_np");

    must_have(to.actions_init, "posix_spawn_file_actions_init");
    must_have(to.actions_destroy, "posix_spawn_file_actions_destroy");
    must_have(to.actions_addopen, "posix_spawn_file_actions_addopen");
    must_have(to.actions_addclose, "posix_spawn_file_actions_addclose");
    must_have(to.actions_adddup2, "posix_spawn_file_actions_adddup2");
    must_have(to.actions_addchdir, "posix_spawn_file_actions_addchdir_np");
    must_have(to.actions_addfchdir, "posix_spawn_file_actions_addfchdir_np");
    must_have(to.actions_addclosefrom, "posix_spawn_file_actions_addclosefrom_np");
    must_have(to.actions_addtcsetpgrp, "posix_spawn_file_actions_addtcsetpgrp_np");

    to.environment = static_cast<char***>(libc_variable("environ"));
    to.single_threaded = static_cast<const char*>(libc_variable("__libc_single_threaded"));
}

} // namespace

// Not pthread_once(), which would wait for ever in a signal handler that has
// interrupted it.  Two threads that look at once find the same.
const Libc& libc() noexcept {
    if (!complete.load(std::memory_order_acquire)) [[unlikely]] {
        find_all();
        complete.store(true, std::memory_order_release);
    }
    return functions;
}

} // namespace kspawn::preload
