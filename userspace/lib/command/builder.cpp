// SPDX-License-Identifier: LGPL-2.1-or-later
// A builder: each operation is a list of one.
#include <kspawn/builder.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "checked.hpp"
#include "failed_step.hpp"
#include "failure.hpp"
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

template <class Add>
const Builder& Builder::act(const char* name, Add add) const {
    internal::FileActions actions;
    add(actions);
    check(actions.error(), name);
    return apply(actions.get());
}

const Builder& Builder::apply(const Command& command) const {
    Command::Failure failure;
    command.apply_to(descriptor(), failure);
    failure.throw_if_any();
    return *this;
}

const Builder& Builder::open(int child_number, const std::filesystem::path& path, int oflag,
                             mode_t mode) const {
    refuse_nul(path, "path");
    return act("open",
               [&](auto& actions) { actions.open(child_number, path.c_str(), oflag, mode); });
}

const Builder& Builder::close(int child_number) const {
    return act("close", [&](auto& actions) { actions.close(child_number); });
}

const Builder& Builder::close_from(int lowest) const {
    return act("close_from", [&](auto& actions) { actions.closefrom(lowest); });
}

const Builder& Builder::close_range(int first, int last) const {
    return act("close_range", [&](auto& actions) { actions.close_range(first, last); });
}

const Builder& Builder::dup2(int from, int to) const {
    return act("dup2", [&](auto& actions) { actions.dup2(from, to); });
}

const Builder& Builder::inherit(int child_number) const {
    return act("inherit", [&](auto& actions) { actions.inherit(child_number); });
}

const Builder& Builder::pass(int own, int child_number, bool close_on_exec) const {
    const int oflag = close_on_exec ? O_CLOEXEC : 0;
    return act("pass", [&](auto& actions) { actions.pass(own, child_number, oflag); });
}

// Arguments and environment are said as in a Command.
Child Builder::start(const std::string& program, std::vector<std::string> arguments,
                     const std::optional<Variables>& environment, Command::Failure& failure) const {
    Command command(program);
    command.args(std::move(arguments));
    if (environment)
        command.env_clear().envs(*environment);
    return command.start_in(descriptor(), failure);
}

Child Builder::start(const std::string& program, std::vector<std::string> arguments,
                     const std::optional<Variables>& environment) const {
    Command::Failure failure;
    Child child = start(program, std::move(arguments), environment, failure);
    failure.throw_if_any();
    return child;
}

Child Builder::start(const std::string& program, std::vector<std::string> arguments,
                     const std::optional<Variables>& environment, std::error_code& error) const {
    Command::Failure failure;
    Child child = start(program, std::move(arguments), environment, failure);
    error = internal::error_of(failure.error);
    return child;
}

} // namespace kspawn
