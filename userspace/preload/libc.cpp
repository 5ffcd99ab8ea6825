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

#define KSPAWN_PRELOAD_FIND(name, parameters, arguments) must_have(to.name, #name);
    KSPAWN_PRELOAD_FOR_EACH_OBJECT_FUNCTION(KSPAWN_PRELOAD_FIND)
#undef KSPAWN_PRELOAD_FIND
    must_have(to.posix_spawnattr_setflags, "posix_spawnattr_setflags");
    may_have(to.posix_spawnattr_getcgroup, "posix_spawnattr_getcgroup_np");
    may_have(to.posix_spawnattr_setcgroup, "posix_spawnattr_setcgroup_np");

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
