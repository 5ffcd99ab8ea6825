// SPDX-License-Identifier: LGPL-2.1-or-later
// A builder: each operation is a list of one.
#include <kspawn/builder.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "checked.hpp"
#include "command_state.hpp"
#include "objects.hpp"

namespace kspawn {

namespace {

void check(int error, const char* what) {
    if (error != 0)
        throw SpawnError(error, Step::prepare, 0, what);
}

// An error that the C library has remembered.
void throw_if_failed(int error) {
    if (error != 0)
        throw internal::last_failure(error).to_error();
}

void refuse_nul(const std::filesystem::path& path, const char* what) {
    if (path.native().find('\0') != std::string::npos)
        throw SpawnError(EINVAL, Step::prepare, 0, std::string(what) + " with a NUL character");
}

FileDescriptor open_cgroup(const std::filesystem::path& directory) {
    refuse_nul(directory, "cgroup");
    FileDescriptor found(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!found)
        throw SpawnError(errno, Step::prepare, 0, "cgroup " + directory.native());
    return found;
}

void name_standard_descriptors(internal::FileActions& actions) {
    for (const int number : {0, 1, 2})
        actions.inherit(number);
    check(actions.error(), "standard descriptors");
}

template <class Add>
void act(int builder, const char* name, Add add) {
    internal::FileActions actions;
    add(actions);
    check(actions.error(), name);
    throw_if_failed(kspawn_builder_apply_np(builder, actions.get(), nullptr));
}

// A command is said what the child is to be, and only that: its program is of no use.
template <class Say>
void apply_said(int builder, Say say) {
    Command command({});
    say(command);
    internal::Failure failure;
    internal::Access::state(command).apply_to(builder, failure);
    failure.throw_if_any();
}

// Arguments and environment are said as in a Command.
Child start_in(int builder, const std::string& program, std::vector<std::string> arguments,
               const std::optional<Builder::Variables>& environment, internal::Failure& failure) {
    Command command(program);
    command.args(std::move(arguments));
    if (environment)
        command.env_clear().envs(*environment);
    return internal::Access::state(command).start_in(builder, failure);
}

} // namespace

Builder::Builder(const BuilderOptions& options) {
    internal::FileActions actions;
    internal::Attributes attributes;
    int flags = 0;
    if (options.close_other_descriptors) {
        name_standard_descriptors(actions);
        flags |= KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP;
    }
    FileDescriptor cgroup;
    if (options.cgroup) {
        cgroup = open_cgroup(*options.cgroup);
        kspawn_spawnattr_setcgroup_np(attributes.get(), cgroup.get());
        flags |= KSPAWN_SPAWN_SETCGROUP;
    }
    kspawn_spawnattr_setflags(attributes.get(), static_cast<short>(flags));
    int made = -1;
    throw_if_failed(kspawn_builder_create_np(&made, &pid_, actions.get(), attributes.get()));
    descriptor_ = FileDescriptor(made);
}

FileDescriptor Builder::pidfd() const {
    FileDescriptor found(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    const auto error = internal::last_error();
    // A child that is there now has had its number all the time.
    apply(nullptr);
    if (!found)
        throw std::system_error(error, "pidfd_open");
    return found;
}

const Builder& Builder::apply(const kspawn_spawn_file_actions_t* actions,
                              const kspawn_spawnattr_t* attributes) const {
    throw_if_failed(kspawn_builder_apply_np(descriptor(), actions, attributes));
    return *this;
}

const Builder& Builder::apply(const kspawn_spawn_file_actions_t* actions,
                              const kspawn_spawnattr_t* attributes,
                              std::error_code& error) const noexcept {
    error = internal::error_of(kspawn_builder_apply_np(descriptor(), actions, attributes));
    return *this;
}

const Builder& Builder::open(int child_number, const std::filesystem::path& path, int oflag,
                             mode_t mode) const {
    refuse_nul(path, "path");
    act(descriptor(), "open",
        [&](auto& actions) { actions.open(child_number, path.c_str(), oflag, mode); });
    return *this;
}

const Builder& Builder::close(int child_number) const {
    act(descriptor(), "close", [&](auto& actions) { actions.close(child_number); });
    return *this;
}

const Builder& Builder::close_from(int lowest) const {
    act(descriptor(), "close_from", [&](auto& actions) { actions.closefrom(lowest); });
    return *this;
}

const Builder& Builder::close_range(int first, int last) const {
    act(descriptor(), "close_range", [&](auto& actions) { actions.close_range(first, last); });
    return *this;
}

const Builder& Builder::dup2(int from, int to) const {
    act(descriptor(), "dup2", [&](auto& actions) { actions.dup2(from, to); });
    return *this;
}

const Builder& Builder::inherit(int child_number) const {
    act(descriptor(), "inherit", [&](auto& actions) { actions.inherit(child_number); });
    return *this;
}

const Builder& Builder::pass(int own, int child_number, bool close_on_exec) const {
    const int oflag = close_on_exec ? O_CLOEXEC : 0;
    act(descriptor(), "pass", [&](auto& actions) { actions.pass(own, child_number, oflag); });
    return *this;
}

const Builder& Builder::chdir(std::filesystem::path directory) const {
    apply_said(descriptor(), [&](Command& child) { child.current_dir(std::move(directory)); });
    return *this;
}

const Builder& Builder::chdir(int child_number) const {
    apply_said(descriptor(), [&](Command& child) { child.current_dir(child_number); });
    return *this;
}

const Builder& Builder::process_group(pid_t group) const {
    apply_said(descriptor(), [&](Command& child) { child.process_group(group); });
    return *this;
}

const Builder& Builder::new_session() const {
    apply_said(descriptor(), [&](Command& child) { child.new_session(); });
    return *this;
}

const Builder& Builder::foreground(int terminal) const {
    apply_said(descriptor(), [&](Command& child) { child.foreground(terminal); });
    return *this;
}

const Builder& Builder::signal_mask(const SignalSet& blocked) const {
    apply_said(descriptor(), [&](Command& child) { child.signal_mask(blocked); });
    return *this;
}

const Builder& Builder::default_signals(const SignalSet& signals) const {
    apply_said(descriptor(), [&](Command& child) { child.default_signals(signals); });
    return *this;
}

const Builder& Builder::ignore_signals(const SignalSet& signals) const {
    apply_said(descriptor(), [&](Command& child) { child.ignore_signals(signals); });
    return *this;
}

const Builder& Builder::reset_signals() const {
    apply_said(descriptor(), [&](Command& child) { child.reset_signals(); });
    return *this;
}

const Builder& Builder::scheduler(int policy, int priority) const {
    apply_said(descriptor(), [&](Command& child) { child.scheduler(policy, priority); });
    return *this;
}

const Builder& Builder::priority(int priority) const {
    apply_said(descriptor(), [&](Command& child) { child.priority(priority); });
    return *this;
}

const Builder& Builder::reset_ids() const {
    apply_said(descriptor(), [&](Command& child) { child.reset_ids(); });
    return *this;
}

Child Builder::start(const std::string& program, std::vector<std::string> arguments,
                     const std::optional<Variables>& environment) const {
    internal::Failure failure;
    Child child = start_in(descriptor(), program, std::move(arguments), environment, failure);
    failure.throw_if_any();
    return child;
}

Child Builder::start(const std::string& program, std::vector<std::string> arguments,
                     const std::optional<Variables>& environment, std::error_code& error) const {
    internal::Failure failure;
    Child child = start_in(descriptor(), program, std::move(arguments), environment, failure);
    error = internal::error_of(failure.error);
    return child;
}

} // namespace kspawn
