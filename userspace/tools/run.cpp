// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/command.hpp>
#include <kspawn/spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "exit_code.hpp"
#include "run_state.hpp"
#include "signal_names.hpp"
#include "waiting.hpp"

namespace kspawn::tool {

namespace {

// Says what is to be done to descriptors and the working directory, and returns which
// option each file action is there for, in the order in which a Command makes them.
std::vector<std::string> say_actions(Command& command, const RunOptions& options,
                                     const Namespaces& namespaces) {
    std::vector<std::string> said;
    const auto stream = [&](int number, const char* option, const std::optional<std::string>& file,
                            int flags) {
        constexpr mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
        if (file) {
            command.descriptor(number, Stdio::file(*file, flags, mode));
            said.push_back(fmt::format("{} {}", option, *file));
        } else if (options.close_others) { // close-on-exec or not
            command.descriptor(number, Stdio::inherit_if_open());
            said.emplace_back("--close-others");
        }
    };
    const int write = O_WRONLY | O_CREAT | (options.append ? O_APPEND : O_TRUNC);
    // Opened twice, each would write over what the other has written.
    const bool one_file =
        options.standard_error && options.standard_error == options.standard_output;
    stream(STDIN_FILENO, "--stdin", options.standard_input, O_RDONLY);
    stream(STDOUT_FILENO, "--stdout", options.standard_output, write);
    if (!one_file)
        stream(STDERR_FILENO, "--stderr", options.standard_error, write);
    say_state(command, options.state, namespaces, said);
    if (options.directory) {
        command.current_dir(*options.directory);
        said.push_back("--chdir " + *options.directory);
    }
    if (one_file) {
        command.stderr_to(Stdio::same_as(STDOUT_FILENO));
        said.push_back("--stderr " + *options.standard_error);
    }
    if (options.close_from) {
        command.close_from(*options.close_from);
        said.emplace_back("--close-from");
    }
    if (options.kept) {
        command.close_from_except(STDERR_FILENO + 1, *options.kept);
        said.emplace_back("--close-except");
    }
    if (options.close_others) {
        command.close_other_descriptors();
        said.emplace_back("--close-others");
    }
    return said;
}

sigset_t set_of(const std::vector<int>& signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    return set;
}

void say_signals(Command& command, const RunOptions& options, const Relay& relay) {
    const sigset_t defaults = set_of(options.default_signal);
    if (options.default_signals)
        command.reset_signals(); // but for the mask
    else if (sigisemptyset(&defaults) == 0)
        command.default_signals(defaults);

    // Ours is not the one to inherit: the relay has changed it.
    sigset_t mask = relay.original_mask();
    for (const int number : options.block_signal)
        sigaddset(&mask, number);
    command.signal_mask(mask);

    sigset_t ignored = set_of(options.ignore_signal);
    const bool sigchld_is_default = options.default_signals || sigismember(&defaults, SIGCHLD) == 1;
    if (relay.ignores_sigchld() && !sigchld_is_default)
        sigaddset(&ignored, SIGCHLD);
    if (sigisemptyset(&ignored) == 0)
        command.ignore_signals(ignored);
}

// Changes our own environment, which PROGRAM inherits: Command::env() would put the
// variables in the order of their names.
void change_environment(const RunOptions& options) {
    kspawn_get_backend(); // reads KSPAWN_BACKEND before --env can change it
    if (options.clear_environment)
        ::clearenv();
    for (const auto& name : options.unset)
        ::unsetenv(name.c_str());
    for (const auto& assignment : options.set) {
        const auto equals = assignment.find('=');
        const auto name = assignment.substr(0, equals);
        ::unsetenv(name.c_str()); // so that setenv() puts it at the end
        if (::setenv(name.c_str(), assignment.c_str() + equals + 1, 1) != 0)
            throw std::system_error(errno, std::generic_category(), "--env " + assignment);
    }
}

// PROGRAM is searched for as env(1) does it: in the PATH that the program will see.
void say_program(Command& command, const RunOptions& options) {
    command.args({options.command.begin() + 1, options.command.end()});
    if (options.argv0)
        command.arg0(*options.argv0);
    if (options.no_search || options.search)
        command.search(options.search);
    if (options.process_group)
        command.process_group(*options.process_group);
    command.new_session(options.session).reset_ids(options.reset_ids);
    if (options.scheduling)
        command.scheduler(options.scheduling->policy, options.scheduling->priority);
    if (options.cgroup)
        command.cgroup(*options.cgroup);
}

// Which option an attribute is there for.
std::string option_of_attribute(unsigned flag, const RunOptions& options) {
    switch (flag) {
    case KSPAWN_SPAWN_SETPGROUP:
        return options.process_group.value_or(0) == 0
                   ? "--pgroup"
                   : fmt::format("--pgroup={}", *options.process_group);
    case KSPAWN_SPAWN_SETSID:
        return "--setsid";
    case KSPAWN_SPAWN_RESETIDS:
        return "--reset-ids";
    case KSPAWN_SPAWN_SETSCHEDULER:
        return "--sched " + options.scheduling_text;
    case KSPAWN_SPAWN_SETCGROUP:
        return "--cgroup " + options.cgroup.value_or("");
    case KSPAWN_SPAWN_SETSIGIGN_NP:
        return "--ignore-signal";
    default:
        return {};
    }
}

// In words of the command line, and not of the library's objects.
std::string words_of(const SpawnError& error, const RunOptions& options,
                     const std::vector<std::string>& actions) {
    std::string option;
    if (error.step() == Step::action && error.index() < actions.size())
        option = actions[error.index()];
    else if (error.step() == Step::attribute || error.step() == Step::prepare)
        option = option_of_attribute(error.index(), options);
    if (error.step() == Step::attribute && error.index() == KSPAWN_SPAWN_SETCGROUP &&
        error.code() == std::errc::bad_file_descriptor)
        return option + ": not a directory of cgroup version 2";
    if (error.step() == Step::prepare)
        return option.empty() ? error.what() : option + ": " + error.code().message();
    const kspawn_words* const said = kspawn_failure_words();
    const auto words =
        fmt::format("{}: {}{}", option.empty() ? said->subject : option, said->error, said->remark);
    return error.step() == Step::device
               ? words + "; kspawn doctor says what to do, and --backend auto lets libc start it"
               : words;
}

} // namespace

int exit_status_of(const SpawnError& error) {
    const bool about_program = error.step() == Step::exec ||
                               (error.step() == Step::copy && error.index() == KSPAWN_ARG_PATH);
    if (!about_program)
        return exit_failed;
    return error.code() == std::errc::no_such_file_or_directory ? exit_not_found
                                                                : exit_not_executable;
}

namespace {

/// A program that is started and waited for by one of the library's calls.
class Program {
public:
    Program(const Command& command, const RunOptions& options)
        : command_(command), options_(options) {}

    kspawn::ExitStatus run() {
        if (options_.call == StartBy::wait) {
            const auto status = command_.status(Relay::pid(), Relay::pidfd());
            report_start();
            return status;
        }
        {
            const Relay::Hold hold;
            child_ = options_.call == StartBy::spawn ? command_.spawn() : spawn_asynchronously();
            Relay::pid() = child_.pid();
            Relay::pidfd() = child_.pidfd();
        }
        report_start();
        return child_.wait();
    }

private:
    [[nodiscard]] Child spawn_asynchronously() const {
        CompletionQueue queue{1};
        Child child;
        command_.spawn_async(queue, [&](SpawnResult result) { child = std::move(result).value(); });
        queue.wait();
        return child;
    }

    void report_start() const {
        if (options_.verbose)
            fmt::print(stderr, "kspawn: started {} as process {}{}\n", options_.command.front(),
                       Relay::pid(),
                       kspawn_last_backend() == KSPAWN_BACKEND_LIBC ? " through libc" : "");
    }

    const Command& command_;
    const RunOptions& options_;
    Child child_; // to the end: handlers use its pidfd
};

} // namespace

void report_end(pid_t pid, kspawn::ExitStatus status) {
    if (const auto signal = status.signal())
        fmt::print(stderr, "kspawn: {} was killed by SIG{}\n", pid, signal_name(*signal));
    else
        fmt::print(stderr, "kspawn: {} exited with {}\n", pid, *status.code());
}

int run(const RunOptions& options) {
    if (options.backend && kspawn_set_backend(*options.backend) != 0)
        throw std::system_error(EINVAL, std::generic_category(), "--backend");
    Command command(options.command.front());
    Program program(command, options);
    const Relay relay;
    say_program(command, options);
    change_environment(options);
    say_signals(command, options, relay);
    const auto namespaces = open_namespaces(options.state);
    const auto actions = say_actions(command, options, namespaces);
    try {
        const auto status = program.run();
        if (options.verbose)
            report_end(Relay::pid(), status);
        return status.shell_code();
    } catch (const SpawnError& error) {
        fmt::print(stderr, "kspawn: {}\n", words_of(error, options, actions));
        return exit_status_of(error);
    }
}

} // namespace kspawn::tool
