// SPDX-License-Identifier: LGPL-2.1-or-later
// The settings of the state of a program.
#include <kspawn/command.hpp>
#include <kspawn/state.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "command_state.hpp"

namespace kspawn {

namespace {

// struct sched_attr of <linux/sched/types.h>, which does not go with <sched.h> of glibc.
struct KernelSchedulingAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
    std::uint32_t least_utilization;
    std::uint32_t most_utilization;
};
static_assert(sizeof(KernelSchedulingAttributes) == 56); // SCHED_ATTR_SIZE_VER1
// As <linux/ioprio.h>, which is not C++.
constexpr int io_class_shift = 13;
constexpr int io_class_most = 7;
// The largest masks that the kernel takes, of CPUs and of nodes.
constexpr std::size_t mask_bits = 4096 * CHAR_BIT;

// Bits in words.  A number that is too large makes a mask that is too long, and refused.
std::vector<unsigned long> mask_of(const std::vector<unsigned>& numbers) {
    constexpr std::size_t bits = sizeof(unsigned long) * CHAR_BIT;
    std::vector<unsigned long> mask;
    for (const std::size_t number : numbers) {
        const auto bit = std::min(number, mask_bits);
        mask.resize(std::max(mask.size(), bit / bits + 1));
        mask[bit / bits] |= 1UL << bit % bits;
    }
    return mask;
}

using Actions = kspawn_spawn_file_actions_t;
using State = Command::State;

// A setting that has a descriptor of the caller's.
template <class Add>
Command& say_of(Command& command, std::string words, int descriptor, Add add) {
    internal::Access::state(command).settings.push_back(
        {std::move(words), State::possible_or_not(descriptor), std::move(add)});
    return command;
}

template <class Add>
Command& say(Command& command, std::string words, Add add) {
    internal::Access::state(command).settings.push_back(
        {std::move(words), State::unsaid,
         [add = std::move(add)](Actions* actions, int /*none*/) { return add(actions); }});
    return command;
}

Command& say_prctl(Command& command, std::string words, int option, unsigned long argument,
                   unsigned long more = 0) {
    return say(command, std::move(words), [option, argument, more](Actions* actions) {
        return kspawn_spawn_file_actions_addprctl_np(actions, option, argument, more);
    });
}

} // namespace

Command& Command::umask(mode_t mask) {
    return say(*this, "umask", [mask](Actions* actions) {
        return kspawn_spawn_file_actions_addumask_np(actions, mask);
    });
}

Command& Command::limit(int resource, rlim_t soft, rlim_t hard) {
    const rlimit limit{.rlim_cur = soft, .rlim_max = hard};
    return say(*this, "limit", [resource, limit](Actions* actions) {
        return kspawn_spawn_file_actions_addrlimit_np(actions, resource, &limit);
    });
}

Command& Command::nice(int value) {
    return say(*this, "nice value", [value](Actions* actions) {
        return kspawn_spawn_file_actions_addnice_np(actions, value);
    });
}

Command& Command::oom_score(int score) {
    return say(*this, "OOM score", [score](Actions* actions) {
        return kspawn_spawn_file_actions_addoomscore_np(actions, score);
    });
}

Command& Command::groups(std::vector<gid_t> groups) {
    return say(*this, "groups", [groups = std::move(groups)](Actions* actions) {
        return kspawn_spawn_file_actions_addgroups_np(actions, groups.size(), groups.data());
    });
}

Command& Command::group(gid_t group) {
    return say(*this, "group", [group](Actions* actions) {
        return kspawn_spawn_file_actions_addresgid_np(actions, group, group, group);
    });
}

Command& Command::user(uid_t user) {
    return say(*this, "user", [user](Actions* actions) {
        return kspawn_spawn_file_actions_addresuid_np(actions, user, user, user);
    });
}

Command& Command::no_new_privileges() {
    return say(*this, "no new privileges", kspawn_spawn_file_actions_addnonewprivs_np);
}

Command& Command::parent_death_signal(int signal_number) {
    return say(*this, "parent-death signal", [signal_number](Actions* actions) {
        return kspawn_spawn_file_actions_addpdeathsig_np(actions, signal_number);
    });
}

Command& Command::root(const std::filesystem::path& directory) {
    // A NUL in it would end it early.
    return say(*this, "root directory", [directory](Actions* actions) {
        return directory.native().find('\0') != std::string::npos
                   ? EINVAL
                   : kspawn_spawn_file_actions_addchroot_np(actions, directory.c_str());
    });
}

Command& Command::new_namespaces(int flags) {
    return say(*this, "namespaces", [flags](Actions* actions) {
        return kspawn_spawn_file_actions_addunshare_np(actions, flags);
    });
}

Command& Command::root(int descriptor) {
    return say_of(*this, "root directory", descriptor, [](Actions* actions, int number) {
        return kspawn_spawn_file_actions_addchrootat_np(actions, number, ".");
    });
}

Command& Command::enter_namespace(int descriptor, int type) {
    return say_of(*this, "namespace", descriptor, [type](Actions* actions, int number) {
        return kspawn_spawn_file_actions_addsetns_np(actions, number, type);
    });
}

Command& Command::controlling_terminal(int child_number, bool steal) {
    return say(*this, "controlling terminal", [child_number, steal](Actions* actions) {
        return kspawn_spawn_file_actions_addctty_np(actions, child_number, steal ? 1 : 0);
    });
}

Command& Command::affinity(const std::vector<unsigned>& cpus) {
    return say(*this, "affinity", [mask = mask_of(cpus)](Actions* actions) {
        return kspawn_spawn_file_actions_addaffinity_np(
            actions, mask.size() * sizeof(unsigned long), mask.data());
    });
}

Command& Command::scheduler(const SchedulingAttributes& attributes) {
    const KernelSchedulingAttributes copy{sizeof(copy),
                                          attributes.policy,
                                          attributes.flags,
                                          attributes.nice,
                                          attributes.priority,
                                          attributes.runtime,
                                          attributes.deadline,
                                          attributes.period,
                                          attributes.least_utilization,
                                          attributes.most_utilization};
    return say(*this, "scheduling", [copy](Actions* actions) {
        return kspawn_spawn_file_actions_addsched_np(actions, &copy, sizeof(copy));
    });
}

Command& Command::io_priority(int io_class, int level) {
    const bool possible =
        io_class >= 0 && io_class <= io_class_most && level >= 0 && level < 1 << io_class_shift;
    return say(*this, "priority of input and output",
               [io_class, level, possible](Actions* actions) {
                   return possible ? kspawn_spawn_file_actions_addioprio_np(
                                         actions, io_class << io_class_shift | level)
                                   : EINVAL;
               });
}

Command& Command::memory_policy(int mode, const std::vector<unsigned>& nodes) {
    return say(*this, "memory policy", [mode, mask = mask_of(nodes)](Actions* actions) {
        return kspawn_spawn_file_actions_addmempolicy_np(actions, mode, mask.data(), mask.size());
    });
}

Command& Command::personality(unsigned persona) {
    return say(*this, "personality", [persona](Actions* actions) {
        return kspawn_spawn_file_actions_addpersonality_np(actions, persona);
    });
}

Command& Command::capabilities(const Capabilities& sets) {
    const auto half = [&sets](unsigned shift) {
        return __user_cap_data_struct{static_cast<std::uint32_t>(sets.effective >> shift),
                                      static_cast<std::uint32_t>(sets.permitted >> shift),
                                      static_cast<std::uint32_t>(sets.inheritable >> shift)};
    };
    const std::array data{half(0), half(32)};
    return say(*this, "capabilities", [data](Actions* actions) {
        return kspawn_spawn_file_actions_addcapabilities_np(actions, data.data());
    });
}

Command& Command::keep_capabilities(bool keep) {
    return say_prctl(*this, "keeping of capabilities", PR_SET_KEEPCAPS, keep ? 1 : 0);
}

Command& Command::secure_bits(unsigned bits) {
    return say_prctl(*this, "secure bits", PR_SET_SECUREBITS, bits);
}

Command& Command::drop_bounding_capability(unsigned capability) {
    return say_prctl(*this, "bounding set", PR_CAPBSET_DROP, capability);
}

Command& Command::ambient_capability(unsigned capability, bool raised) {
    return say_prctl(*this, "ambient capability", PR_CAP_AMBIENT,
                     raised ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER, capability);
}

Command& Command::clear_ambient_capabilities() {
    return say_prctl(*this, "ambient capabilities", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
}

Command& Command::child_subreaper(bool wanted) {
    return say_prctl(*this, "child subreaper", PR_SET_CHILD_SUBREAPER, wanted ? 1 : 0);
}

Command& Command::timer_slack(unsigned long nanoseconds) {
    return say_prctl(*this, "timer slack", PR_SET_TIMERSLACK, nanoseconds);
}

Command& Command::stopped() {
    return say(*this, "start in the stopped state", kspawn_spawn_file_actions_addstop_np);
}

} // namespace kspawn
