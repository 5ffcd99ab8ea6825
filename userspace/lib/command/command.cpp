// SPDX-License-Identifier: LGPL-2.1-or-later
// The settings of a program, and the functions that start it.
#include <kspawn/command.hpp>
#include <kspawn/state.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "checked.hpp"
#include "failure.hpp"

namespace kspawn {

Command::Command(std::string program) : program_(std::move(program)) {
    kspawn_spawnattr_init(&attributes_);
}

Command& Command::flag(int flag, bool wanted) noexcept {
    short flags = 0;
    kspawn_spawnattr_getflags(&attributes_, &flags);
    kspawn_spawnattr_setflags(&attributes_,
                              static_cast<short>(wanted ? flags | flag : flags & ~flag));
    return *this;
}

Command& Command::search(std::optional<std::string> directories) {
    searches_path_ = false;
    search_ = std::move(directories);
    return *this;
}

Command& Command::arg(std::string argument) {
    args_.push_back(std::move(argument));
    return *this;
}

Command& Command::args(std::vector<std::string> arguments) {
    args_.insert(args_.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
    return *this;
}

Command& Command::arg0(std::string argument) {
    arg0_ = std::move(argument);
    return *this;
}

Command& Command::env(const std::string& name, std::string value) {
    env_.insert_or_assign(name, std::move(value));
    return *this;
}

Command& Command::envs(const std::vector<std::pair<std::string, std::string>>& variables) {
    for (const auto& [name, value] : variables)
        env(name, value);
    return *this;
}

Command& Command::env_remove(const std::string& name) {
    env_.insert_or_assign(name, std::nullopt);
    return *this;
}

Command& Command::env_clear() {
    env_clear_ = true;
    env_.clear();
    return *this;
}

Command& Command::current_dir(std::filesystem::path directory) {
    directory_ = std::move(directory);
    directory_descriptor_ = unsaid_;
    return *this;
}

Command& Command::current_dir(int descriptor) {
    directory_.reset();
    directory_descriptor_ = possible_or_not(descriptor);
    return *this;
}

Command& Command::descriptor(int child_number, Stdio what) {
    descriptors_.insert_or_assign(child_number, std::move(what));
    return *this;
}

Command& Command::close_other_descriptors(bool close) {
    close_others_ = close;
    return *this;
}

Command& Command::close_from(int lowest) {
    close_from_ = possible_or_not(lowest);
    return *this;
}

Command& Command::process_group(pid_t group) {
    kspawn_spawnattr_setpgroup(&attributes_, group);
    return flag(KSPAWN_SPAWN_SETPGROUP);
}

Command& Command::new_session(bool wanted) {
    return flag(KSPAWN_SPAWN_SETSID, wanted);
}

Command& Command::foreground(int terminal) {
    terminal_ = possible_or_not(terminal);
    return *this;
}

Command& Command::signal_mask(const SignalSet& blocked) {
    kspawn_spawnattr_setsigmask(&attributes_, &blocked.get());
    return flag(KSPAWN_SPAWN_SETSIGMASK);
}

Command& Command::default_signals(const SignalSet& signals) {
    kspawn_spawnattr_setsigdefault(&attributes_, &signals.get());
    return flag(KSPAWN_SPAWN_SETSIGDEF);
}

Command& Command::ignore_signals(const SignalSet& signals) {
    kspawn_spawnattr_setsigignore_np(&attributes_, &signals.get());
    return flag(KSPAWN_SPAWN_SETSIGIGN_NP);
}

Command& Command::reset_signals() {
    // sigfillset() leaves out the two that libc keeps for itself, which a caller
    // that glibc has started has ignored.
    sigset_t every;
    std::memset(&every, 0xff, sizeof(every));
    return signal_mask({}).default_signals(every).flag(KSPAWN_SPAWN_SETSIGIGN_NP, false);
}

Command& Command::scheduler(int policy, int priority) {
    wrong_policy_.reset();
    if (kspawn_spawnattr_setschedpolicy(&attributes_, policy) != 0)
        wrong_policy_ = policy;
    return this->priority(priority)
        .flag(KSPAWN_SPAWN_SETSCHEDPARAM, false)
        .flag(KSPAWN_SPAWN_SETSCHEDULER);
}

Command& Command::priority(int priority) {
    const sched_param parameters{.sched_priority = priority};
    kspawn_spawnattr_setschedparam(&attributes_, &parameters);
    return flag(KSPAWN_SPAWN_SETSCHEDULER, false).flag(KSPAWN_SPAWN_SETSCHEDPARAM);
}

Command& Command::cgroup(std::filesystem::path directory) {
    cgroup_ = std::move(directory);
    return flag(KSPAWN_SPAWN_SETCGROUP);
}

Command& Command::cgroup(int descriptor) {
    cgroup_.reset();
    kspawn_spawnattr_setcgroup_np(&attributes_, descriptor);
    return flag(KSPAWN_SPAWN_SETCGROUP);
}

Command& Command::reset_ids(bool wanted) {
    return flag(KSPAWN_SPAWN_RESETIDS, wanted);
}

Command& Command::state(std::string words, AddState add) {
    state_.emplace_back(std::move(words), std::move(add));
    return *this;
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

Command& Command::stopped() {
    return state("start in the stopped state", kspawn_spawn_file_actions_addstop_np);
}

Child Command::spawn() const {
    Failure failure;
    Child child = start(failure);
    failure.throw_if_any();
    return child;
}

Child Command::spawn(std::error_code& error) const {
    Failure failure;
    Child child = start(failure);
    error = internal::error_of(failure.error);
    return child;
}

ExitStatus Command::status(Failure& failure, std::error_code& error) const {
    pid_t pid = 0;
    int number = -1;
    const auto status = start_and_wait(pid, number, failure, error);
    FileDescriptor{number}.close();
    return status;
}

ExitStatus Command::status() const {
    Failure failure;
    std::error_code error;
    const auto status = this->status(failure, error);
    failure.throw_if_any(error);
    return status;
}

ExitStatus Command::status(std::error_code& error) const {
    Failure failure;
    error.clear();
    const auto status = this->status(failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return status;
}

ExitStatus Command::status(pid_t& pid, int& pidfd) const {
    Failure failure;
    std::error_code error;
    const auto status = start_and_wait(pid, pidfd, failure, error);
    failure.throw_if_any(error);
    return status;
}

Command Command::for_output(bool with_input) const {
    Command command = *this;
    if (!says(0))
        command.stdin_from(with_input ? Stdio::pipe() : Stdio::null());
    for (const int number : {1, 2})
        if (!says(number))
            command.descriptor(number, Stdio::pipe());
    return command;
}

Output Command::output(std::string_view input, Failure& failure, std::error_code& error) const {
    Child child;
    // If nothing is piped, there is nothing to read and only an end to wait for.
    const auto status = for_output(!input.empty()).start_and_wait(child, failure, error);
    return status ? Output{*status, {}, {}} : child.wait_with_output(input, error);
}

Output Command::output(std::string_view input) const {
    Failure failure;
    std::error_code error;
    auto output = this->output(input, failure, error);
    failure.throw_if_any(error);
    return output;
}

Output Command::output(std::string_view input, std::error_code& error) const {
    Failure failure;
    error.clear();
    auto output = this->output(input, failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return output;
}

} // namespace kspawn
