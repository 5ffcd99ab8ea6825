// SPDX-License-Identifier: LGPL-2.1-or-later
#include "attributes.hpp"

#include <cerrno>
#include <cstring>

namespace {

using kspawn::internal::attributes::magic;
using kspawn::internal::attributes::valid;

constexpr unsigned known_flags = KSPAWN_ATTR_ALL | KSPAWN_SPAWN_USEVFORK;

// The kernel's 64 signals are the first 64 bits of a sigset_t.  sigaddset()
// would refuse those that libc keeps for itself, and an empty set must read
// back as an empty set.
using SignalBits = unsigned long long;
static_assert(sizeof(unsigned long) == sizeof(SignalBits) ||
                  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "bit N-1 of a sigset_t's first 8 bytes is not signal N");
static_assert(sizeof(sigset_t) >= sizeof(SignalBits));

SignalBits bits_of(const sigset_t& set) noexcept {
    SignalBits bits = 0;
    std::memcpy(&bits, &set, sizeof(bits));
    return bits;
}

sigset_t set_of(SignalBits bits) noexcept {
    sigset_t set;
    std::memset(&set, 0, sizeof(set));
    std::memcpy(&set, &bits, sizeof(bits));
    return set;
}

bool known_policy(int policy) noexcept {
    switch (policy) {
    case SCHED_OTHER:
    case SCHED_FIFO:
    case SCHED_RR:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return true;
    default:
        return false;
    }
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
    if (!valid(attributes))
        return EINVAL;
    attributes->private_members.magic = 0;
    return 0;
}

int kspawn_spawnattr_getflags(const kspawn_spawnattr_t* attributes, short* flags) noexcept {
    if (!valid(attributes) || flags == nullptr)
        return EINVAL;
    *flags = static_cast<short>(attributes->private_members.flags);
    return 0;
}

int kspawn_spawnattr_setflags(kspawn_spawnattr_t* attributes, short flags) noexcept {
    const auto bits = static_cast<unsigned short>(flags);
    if (!valid(attributes) || (bits & ~known_flags) != 0)
        return EINVAL;
    attributes->private_members.flags = bits;
    return 0;
}

int kspawn_spawnattr_getpgroup(const kspawn_spawnattr_t* attributes, pid_t* pgroup) noexcept {
    if (!valid(attributes) || pgroup == nullptr)
        return EINVAL;
    *pgroup = attributes->private_members.pgroup;
    return 0;
}

int kspawn_spawnattr_setpgroup(kspawn_spawnattr_t* attributes, pid_t pgroup) noexcept {
    if (!valid(attributes))
        return EINVAL;
    attributes->private_members.pgroup = pgroup;
    return 0;
}

int kspawn_spawnattr_getsigdefault(const kspawn_spawnattr_t* attributes,
                                   sigset_t* sigdefault) noexcept {
    if (!valid(attributes) || sigdefault == nullptr)
        return EINVAL;
    *sigdefault = set_of(attributes->private_members.sigdefault);
    return 0;
}

int kspawn_spawnattr_setsigdefault(kspawn_spawnattr_t* attributes,
                                   const sigset_t* sigdefault) noexcept {
    if (!valid(attributes) || sigdefault == nullptr)
        return EINVAL;
    attributes->private_members.sigdefault = bits_of(*sigdefault);
    return 0;
}

int kspawn_spawnattr_getsigignore_np(const kspawn_spawnattr_t* attributes,
                                     sigset_t* sigignore) noexcept {
    if (!valid(attributes) || sigignore == nullptr)
        return EINVAL;
    *sigignore = set_of(attributes->private_members.sigignore);
    return 0;
}

int kspawn_spawnattr_setsigignore_np(kspawn_spawnattr_t* attributes,
                                     const sigset_t* sigignore) noexcept {
    if (!valid(attributes) || sigignore == nullptr)
        return EINVAL;
    attributes->private_members.sigignore = bits_of(*sigignore);
    return 0;
}

int kspawn_spawnattr_getsigmask(const kspawn_spawnattr_t* attributes, sigset_t* sigmask) noexcept {
    if (!valid(attributes) || sigmask == nullptr)
        return EINVAL;
    *sigmask = set_of(attributes->private_members.sigmask);
    return 0;
}

int kspawn_spawnattr_setsigmask(kspawn_spawnattr_t* attributes, const sigset_t* sigmask) noexcept {
    if (!valid(attributes) || sigmask == nullptr)
        return EINVAL;
    attributes->private_members.sigmask = bits_of(*sigmask);
    return 0;
}

int kspawn_spawnattr_getschedpolicy(const kspawn_spawnattr_t* attributes,
                                    int* schedpolicy) noexcept {
    if (!valid(attributes) || schedpolicy == nullptr)
        return EINVAL;
    *schedpolicy = attributes->private_members.sched_policy;
    return 0;
}

int kspawn_spawnattr_setschedpolicy(kspawn_spawnattr_t* attributes, int schedpolicy) noexcept {
    if (!valid(attributes) || !known_policy(schedpolicy))
        return EINVAL;
    attributes->private_members.sched_policy = schedpolicy;
    return 0;
}

int kspawn_spawnattr_getschedparam(const kspawn_spawnattr_t* attributes,
                                   sched_param* schedparam) noexcept {
    if (!valid(attributes) || schedparam == nullptr)
        return EINVAL;
    *schedparam = {};
    schedparam->sched_priority = attributes->private_members.sched_priority;
    return 0;
}

int kspawn_spawnattr_setschedparam(kspawn_spawnattr_t* attributes,
                                   const sched_param* schedparam) noexcept {
    if (!valid(attributes) || schedparam == nullptr)
        return EINVAL;
    attributes->private_members.sched_priority = schedparam->sched_priority;
    return 0;
}

int kspawn_spawnattr_getcgroup_np(const kspawn_spawnattr_t* attributes, int* cgroup) noexcept {
    if (!valid(attributes) || cgroup == nullptr)
        return EINVAL;
    *cgroup = attributes->private_members.cgroup;
    return 0;
}

int kspawn_spawnattr_setcgroup_np(kspawn_spawnattr_t* attributes, int cgroup) noexcept {
    if (!valid(attributes))
        return EINVAL;
    attributes->private_members.cgroup = cgroup;
    return 0;
}
