// SPDX-License-Identifier: LGPL-2.1-or-later
// The settings of a program, and the functions that start it.
#include <kspawn/command.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "checked.hpp"
#include "command_state.hpp"

namespace kspawn {

Command::State::State(std::string name) : program(std::move(name)) {
    kspawn_spawnattr_init(&attributes);
}

Command::State& Command::State::flag(int flag, bool wanted) noexcept {
    short flags = 0;
    kspawn_spawnattr_getflags(&attributes, &flags);
    kspawn_spawnattr_setflags(&attributes,
                              static_cast<short>(wanted ? flags | flag : flags & ~flag));
    return *this;
}

Command::Command(std::string program) : state_(std::make_unique<State>(std::move(program))) {}
Command::Command(const Command& other)
    : state_(other.state_ ? std::make_unique<State>(*other.state_) : nullptr) {}
Command::Command(Command&&) noexcept = default;
Command& Command::operator=(const Command& other) {
    return *this = Command(other);
}
Command& Command::operator=(Command&&) noexcept = default;
Command::~Command() = default;

Command& Command::search(std::optional<std::string> directories) {
    state_->searches_path = false;
    state_->search = std::move(directories);
    return *this;
}

Command& Command::arg(std::string argument) {
    state_->args.push_back(std::move(argument));
    return *this;
}

Command& Command::args(std::vector<std::string> arguments) {
    state_->args.insert(state_->args.end(), std::make_move_iterator(arguments.begin()),
                        std::make_move_iterator(arguments.end()));
    return *this;
}

Command& Command::arg0(std::string argument) {
    state_->arg0 = std::move(argument);
    return *this;
}

Command& Command::env(const std::string& name, std::string value) {
    state_->env.insert_or_assign(name, std::move(value));
    return *this;
}

Command& Command::envs(const std::vector<std::pair<std::string, std::string>>& variables) {
    for (const auto& [name, value] : variables)
        env(name, value);
    return *this;
}

Command& Command::env_remove(const std::string& name) {
    state_->env.insert_or_assign(name, std::nullopt);
    return *this;
}

Command& Command::env_clear() {
    state_->env_clear = true;
    state_->env.clear();
    return *this;
}

Command& Command::current_dir(std::filesystem::path directory) {
    state_->directory = std::move(directory);
    state_->directory_descriptor = State::unsaid;
    return *this;
}

Command& Command::current_dir(int descriptor) {
    state_->directory.reset();
    state_->directory_descriptor = State::possible_or_not(descriptor);
    return *this;
}

Command& Command::descriptor(int child_number, Stdio what) {
    state_->put(child_number, std::move(what));
    return *this;
}

Command& Command::stdin_from(Stdio source) {
    return descriptor(0, std::move(source));
}

Command& Command::stdout_to(Stdio target) {
    return descriptor(1, std::move(target));
}

Command& Command::stderr_to(Stdio target) {
    return descriptor(2, std::move(target));
}

Command& Command::close_other_descriptors(bool close) {
    state_->close_others = close;
    return *this;
}

Command& Command::close_from(int lowest) {
    state_->close_from = State::possible_or_not(lowest);
    return *this;
}

Command& Command::close_from_except(int lowest, std::vector<int> kept) {
    state_->close_from_except.emplace(lowest, std::move(kept));
    return *this;
}

Command& Command::process_group(pid_t group) {
    kspawn_spawnattr_setpgroup(&state_->attributes, group);
    state_->flag(KSPAWN_SPAWN_SETPGROUP);
    return *this;
}

Command& Command::new_session(bool wanted) {
    state_->flag(KSPAWN_SPAWN_SETSID, wanted);
    return *this;
}

Command& Command::foreground(int terminal) {
    state_->terminal = State::possible_or_not(terminal);
    return *this;
}

Command& Command::signal_mask(const SignalSet& blocked) {
    kspawn_spawnattr_setsigmask(&state_->attributes, &blocked.get());
    state_->flag(KSPAWN_SPAWN_SETSIGMASK);
    return *this;
}

Command& Command::default_signals(const SignalSet& signals) {
    kspawn_spawnattr_setsigdefault(&state_->attributes, &signals.get());
    state_->flag(KSPAWN_SPAWN_SETSIGDEF);
    return *this;
}

Command& Command::ignore_signals(const SignalSet& signals) {
    kspawn_spawnattr_setsigignore_np(&state_->attributes, &signals.get());
    state_->flag(KSPAWN_SPAWN_SETSIGIGN_NP);
    return *this;
}

Command& Command::reset_signals() {
    // sigfillset() leaves out the two that libc keeps for itself, which a caller
    // that glibc has started has ignored.
    sigset_t every;
    std::memset(&every, 0xff, sizeof(every));
    signal_mask({}).default_signals(every);
    state_->flag(KSPAWN_SPAWN_SETSIGIGN_NP, false);
    return *this;
}

Command& Command::scheduler(int policy, int priority) {
    state_->wrong_policy.reset();
    if (kspawn_spawnattr_setschedpolicy(&state_->attributes, policy) != 0)
        state_->wrong_policy = policy;
    this->priority(priority);
    state_->flag(KSPAWN_SPAWN_SETSCHEDPARAM, false).flag(KSPAWN_SPAWN_SETSCHEDULER);
    return *this;
}

Command& Command::priority(int priority) {
    const sched_param parameters{.sched_priority = priority};
    kspawn_spawnattr_setschedparam(&state_->attributes, &parameters);
    state_->flag(KSPAWN_SPAWN_SETSCHEDULER, false).flag(KSPAWN_SPAWN_SETSCHEDPARAM);
    return *this;
}

Command& Command::cgroup(std::filesystem::path directory) {
    state_->cgroup = std::move(directory);
    state_->flag(KSPAWN_SPAWN_SETCGROUP);
    return *this;
}

Command& Command::cgroup(int descriptor) {
    state_->cgroup.reset();
    kspawn_spawnattr_setcgroup_np(&state_->attributes, descriptor);
    state_->flag(KSPAWN_SPAWN_SETCGROUP);
    return *this;
}

Command& Command::reset_ids(bool wanted) {
    state_->flag(KSPAWN_SPAWN_RESETIDS, wanted);
    return *this;
}

Command& Command::input(std::string data) {
    state_->input = std::move(data);
    return *this;
}

Command& Command::output_limit(std::size_t out, std::size_t err) {
    state_->out_limit = out;
    state_->err_limit = err;
    return *this;
}

Command& Command::output_limit(std::size_t each) {
    return output_limit(each, each);
}

Command& Command::time_limit_ms(std::int64_t limit) noexcept {
    state_->time_limit_ms = std::max<std::int64_t>(limit, 0);
    return *this;
}

Command& Command::grace_ms(std::int64_t grace) noexcept {
    state_->grace_ms = std::max<std::int64_t>(grace, 0);
    return *this;
}

Command& Command::kill_tree(int cgroup) {
    state_->tree = State::possible_or_not(cgroup);
    return *this;
}

Child Command::spawn() const {
    internal::Failure failure;
    Child child = state_->start(failure);
    failure.throw_if_any();
    return child;
}

Child Command::spawn(std::error_code& error) const {
    internal::Failure failure;
    Child child = state_->start(failure);
    error = internal::error_of(failure.error);
    return child;
}

ExitStatus Command::State::status(Failure& failure, std::error_code& error) const {
    pid_t pid = 0;
    int number = -1;
    const auto status = start_and_wait(pid, number, failure, error);
    FileDescriptor{number}.close();
    return status;
}

ExitStatus Command::status() const {
    internal::Failure failure;
    std::error_code error;
    const auto status = state_->status(failure, error);
    failure.throw_if_any(error);
    return status;
}

ExitStatus Command::status(std::error_code& error) const {
    internal::Failure failure;
    error.clear();
    const auto status = state_->status(failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return status;
}

ExitStatus Command::status(pid_t& pid, int& pidfd) const {
    internal::Failure failure;
    std::error_code error;
    const auto status = state_->start_and_wait(pid, pidfd, failure, error);
    failure.throw_if_any(error);
    return status;
}

void Command::check() const {
    if (const auto ended = status(); !ended.success())
        throw ExitError(program(), Output{ended, {}, {}});
}

Command::State Command::State::for_output(bool with_input) const {
    State state = *this;
    if (!says(0))
        state.put(0, with_input ? Stdio::pipe() : Stdio::null());
    for (const int number : {1, 2})
        if (!says(number))
            state.put(number, Stdio::pipe());
    return state;
}

Output Command::State::output(std::string_view data, Failure& failure,
                              std::error_code& error) const {
    Child child;
    // If nothing is piped, there is nothing to read and only an end to wait for.
    const auto status = for_output(!data.empty()).start_and_wait(child, failure, error);
    return status ? Output{*status, {}, {}} : child.wait_with_output(data, error);
}

Output Command::output(std::string_view input) const {
    internal::Failure failure;
    std::error_code error;
    auto output = state_->output(input, failure, error);
    failure.throw_if_any(error);
    return output;
}

Output Command::output(std::string_view input, std::error_code& error) const {
    internal::Failure failure;
    error.clear();
    auto output = state_->output(input, failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return output;
}

Output Command::check_output(std::string_view input) const {
    auto output = this->output(input);
    if (!output.status.success())
        throw ExitError(program(), std::move(output));
    return output;
}

} // namespace kspawn
