// SPDX-License-Identifier: LGPL-2.1-or-later
#include "attributes.hpp"

#include <type_traits>

namespace {

using kspawn::internal::policy_of;
using kspawn::internal::attributes::bits_of;
using kspawn::internal::attributes::magic;
using kspawn::internal::attributes::set_of;
using kspawn::internal::attributes::valid;
using kspawn::internal::attributes::Values;

constexpr unsigned known_flags = KSPAWN_ATTR_ALL | KSPAWN_SPAWN_USEVFORK;
static_assert((KSPAWN_ATTR_ALL & KSPAWN_SPAWN_USEVFORK) == 0);

// From a member of an object to the caller's value, and the other way about.
template <class Value, class Held>
void copy(Value& to, const Held& from) noexcept {
    if constexpr (std::is_same_v<Value, sigset_t>)
        to = set_of(from);
    else if constexpr (std::is_same_v<Held, sigset_t>)
        to = bits_of(from);
    else
        to = static_cast<Value>(from);
}

template <class Value>
int get(const kspawn_spawnattr_t* attributes, auto Values::*member, Value* value) noexcept {
    if (!valid(attributes) || value == nullptr)
        return EINVAL;
    copy(*value, attributes->private_members.*member);
    return 0;
}

template <class Value>
int set(kspawn_spawnattr_t* attributes, auto Values::*member, const Value* value) noexcept {
    if (!valid(attributes) || value == nullptr)
        return EINVAL;
    copy(attributes->private_members.*member, *value);
    return 0;
}

} // namespace

int kspawn_spawnattr_init(kspawn_spawnattr_t* attributes) noexcept {
    if (attributes == nullptr)
        return EINVAL;
    *attributes = {};
    attributes->private_members.magic = magic;
    return 0;
}

int kspawn_spawnattr_destroy(kspawn_spawnattr_t* attributes) noexcept {
    constexpr unsigned none = 0;
    return set(attributes, &Values::magic, &none);
}

int kspawn_spawnattr_getflags(const kspawn_spawnattr_t* attributes, short* flags) noexcept {
    return get(attributes, &Values::flags, flags);
}

int kspawn_spawnattr_setflags(kspawn_spawnattr_t* attributes, short flags) noexcept {
    const auto bits = static_cast<unsigned short>(flags);
    return (bits & ~known_flags) != 0 ? EINVAL : set(attributes, &Values::flags, &bits);
}

int kspawn_spawnattr_getpgroup(const kspawn_spawnattr_t* attributes, pid_t* pgroup) noexcept {
    return get(attributes, &Values::pgroup, pgroup);
}

int kspawn_spawnattr_setpgroup(kspawn_spawnattr_t* attributes, pid_t pgroup) noexcept {
    return set(attributes, &Values::pgroup, &pgroup);
}

int kspawn_spawnattr_getsigdefault(const kspawn_spawnattr_t* attributes,
                                   sigset_t* sigdefault) noexcept {
    return get(attributes, &Values::sigdefault, sigdefault);
}

int kspawn_spawnattr_setsigdefault(kspawn_spawnattr_t* attributes,
                                   const sigset_t* sigdefault) noexcept {
    return set(attributes, &Values::sigdefault, sigdefault);
}

int kspawn_spawnattr_getsigignore_np(const kspawn_spawnattr_t* attributes,
                                     sigset_t* sigignore) noexcept {
    return get(attributes, &Values::sigignore, sigignore);
}

int kspawn_spawnattr_setsigignore_np(kspawn_spawnattr_t* attributes,
                                     const sigset_t* sigignore) noexcept {
    return set(attributes, &Values::sigignore, sigignore);
}

int kspawn_spawnattr_getsigmask(const kspawn_spawnattr_t* attributes, sigset_t* sigmask) noexcept {
    return get(attributes, &Values::sigmask, sigmask);
}

int kspawn_spawnattr_setsigmask(kspawn_spawnattr_t* attributes, const sigset_t* sigmask) noexcept {
    return set(attributes, &Values::sigmask, sigmask);
}

int kspawn_spawnattr_getschedpolicy(const kspawn_spawnattr_t* attributes,
                                    int* schedpolicy) noexcept {
    return get(attributes, &Values::sched_policy, schedpolicy);
}

int kspawn_spawnattr_setschedpolicy(kspawn_spawnattr_t* attributes, int schedpolicy) noexcept {
    return policy_of(schedpolicy) == nullptr ? EINVAL
                                             : set(attributes, &Values::sched_policy, &schedpolicy);
}

int kspawn_spawnattr_getschedparam(const kspawn_spawnattr_t* attributes,
                                   sched_param* schedparam) noexcept {
    int priority = 0;
    if (schedparam == nullptr || get(attributes, &Values::sched_priority, &priority) != 0)
        return EINVAL;
    *schedparam = {};
    schedparam->sched_priority = priority;
    return 0;
}

int kspawn_spawnattr_setschedparam(kspawn_spawnattr_t* attributes,
                                   const sched_param* schedparam) noexcept {
    return schedparam == nullptr
               ? EINVAL
               : set(attributes, &Values::sched_priority, &schedparam->sched_priority);
}

int kspawn_spawnattr_getcgroup_np(const kspawn_spawnattr_t* attributes, int* cgroup) noexcept {
    return get(attributes, &Values::cgroup, cgroup);
}

int kspawn_spawnattr_setcgroup_np(kspawn_spawnattr_t* attributes, int cgroup) noexcept {
    return set(attributes, &Values::cgroup, &cgroup);
}
