// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libc.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace kspawn::preload {

namespace {

constinit Libc functions{};
constinit pthread_once_t once = PTHREAD_ONCE_INIT;

// What is after us in the order of lookup.  If we are not preloaded but were
// opened with dlopen(), that is what we are linked to.
void* find(const char* name, const char* version) noexcept {
    return version != nullptr ? ::dlvsym(RTLD_NEXT, name, version) : ::dlsym(RTLD_NEXT, name);
}

template <class Function>
void may_have(Function*& to, const char* name, const char* version = nullptr) noexcept {
    to = reinterpret_cast<Function*>(find(name, version));
}

// These are in every glibc that has the symbols that this library is linked
// to, so that the dynamic linker would have refused the library before.
template <class Function>
void must_have(Function*& to, const char* name) noexcept {
    may_have(to, name);
    if (to == nullptr) {
        static constexpr char words[] = "libkspawn-preload: no libc found\n";
        static_cast<void>(!::write(STDERR_FILENO, words, sizeof(words) - 1));
        std::abort();
    }
}

void find_all() noexcept {
    auto& to = functions;
    must_have(to.posix_spawn, "posix_spawn");
    must_have(to.posix_spawnp, "posix_spawnp");
    may_have(to.old_posix_spawn, "posix_spawn", "GLIBC_2.2.5");
    may_have(to.old_posix_spawnp, "posix_spawnp", "GLIBC_2.2.5");
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

    must_have(to.pclose, "pclose");
}

} // namespace

const Libc& libc() noexcept {
    ::pthread_once(&once, find_all);
    return functions;
}

int libc_fclose(std::FILE* stream) noexcept {
    using Function = int(std::FILE*);
    static constinit std::atomic<Function*> known{nullptr};
    Function* function = known.load(std::memory_order_relaxed);
    if (function == nullptr) [[unlikely]] {
        must_have(function, "fclose");
        known.store(function, std::memory_order_relaxed);
    }
    return function(stream);
}

} // namespace kspawn::preload
