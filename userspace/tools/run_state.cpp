// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace kspawn::tool {

namespace {

constexpr unsigned most_capabilities = 64;
// SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK of <linux/sched.h>, which not every libc has.
constexpr unsigned deadline_policy = 6;
constexpr unsigned reset_on_fork = 1;

// Those of this process, which the program is started with.
Capabilities our_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "--inh-caps");
    const auto join = [&data](auto member) {
        return std::uint64_t{data[1].*member} << 32U | data[0].*member;
    };
    return {join(&__user_cap_data_struct::effective), join(&__user_cap_data_struct::permitted),
            join(&__user_cap_data_struct::inheritable)};
}

bool kernel_knows(unsigned capability) {
    return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
}

rlimit limit_of(const Limit& wanted) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(wanted.resource), &limit) != 0)
        throw std::system_error(errno, std::generic_category(), "--limit");
    return {wanted.soft.value_or(limit.rlim_cur), wanted.hard.value_or(limit.rlim_max)};
}

FileDescriptor open_namespace(const Said<NamespaceSource>& said) {
    const auto& [file, process, types] = said.value;
    FileDescriptor found(file.empty() ? static_cast<int>(::syscall(SYS_pidfd_open, process, 0))
                                      : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!found)
        throw std::system_error(errno, std::generic_category(), "--setns " + said.text);
    return found;
}

/// Says one thing after the other, and which option each is for.
class State {
public:
    State(Command& command, std::vector<std::string>& said) : command_(command), said_(said) {}

    void say_places(const StateOptions& options, const Namespaces& namespaces) {
        for (std::size_t i = 0; i < namespaces.size(); ++i) {
            const auto& [source, text] = options.enter[i];
            command_.enter_namespace(namespaces[i].get(), source.types);
            note("--setns " + text);
        }
        if (options.unshare) {
            command_.new_namespaces(options.unshare->value);
            note("--unshare " + options.unshare->text);
        }
    }

    void say_resources(const StateOptions& options) {
        if (options.oom_score) {
            command_.oom_score(*options.oom_score);
            note(fmt::format("--oom-score {}", *options.oom_score));
        }
        if (options.umask) {
            command_.umask(*options.umask);
            note(fmt::format("--umask {:o}", *options.umask));
        }
        for (const auto& [wanted, text] : options.limits) {
            const auto limit = limit_of(wanted);
            command_.limit(wanted.resource, limit.rlim_cur, limit.rlim_max);
            note("--limit " + text);
        }
        if (options.nice) {
            command_.nice(*options.nice);
            note(fmt::format("--nice {}", *options.nice));
        }
        if (options.io_priority) {
            const auto& [priority, text] = *options.io_priority;
            command_.io_priority(priority.io_class, priority.level);
            note("--ionice " + text);
        }
        if (options.cpus) {
            command_.affinity(options.cpus->value);
            note("--cpu-list " + options.cpus->text);
        }
        if (options.memory_policy) {
            const auto& [policy, text] = *options.memory_policy;
            command_.memory_policy(policy.mode, policy.nodes);
            note("--mempolicy " + text);
        }
        if (options.runtime)
            say_deadline(options);
    }

    void say_domain(const StateOptions& options) {
        if (options.personality) {
            constexpr unsigned long query = 0xffffffff;
            const auto ours = static_cast<unsigned>(::personality(query));
            command_.personality(ours | options.personality->value);
            note("--personality " + options.personality->text);
        }
        if (options.timer_slack) {
            command_.timer_slack(*options.timer_slack);
            note(fmt::format("--timer-slack {}", *options.timer_slack));
        }
        if (options.subreaper) {
            command_.child_subreaper();
            note("--subreaper");
        }
        if (options.controlling_terminal) {
            command_.controlling_terminal(STDIN_FILENO, true); // as setsid(1)
            note("--ctty");
        }
        if (options.root) {
            command_.root(*options.root);
            note("--root " + *options.root);
        }
    }

    void say_identity(const StateOptions& options) {
        // A capability that the bounding set lacks cannot become inheritable.
        if (options.inheritable) {
            auto sets = our_capabilities();
            sets.inheritable = options.inheritable->value.of(sets.inheritable);
            command_.capabilities(sets);
            note("--inh-caps " + options.inheritable->text);
        }
        say_bounding_set(options);
        if (options.secure_bits) {
            const auto& [change, text] = *options.secure_bits;
            const auto ours = static_cast<unsigned>(::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
            command_.secure_bits(static_cast<unsigned>(change.of(ours)));
            note("--securebits " + text);
        }
        say_groups(options);
        if (options.user) {
            const auto option = fmt::format("--user {}", *options.user);
            if (options.ambient) { // which are of those that are permitted
                command_.keep_capabilities();
                note(option);
            }
            command_.user(*options.user);
            note(option);
        }
        say_ambient(options);
    }

    void say_rest(const StateOptions& options) {
        if (options.no_new_privileges) {
            command_.no_new_privileges();
            note("--no-new-privs");
        }
        if (options.parent_death_signal) {
            command_.parent_death_signal(*options.parent_death_signal);
            note(fmt::format("--parent-death-signal {}", *options.parent_death_signal));
        }
        if (options.stopped) {
            command_.stopped();
            note("--stopped");
        }
    }

private:
    void note(std::string option) { said_.push_back(std::move(option)); }

    void say_deadline(const StateOptions& options) {
        SchedulingAttributes attributes;
        attributes.policy = deadline_policy;
        attributes.flags = options.reset_on_fork ? reset_on_fork : 0;
        attributes.runtime = *options.runtime;
        attributes.deadline = options.deadline.value_or(0);
        attributes.period = options.period;
        command_.scheduler(attributes);
        note(fmt::format("--sched-runtime {}", *options.runtime));
    }

    void say_bounding_set(const StateOptions& options) {
        if (!options.bounding_set)
            return;
        const auto& [change, text] = *options.bounding_set;
        for (unsigned number = 0; number < most_capabilities; ++number) {
            if ((change.removed >> number & 1U) == 0 || !kernel_knows(number))
                continue;
            command_.drop_bounding_capability(number);
            note("--bounding-set " + text);
        }
    }

    void say_groups(const StateOptions& options) {
        if (options.groups || options.group) {
            const auto option = options.groups ? "--groups " + options.groups->text
                                               : fmt::format("--group {}", *options.group);
            command_.groups(options.groups ? options.groups->value : std::vector<gid_t>{});
            note(option);
        }
        if (options.group) {
            command_.group(*options.group);
            note(fmt::format("--group {}", *options.group));
        }
    }

    void say_ambient(const StateOptions& options) {
        if (!options.ambient)
            return;
        const auto& [change, text] = *options.ambient;
        for (unsigned number = 0; number < most_capabilities; ++number) {
            const bool added = (change.added >> number & 1U) != 0;
            const bool removed = (change.removed >> number & 1U) != 0;
            if ((!added && !removed) || !kernel_knows(number))
                continue;
            command_.ambient_capability(number, added);
            note("--ambient-caps " + text);
        }
    }

    Command& command_;
    std::vector<std::string>& said_;
};

} // namespace

Namespaces open_namespaces(const StateOptions& options) {
    Namespaces found;
    for (const auto& said : options.enter)
        found.push_back(open_namespace(said));
    return found;
}

void say_state(Command& command, const StateOptions& options, const Namespaces& namespaces,
               std::vector<std::string>& said) {
    State state(command, said);
    state.say_places(options, namespaces);
    state.say_resources(options);
    state.say_domain(options);
    state.say_identity(options);
    state.say_rest(options);
}

} // namespace kspawn::tool
