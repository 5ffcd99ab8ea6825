// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/spawn_async.h>
#include <kspawn/spawn_wait.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "environment.hpp"
#include "exit_status.hpp"
#include "lib/descriptor.hpp"
#include "objects.hpp"
#include "signal_names.hpp"
#include "waiting.hpp"

namespace kspawn::tool {

namespace {

using internal::Descriptor;

/// The file actions, and which option each is there for.
class ActionBuilder {
public:
    explicit ActionBuilder(FileActions& object) : object_(object.get()) {}

    void open(int number, const std::string& option, const std::string& file, int flags) {
        constexpr mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
        note(option + " " + file,
             kspawn_spawn_file_actions_addopen(object_, number, file.c_str(), flags, mode));
    }
    void inherit(int number) {
        note("--close-others", kspawn_spawn_file_actions_addinherit_np(object_, number));
    }
    void dup2(int from, int to, const std::string& option) {
        note(option, kspawn_spawn_file_actions_adddup2(object_, from, to));
    }
    void close_from(int number) {
        note("--close-from", kspawn_spawn_file_actions_addclosefrom_np(object_, number));
    }
    void chdir(const std::string& directory) {
        note("--chdir " + directory,
             kspawn_spawn_file_actions_addchdir(object_, directory.c_str()));
    }

    [[nodiscard]] const std::string* option_of(unsigned index) const {
        return index < options_.size() ? &options_[index] : nullptr;
    }

private:
    void note(const std::string& option, int error) {
        check(error, option.c_str());
        options_.push_back(option);
    }

    kspawn_spawn_file_actions_t* object_;
    std::vector<std::string> options_;
};

void add_standard_streams(const RunOptions& options, ActionBuilder& actions) {
    const int write = O_WRONLY | O_CREAT | (options.append ? O_APPEND : O_TRUNC);
    if (options.standard_input)
        actions.open(STDIN_FILENO, "--stdin", *options.standard_input, O_RDONLY);
    else if (options.close_others)
        actions.inherit(STDIN_FILENO); // named, so not closed
    if (options.standard_output)
        actions.open(STDOUT_FILENO, "--stdout", *options.standard_output, write);
    else if (options.close_others)
        actions.inherit(STDOUT_FILENO);
    // Opened twice, each would write over what the other has written.
    if (options.standard_error && options.standard_error == options.standard_output)
        actions.dup2(STDOUT_FILENO, STDERR_FILENO, "--stderr " + *options.standard_error);
    else if (options.standard_error)
        actions.open(STDERR_FILENO, "--stderr", *options.standard_error, write);
    else if (options.close_others)
        actions.inherit(STDERR_FILENO);
}

void add_actions(const RunOptions& options, ActionBuilder& actions) {
    add_standard_streams(options, actions);
    if (options.close_from)
        actions.close_from(*options.close_from);
    if (options.directory)
        actions.chdir(*options.directory);
}

sigset_t set_of(const std::vector<int>& signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    return set;
}

/// Gathers flags and values; commit() puts the flags into the object.
class AttributeBuilder {
public:
    explicit AttributeBuilder(Attributes& object) : object_(object.get()) {}

    void signals(const RunOptions& options, const Relay& relay) {
        // Ours is not the one to inherit: the relay has changed it.
        sigset_t mask = relay.original_mask();
        for (const int number : options.block_signal)
            sigaddset(&mask, number);
        check(kspawn_spawnattr_setsigmask(object_, &mask), "signal mask");
        flags_ |= KSPAWN_SPAWN_SETSIGMASK;

        sigset_t defaults = set_of(options.default_signal);
        if (options.default_signals) {
            // Not sigfillset(): it leaves out the two that libc keeps for itself,
            // and glibc's posix_spawn() may have started us with them ignored.
            std::memset(&defaults, 0xff, sizeof(defaults));
        }
        if (sigisemptyset(&defaults) == 0) {
            check(kspawn_spawnattr_setsigdefault(object_, &defaults), "default signals");
            flags_ |= KSPAWN_SPAWN_SETSIGDEF;
        }

        sigset_t ignored = set_of(options.ignore_signal);
        // libc cannot ignore a signal in the program alone.
        if (relay.sigchld_was_ignored() && sigismember(&defaults, SIGCHLD) == 0 &&
            kspawn_effective_backend() == KSPAWN_BACKEND_KERNEL)
            sigaddset(&ignored, SIGCHLD);
        if (sigisemptyset(&ignored) == 0) {
            check(kspawn_spawnattr_setsigignore_np(object_, &ignored), "ignored signals");
            flags_ |= KSPAWN_SPAWN_SETSIGIGN_NP;
        }
    }

    void identity(const RunOptions& options) {
        if (options.process_group) {
            check(kspawn_spawnattr_setpgroup(object_, *options.process_group), "--pgroup");
            flags_ |= KSPAWN_SPAWN_SETPGROUP;
        }
        if (options.session)
            flags_ |= KSPAWN_SPAWN_SETSID;
        if (options.reset_ids)
            flags_ |= KSPAWN_SPAWN_RESETIDS;
        if (options.close_others)
            flags_ |= KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP;
    }

    void scheduling(const Scheduling& wanted) {
        check(kspawn_spawnattr_setschedpolicy(object_, wanted.policy), "--sched");
        sched_param parameters{};
        parameters.sched_priority = wanted.priority;
        check(kspawn_spawnattr_setschedparam(object_, &parameters), "--sched");
        flags_ |= KSPAWN_SPAWN_SETSCHEDULER;
    }

    void cgroup(const std::string& directory) {
        cgroup_ = Descriptor{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!cgroup_)
            throw std::system_error(errno, std::generic_category(), "--cgroup " + directory);
        check(kspawn_spawnattr_setcgroup_np(object_, cgroup_.get()), "--cgroup");
        flags_ |= KSPAWN_SPAWN_SETCGROUP;
    }

    void commit() {
        check(kspawn_spawnattr_setflags(object_, static_cast<short>(flags_)), "attributes");
    }

private:
    kspawn_spawnattr_t* object_;
    int flags_ = 0;
    Descriptor cgroup_;
};

Environment environment_for(const RunOptions& options) {
    auto environment = Environment::inherited();
    if (options.clear_environment)
        environment.clear();
    for (const auto& name : options.unset)
        environment.remove(name);
    for (const auto& assignment : options.set)
        environment.set(assignment);
    return environment;
}

// Where to search, as env(1) does: in the PATH that the program will see.
std::optional<std::string> search_list(const RunOptions& options, const Environment& environment) {
    if (options.no_search)
        return {};
    if (options.search)
        return options.search;
    return environment.search_list();
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
    case KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP:
        return "--close-others";
    default:
        return {};
    }
}

// In words of the command line, and not of the library's objects.
std::string words_of(const kspawn_failure& failure, const std::string& words,
                     const RunOptions& options, const ActionBuilder& actions) {
    std::string option;
    if (failure.step == KSPAWN_STEP_ACTION) {
        if (const auto* const found = actions.option_of(failure.index))
            option = *found;
    } else if (failure.step == KSPAWN_STEP_ATTRIBUTE) {
        option = option_of_attribute(failure.index, options);
    }
    if (failure.step == KSPAWN_STEP_ATTRIBUTE && failure.error == EBADF &&
        failure.index == KSPAWN_SPAWN_SETCGROUP)
        return option + ": not a directory of cgroup version 2";
    if (failure.step == KSPAWN_STEP_DEVICE)
        return words + "; kspawn doctor says what to do, and --backend auto lets libc start it";
    // The error and what is remarked on it.
    const auto tail = words.rfind(std::string(": ") + std::strerror(failure.error));
    return option.empty() || tail == std::string::npos ? words : option + words.substr(tail);
}

int exit_status_of(const kspawn_failure& failure) {
    const bool about_program =
        failure.step == KSPAWN_STEP_EXEC ||
        (failure.step == KSPAWN_STEP_COPY && failure.index == KSPAWN_ARG_PATH);
    if (!about_program)
        return exit_failed;
    return failure.error == ENOENT ? exit_not_found : exit_not_executable;
}

int exit_status_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? exit_signal + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}

/// What a start needs, and what became of it.
struct Start {
    const char* program;
    const char* search;
    kspawn_spawn_file_actions_t* actions;
    kspawn_spawnattr_t* attributes;
    char* const* argv;
    char* const* envp;

    kspawn_failure failure{}; // error 0: it was started
    std::string words{};
    int status = 0;

    void failed() {
        failure = *kspawn_last_failure();
        words = kspawn_strfailure();
    }
};

void report_start(const Start& start) {
    fmt::print(stderr, "kspawn: started {} as process {}{}\n", start.program, Relay::pid(),
               kspawn_last_backend() == KSPAWN_BACKEND_LIBC ? " through libc" : "");
}

void spawn_and_wait(Start& start, bool verbose) {
    const int error = kspawn_spawn_wait_np(Relay::pid_at(), Relay::pidfd_at(), &start.status,
                                           nullptr, start.program, start.search, start.actions,
                                           start.attributes, start.argv, start.envp);
    if (error != 0 && kspawn_last_failure()->step != KSPAWN_STEP_WAIT) {
        start.failed();
        return;
    }
    if (verbose)
        report_start(start);
    if (error != 0) // a signal, which was passed on
        start.status = Relay::wait();
}

void spawn_then_wait(Start& start, bool verbose) {
    {
        const Relay::Hold hold;
        if (kspawn_spawn_search_np(Relay::pid_at(), Relay::pidfd_at(), start.program, start.search,
                                   start.actions, start.attributes, start.argv, start.envp) != 0) {
            start.failed();
            return;
        }
    }
    if (verbose)
        report_start(start);
    start.status = Relay::wait();
}

// Whether the program was executed.
bool completed(Start& start, int completion) {
    kspawn_event event{};
    size_t count = 0;
    int error = 0;
    while ((error = kspawn_completion_read_np(completion, &event, 1, &count)) == EINTR) {
    }
    check(error, "completion descriptor");
    if (event.error == 0)
        return true;
    start.failure = {event.error, event.step, event.index};
    std::array<char, KSPAWN_FAILURE_WORDS_MAX> words{};
    kspawn_strevent_np(&event, start.program, start.search, start.actions, start.attributes,
                       words.data(), words.size());
    start.words = words.data();
    return false;
}

void spawn_asynchronously(Start& start, bool verbose) {
    int number = -1;
    if (kspawn_completion_open_np(&number, 1, 0) != 0) {
        start.failed();
        return;
    }
    const Descriptor completion{number};
    {
        const Relay::Hold hold;
        if (kspawn_spawn_async_np(Relay::pid_at(), Relay::pidfd_at(), number, 0, start.program,
                                  start.search, start.actions, start.attributes, start.argv,
                                  start.envp) != 0) {
            start.failed();
            return;
        }
    }
    if (verbose)
        report_start(start);
    if (completed(start, number))
        start.status = Relay::wait();
}

void report_end(pid_t pid, int wait_status) {
    if (WIFSIGNALED(wait_status))
        fmt::print(stderr, "kspawn: {} was killed by SIG{}\n", pid,
                   signal_name(WTERMSIG(wait_status)));
    else
        fmt::print(stderr, "kspawn: {} exited with {}\n", pid, WEXITSTATUS(wait_status));
}

} // namespace

int run(RunOptions options) {
    const Relay relay;
    FileActions actions;
    Attributes attributes;
    ActionBuilder action_builder{actions};
    add_actions(options, action_builder);
    if (options.backend)
        check(kspawn_set_backend(*options.backend), "--backend");
    AttributeBuilder builder{attributes};
    builder.signals(options, relay);
    builder.identity(options);
    if (options.scheduling)
        builder.scheduling(*options.scheduling);
    if (options.cgroup)
        builder.cgroup(*options.cgroup);
    builder.commit();

    auto environment = environment_for(options);
    const auto search = search_list(options, environment);
    const std::string program = options.command.front();
    if (options.argv0)
        options.command.front() = *options.argv0;
    const auto argv = pointers_to(options.command);
    const auto envp = environment.pointers();

    Start start{.program = program.c_str(),
                .search = search ? search->c_str() : nullptr,
                .actions = actions.get(),
                .attributes = attributes.get(),
                .argv = argv.data(),
                .envp = envp.data()};
    switch (options.call) {
    case StartBy::wait:
        spawn_and_wait(start, options.verbose);
        break;
    case StartBy::spawn:
        spawn_then_wait(start, options.verbose);
        break;
    case StartBy::async:
        spawn_asynchronously(start, options.verbose);
        break;
    }
    if (start.failure.error != 0) {
        fmt::print(stderr, "kspawn: {}\n",
                   words_of(start.failure, start.words, options, action_builder));
        return exit_status_of(start.failure);
    }
    if (options.verbose)
        report_end(Relay::pid(), start.status);
    return exit_status_of(start.status);
}

} // namespace kspawn::tool
