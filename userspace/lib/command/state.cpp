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

} // namespace

Command& Command::state(std::string words, AddState add) {
    return state_of(std::move(words), unsaid_,
                    [add = std::move(add)](auto* actions, int /*none*/) { return add(actions); });
}

Command& Command::state_of(std::string words, int descriptor, AddStateOf add) {
    state_.push_back({std::move(words), descriptor, std::move(add)});
    return *this;
}

Command& Command::prctl(std::string words, int option, unsigned long argument, unsigned long more) {
    return state(std::move(words), [option, argument, more](auto* actions) {
        return kspawn_spawn_file_actions_addprctl_np(actions, option, argument, more);
    });
}

Command& Command::umask(mode_t mask) {
    return state("umask", [mask](auto* actions) {
        return kspawn_spawn_file_actions_addumask_np(actions, mask);
    });
}

Command& Command::limit(int resource, rlim_t soft, rlim_t hard) {
    const rlimit limit{.rlim_cur = soft, .rlim_max = hard};
    return state("limit", [resource, limit](auto* actions) {
        return kspawn_spawn_file_actions_addrlimit_np(actions, resource, &limit);
    });
}

Command& Command::nice(int value) {
    return state("nice value", [value](auto* actions) {
        return kspawn_spawn_file_actions_addnice_np(actions, value);
    });
}

Command& Command::oom_score(int score) {
    return state("OOM score", [score](auto* actions) {
        return kspawn_spawn_file_actions_addoomscore_np(actions, score);
    });
}

Command& Command::groups(std::vector<gid_t> groups) {
    return state("groups", [groups = std::move(groups)](auto* actions) {
        return kspawn_spawn_file_actions_addgroups_np(actions, groups.size(), groups.data());
    });
}

Command& Command::group(gid_t group) {
    return state("group", [group](auto* actions) {
        return kspawn_spawn_file_actions_addresgid_np(actions, group, group, group);
    });
}

Command& Command::user(uid_t user) {
    return state("user", [user](auto* actions) {
        return kspawn_spawn_file_actions_addresuid_np(actions, user, user, user);
    });
}

Command& Command::no_new_privileges() {
    return state("no new privileges", kspawn_spawn_file_actions_addnonewprivs_np);
}

Command& Command::parent_death_signal(int signal_number) {
    return state("parent-death signal", [signal_number](auto* actions) {
        return kspawn_spawn_file_actions_addpdeathsig_np(actions, signal_number);
    });
}

Command& Command::root(const std::filesystem::path& directory) {
    // A NUL in it would end it early.
    return state("root directory", [directory](auto* actions) {
        return directory.native().find('\0') != std::string::npos
                   ? EINVAL
                   : kspawn_spawn_file_actions_addchroot_np(actions, directory.c_str());
    });
}

Command& Command::new_namespaces(int flags) {
    return state("namespaces", [flags](auto* actions) {
        return kspawn_spawn_file_actions_addunshare_np(actions, flags);
    });
}

Command& Command::root(int descriptor) {
    return state_of("root directory", possible_or_not(descriptor), [](auto* actions, int number) {
        return kspawn_spawn_file_actions_addchrootat_np(actions, number, ".");
    });
}

Command& Command::enter_namespace(int descriptor, int type) {
    return state_of("namespace", possible_or_not(descriptor), [type](auto* actions, int number) {
        return kspawn_spawn_file_actions_addsetns_np(actions, number, type);
    });
}

Command& Command::controlling_terminal(int child_number, bool steal) {
    return state("controlling terminal", [child_number, steal](auto* actions) {
        return kspawn_spawn_file_actions_addctty_np(actions, child_number, steal ? 1 : 0);
    });
}

Command& Command::affinity(const std::vector<unsigned>& cpus) {
    return state("affinity", [mask = mask_of(cpus)](auto* actions) {
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
    return state("scheduling", [copy](auto* actions) {
        return kspawn_spawn_file_actions_addsched_np(actions, &copy, sizeof(copy));
    });
}

Command& Command::io_priority(int io_class, int level) {
    const bool possible =
        io_class >= 0 && io_class <= io_class_most && level >= 0 && level < 1 << io_class_shift;
    return state("priority of input and output", [io_class, level, possible](auto* actions) {
        return possible ? kspawn_spawn_file_actions_addioprio_np(actions,
                                                                 io_class << io_class_shift | level)
                        : EINVAL;
    });
}

Command& Command::memory_policy(int mode, const std::vector<unsigned>& nodes) {
    return state("memory policy", [mode, mask = mask_of(nodes)](auto* actions) {
        return kspawn_spawn_file_actions_addmempolicy_np(actions, mode, mask.data(), mask.size());
    });
}

Command& Command::personality(unsigned persona) {
    return state("personality", [persona](auto* actions) {
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
    return state("capabilities", [data](auto* actions) {
        return kspawn_spawn_file_actions_addcapabilities_np(actions, data.data());
    });
}

Command& Command::keep_capabilities(bool keep) {
    return prctl("keeping of capabilities", PR_SET_KEEPCAPS, keep ? 1 : 0);
}

Command& Command::secure_bits(unsigned bits) {
    return prctl("secure bits", PR_SET_SECUREBITS, bits);
}

Command& Command::drop_bounding_capability(unsigned capability) {
    return prctl("bounding set", PR_CAPBSET_DROP, capability);
}

Command& Command::ambient_capability(unsigned capability, bool raised) {
    return prctl("ambient capability", PR_CAP_AMBIENT,
                 raised ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER, capability);
}

Command& Command::clear_ambient_capabilities() {
    return prctl("ambient capabilities", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
}

Command& Command::child_subreaper(bool wanted) {
    return prctl("child subreaper", PR_SET_CHILD_SUBREAPER, wanted ? 1 : 0);
}

Command& Command::timer_slack(unsigned long nanoseconds) {
    return prctl("timer slack", PR_SET_TIMERSLACK, nanoseconds);
}

Command& Command::stopped() {
    return state("start in the stopped state", kspawn_spawn_file_actions_addstop_np);
}

} // namespace kspawn
