// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said about a program, and the functions that start it.
#include <kspawn/command.hpp>
#include <kspawn/spawn.h>

#include <cstring>
#include <iterator>
#include <utility>

#include "checked.hpp"
#include "failure.hpp"

namespace kspawn {

namespace {

void set_flag(unsigned& flags, int flag, bool wanted) noexcept {
    if (wanted)
        flags |= static_cast<unsigned>(flag);
    else
        flags &= ~static_cast<unsigned>(flag);
}

} // namespace

Command::Command(std::string program) : program_(std::move(program)) {}

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

Command& Command::process_group(pid_t group) {
    group_ = group;
    set_flag(flags_, KSPAWN_SPAWN_SETPGROUP, true);
    return *this;
}

Command& Command::new_session(bool wanted) {
    set_flag(flags_, KSPAWN_SPAWN_SETSID, wanted);
    return *this;
}

Command& Command::foreground(int terminal) {
    terminal_ = possible_or_not(terminal);
    return *this;
}

Command& Command::signal_mask(const SignalSet& blocked) {
    mask_ = blocked;
    set_flag(flags_, KSPAWN_SPAWN_SETSIGMASK, true);
    return *this;
}

Command& Command::default_signals(const SignalSet& signals) {
    defaults_ = signals;
    set_flag(flags_, KSPAWN_SPAWN_SETSIGDEF, true);
    return *this;
}

Command& Command::ignore_signals(const SignalSet& signals) {
    ignored_ = signals;
    set_flag(flags_, KSPAWN_SPAWN_SETSIGIGN_NP, true);
    return *this;
}

Command& Command::reset_signals() {
    set_flag(flags_, KSPAWN_SPAWN_SETSIGIGN_NP, false);
    // sigfillset() leaves out the two that libc keeps for itself, which a caller
    // that glibc has started has ignored.
    sigset_t every;
    std::memset(&every, 0xff, sizeof(every));
    return signal_mask({}).default_signals(every);
}

Command& Command::scheduler(int policy, int priority) {
    policy_ = policy;
    priority_ = priority;
    set_flag(flags_, KSPAWN_SPAWN_SETSCHEDULER, true);
    set_flag(flags_, KSPAWN_SPAWN_SETSCHEDPARAM, false);
    return *this;
}

Command& Command::priority(int priority) {
    priority_ = priority;
    set_flag(flags_, KSPAWN_SPAWN_SETSCHEDULER, false);
    set_flag(flags_, KSPAWN_SPAWN_SETSCHEDPARAM, true);
    return *this;
}

Command& Command::cgroup(std::filesystem::path directory) {
    cgroup_ = std::move(directory);
    set_flag(flags_, KSPAWN_SPAWN_SETCGROUP, true);
    return *this;
}

Command& Command::cgroup(int descriptor) {
    cgroup_.reset();
    cgroup_descriptor_ = descriptor;
    set_flag(flags_, KSPAWN_SPAWN_SETCGROUP, true);
    return *this;
}

Command& Command::reset_ids(bool wanted) {
    set_flag(flags_, KSPAWN_SPAWN_RESETIDS, wanted);
    return *this;
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
    Child child;
    const auto status = start_and_wait(child, failure, error);
    return status ? *status : child.wait(error);
}

ExitStatus Command::status() const {
    Failure failure;
    std::error_code error;
    const auto status = this->status(failure, error);
    failure.throw_if_any();
    if (error)
        throw std::system_error(error, "wait");
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
    failure.throw_if_any();
    if (error)
        throw std::system_error(error, "wait");
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
