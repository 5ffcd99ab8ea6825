// SPDX-License-Identifier: LGPL-2.1-or-later
/// The attributes: what user space knows of each, in one place.
#ifndef KSPAWN_LIB_ATTRIBUTES_HPP
#define KSPAWN_LIB_ATTRIBUTES_HPP

#include <kspawn/spawn.h>
#include <spawn.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "policies.hpp"
#include "words.hpp"

// Since glibc 2.39.  Null if this process has an older one.
extern "C" int libc_setcgroup(posix_spawnattr_t*, int) noexcept
    __asm__("posix_spawnattr_setcgroup_np") __attribute__((weak));

namespace kspawn::internal::attributes {

/// Marks an object between init and destroy.
inline constexpr unsigned magic = 0x6b736174;

inline bool valid(const kspawn_spawnattr_t* object) noexcept {
    return object != nullptr && object->private_members.magic == magic;
}

/// The members of an attributes object.
using Values = decltype(kspawn_spawnattr_t::private_members);

// The kernel's 64 signals are the first 64 bits of a sigset_t.  sigaddset()
// would refuse those that libc keeps for itself, and an empty set must read
// back as an empty set.
using SignalBits = unsigned long long;
static_assert(sizeof(unsigned long) == sizeof(SignalBits) ||
                  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "bit N-1 of a sigset_t's first 8 bytes is not signal N");
static_assert(sizeof(sigset_t) >= sizeof(SignalBits));

inline SignalBits bits_of(const sigset_t& set) noexcept {
    SignalBits bits = 0;
    std::memcpy(&bits, &set, sizeof(bits));
    return bits;
}

inline sigset_t set_of(SignalBits bits) noexcept {
    sigset_t set;
    std::memset(&set, 0, sizeof(set));
    std::memcpy(&set, &bits, sizeof(bits));
    return set;
}

struct Attribute {
    unsigned flag; ///< KSPAWN_ATTR_*
    std::string_view name;
    /// Puts its value into a request; null: it has none.
    void (*fill)(kspawn_args&, const Values&) noexcept;
    /// Says its value, between parentheses; null: that says nothing.
    void (*say)(Words&, const Values&) noexcept;
    /// Puts its value into an object of libc's, whose flag is set besides; not 0: this
    /// libc cannot.  Null: no libc has the flag.
    int (*add)(posix_spawnattr_t*, const Values&) noexcept;
};

inline int nothing_to_add(posix_spawnattr_t* /*to*/, const Values& /*values*/) noexcept {
    return 0;
}

inline int add_priority(posix_spawnattr_t* to, const Values& values) noexcept {
    sched_param parameters{};
    parameters.sched_priority = values.sched_priority;
    return ::posix_spawnattr_setschedparam(to, &parameters); // musl has none
}

/// The priority of SETSCHEDULER is that of SETSCHEDPARAM.
constexpr std::array attributes{
    Attribute{KSPAWN_ATTR_RESETIDS, "RESETIDS", nullptr, nullptr, nothing_to_add},
    Attribute{KSPAWN_ATTR_SETPGROUP, "SETPGROUP",
              [](kspawn_args& to, const Values& from) noexcept { to.pgroup = from.pgroup; },
              [](Words& words, const Values& from) noexcept { words << from.pgroup; },
              [](posix_spawnattr_t* to, const Values& from) noexcept {
                  return ::posix_spawnattr_setpgroup(to, from.pgroup);
              }},
    Attribute{KSPAWN_ATTR_SETSIGDEF, "SETSIGDEF",
              [](kspawn_args& to, const Values& from) noexcept { to.sigdefault = from.sigdefault; },
              nullptr,
              [](posix_spawnattr_t* to, const Values& from) noexcept {
                  const auto set = set_of(from.sigdefault);
                  return ::posix_spawnattr_setsigdefault(to, &set);
              }},
    Attribute{KSPAWN_ATTR_SETSIGMASK, "SETSIGMASK",
              [](kspawn_args& to, const Values& from) noexcept { to.sigmask = from.sigmask; },
              nullptr,
              [](posix_spawnattr_t* to, const Values& from) noexcept {
                  const auto set = set_of(from.sigmask);
                  return ::posix_spawnattr_setsigmask(to, &set);
              }},
    Attribute{KSPAWN_ATTR_SETSCHEDULER, "SETSCHEDULER",
              [](kspawn_args& to, const Values& from) noexcept {
                  to.sched_policy = from.sched_policy;
                  to.sched_priority = from.sched_priority;
              },
              [](Words& words, const Values& from) noexcept {
                  const auto* const policy = policy_of(from.sched_policy);
                  if (policy != nullptr)
                      words << "SCHED_" << policy->name;
                  else
                      words << "policy unknown";
                  words << ", priority " << from.sched_priority;
              },
              [](posix_spawnattr_t* to, const Values& from) noexcept {
                  const int error = add_priority(to, from);
                  // It knows three, ours are checked: the others are Linux's.
                  return error != 0 ? error
                                    : ::posix_spawnattr_setschedpolicy(to, from.sched_policy);
              }},
    Attribute{KSPAWN_ATTR_SETSCHEDPARAM, "SETSCHEDPARAM",
              [](kspawn_args& to, const Values& from) noexcept {
                  to.sched_priority = from.sched_priority;
              },
              [](Words& words, const Values& from) noexcept {
                  words << "priority " << from.sched_priority;
              },
              add_priority},
    Attribute{KSPAWN_ATTR_SETSID, "SETSID", nullptr, nullptr, nothing_to_add},
    Attribute{
        KSPAWN_ATTR_SETCGROUP, "SETCGROUP",
        [](kspawn_args& to, const Values& from) noexcept { to.cgroup = from.cgroup; },
        [](Words& words, const Values& from) noexcept { words << "descriptor " << from.cgroup; },
        [](posix_spawnattr_t* to, const Values& from) noexcept {
            return libc_setcgroup != nullptr ? libc_setcgroup(to, from.cgroup) : ENOTSUP;
        }},
    Attribute{KSPAWN_ATTR_SETSIGIGN, "SETSIGIGN_NP",
              [](kspawn_args& to, const Values& from) noexcept { to.sigignore = from.sigignore; },
              nullptr, nullptr},
    Attribute{KSPAWN_ATTR_CLOEXEC_DEFAULT, "CLOEXEC_DEFAULT_NP", nullptr, nullptr, nullptr},
};

/// Calls `visit.template operator()<at>()` for each index into the table.  Values that visit
/// reads of the table in a constant expression are in its code: the table itself, whose pointers
/// the dynamic linker would have to relocate, need not be in the library.
template <class Visit>
constexpr void for_each(Visit visit) {
    [&]<std::size_t... at>(std::index_sequence<at...>) {
        (visit.template operator()<at>(), ...);
    }
    (std::make_index_sequence<attributes.size()>());
}

/// The flags of all attributes for which `wanted` holds.
template <class Wanted>
constexpr unsigned flags_of(Wanted wanted) noexcept {
    unsigned flags = 0;
    for (const auto& attribute : attributes)
        flags |= wanted(attribute) ? attribute.flag : 0;
    return flags;
}

} // namespace kspawn::internal::attributes

#endif
