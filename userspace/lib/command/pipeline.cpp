// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/pipeline.hpp>

#include <fcntl.h>
#include <kspawn/batch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../signals_blocked.hpp"
#include "checked.hpp"
#include "child_state.hpp"
#include "command_state.hpp"
#include "stdio_state.hpp"
#include "transfer.hpp"

namespace kspawn {

namespace {

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Pipe make_pipe(int& error) noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        error = errno;
        return {};
    }
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

void kill_and_reap(std::vector<Child>& children) noexcept {
    std::error_code ignored;
    for (auto& child : children)
        child.kill(SIGKILL, ignored);
    for (auto& child : children)
        child.wait(ignored);
    children.clear();
}

// All are waited for, even if that fails for one; the first error is told.
std::vector<ExitStatus> wait_for_all(std::vector<Child>& children, std::error_code& error) {
    std::vector<ExitStatus> statuses;
    for (auto& child : children) {
        std::error_code one;
        statuses.push_back(child.wait(one));
        if (one && !error)
            error = one;
    }
    return statuses;
}

void close_pipes(std::vector<Child>& children) noexcept {
    for (auto& child : children)
        internal::Access::state(child).pipes.clear();
}

} // namespace

bool PipelineOutput::success() const noexcept {
    return !statuses.empty() &&
           std::all_of(statuses.begin(), statuses.end(),
                       [](const ExitStatus& status) { return status.success(); });
}

ExitStatus pipeline_status(const std::vector<ExitStatus>& statuses, bool pipefail) noexcept {
    if (statuses.empty())
        return ExitStatus();
    const auto failed = std::find_if(statuses.rbegin(), statuses.rend(),
                                     [](const ExitStatus& status) { return !status.success(); });
    return pipefail && failed != statuses.rend() ? *failed : statuses.back();
}

namespace {

/// Gives the terminal back.
class Foreground {
public:
    /// @param terminal a negative one: there is none to give back
    explicit Foreground(int terminal) noexcept : terminal_(terminal) {}
    Foreground(const Foreground&) = delete;
    Foreground& operator=(const Foreground&) = delete;
    Foreground(Foreground&&) = delete;
    Foreground& operator=(Foreground&&) = delete;
    ~Foreground() {
        if (terminal_ < 0)
            return;
        // We are in the background by now, and would be stopped.
        const internal::AllBlocked no_stop;
        ::tcsetpgrp(terminal_, ::getpgrp());
    }
    /// The programs have it.
    void keep() noexcept { terminal_ = -1; }

private:
    int terminal_;
};

} // namespace

struct KSPAWN_HIDDEN Pipeline::State {
    using Failure = internal::Failure;

    [[nodiscard]] std::vector<Command> connected() const;
    [[nodiscard]] bool has_pipes() const noexcept;
    [[nodiscard]] int terminal_to_give_back() const noexcept { return foreground ? terminal : -1; }
    std::vector<Child> start(unsigned flags, Failure& failure) const;
    std::vector<ExitStatus> wait(Failure& failure, std::error_code& error) const;
    PipelineOutput collect(std::string_view input, Failure& failure, std::error_code& error) const;

    std::vector<Command> commands;
    bool all_or_none = false;
    bool process_group = false;
    bool pipefail = false;
    int terminal = -1; // negative: none
    bool foreground = false;
};

Pipeline::Pipeline(std::vector<Command> commands)
    : state_(std::make_unique<State>(State{.commands = std::move(commands)})) {}
Pipeline::Pipeline(const Pipeline& other)
    : state_(other.state_ ? std::make_unique<State>(*other.state_) : nullptr) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(const Pipeline& other) {
    return *this = Pipeline(other);
}
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

Pipeline& Pipeline::all_or_none(bool wanted) {
    state_->all_or_none = wanted;
    return *this;
}

Pipeline& Pipeline::process_group(bool wanted) {
    state_->process_group = wanted;
    return *this;
}

Pipeline& Pipeline::foreground(int terminal) {
    state_->terminal = terminal;
    state_->foreground = true;
    return *this;
}

Pipeline& Pipeline::pipefail(bool wanted) {
    state_->pipefail = wanted;
    return *this;
}

// The commands as they are started: with the ends of the pipes between them.
std::vector<Command> Pipeline::State::connected() const {
    auto connected = commands;
    for (auto& command : connected) {
        if (&command != &connected.front())
            command.stdin_from(Stdio::State::of_kind(Stdio::State::Kind::given));
        if (&command != &connected.back())
            command.stdout_to(Stdio::State::of_kind(Stdio::State::Kind::given));
        if (foreground)
            command.foreground(terminal);
    }
    return connected;
}

std::vector<Child> Pipeline::State::start(unsigned flags, Failure& failure) const {
    if (commands.empty()) {
        failure.prepare(EINVAL, "pipeline without a command");
        return {};
    }
    flags |= KSPAWN_BATCH_PIPES;
    if (all_or_none)
        flags |= KSPAWN_BATCH_ALL_OR_NONE;
    if (process_group || foreground)
        flags |= KSPAWN_BATCH_PGROUP;
    Foreground lent(terminal_to_give_back());
    auto children = Command::State::start_batch(connected(), flags, failure);
    if (failure.error != 0)
        kill_and_reap(children);
    else
        lent.keep();
    return children;
}

std::vector<Child> Pipeline::spawn() const {
    internal::Failure failure;
    auto children = state_->start(0, failure);
    failure.throw_if_any();
    return children;
}

std::vector<Child> Pipeline::spawn(std::error_code& error) const {
    internal::Failure failure;
    auto children = state_->start(0, failure);
    error = internal::error_of(failure.error);
    return children;
}

bool Pipeline::State::has_pipes() const noexcept {
    return std::any_of(commands.begin(), commands.end(), [](const Command& command) {
        return internal::Access::state(command).has_pipes();
    });
}

std::vector<ExitStatus> Pipeline::State::wait(Failure& failure, std::error_code& error) const {
    error.clear();
    // Somebody has to close the pipes before that.
    auto children = start(has_pipes() ? 0 : KSPAWN_BATCH_WAIT, failure);
    if (failure.error != 0)
        return {};
    const Foreground lent(terminal_to_give_back());
    close_pipes(children);
    return wait_for_all(children, error);
}

std::vector<ExitStatus> Pipeline::status() const {
    internal::Failure failure;
    std::error_code error;
    auto statuses = state_->wait(failure, error);
    failure.throw_if_any(error);
    return statuses;
}

std::vector<ExitStatus> Pipeline::status(std::error_code& error) const {
    internal::Failure failure;
    auto statuses = state_->wait(failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return statuses;
}

ExitStatus Pipeline::exit_status() const {
    return pipeline_status(status(), state_->pipefail);
}

ExitStatus Pipeline::exit_status(std::error_code& error) const {
    return pipeline_status(status(error), state_->pipefail);
}

PipelineOutput Pipeline::output(std::string_view input) const {
    internal::Failure failure;
    std::error_code error;
    auto result = state_->collect(input, failure, error);
    failure.throw_if_any();
    if (error)
        throw std::system_error(error, "pipeline");
    return result;
}

PipelineOutput Pipeline::output(std::string_view input, std::error_code& error) const {
    internal::Failure failure;
    auto result = state_->collect(input, failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return result;
}

PipelineOutput Pipeline::State::collect(std::string_view input, Failure& failure,
                                        std::error_code& error) const {
    PipelineOutput result;
    error.clear();
    int pipe_error = 0;
    Pipe errors = make_pipe(pipe_error);
    if (pipe_error != 0) {
        failure.prepare(pipe_error, "pipe of a pipeline");
        return result;
    }
    State quiet = *this;
    {
        const auto shared = Stdio::descriptor(std::move(errors.write_end));
        for (auto& command : quiet.commands)
            if (!internal::Access::state(command).says(2))
                command.stderr_to(shared);
    }
    if (!quiet.commands.empty()) {
        auto& first = quiet.commands.front();
        if (!internal::Access::state(first).says(0))
            first.stdin_from(input.empty() ? Stdio::null() : Stdio::pipe());
        auto& last = quiet.commands.back();
        if (!internal::Access::state(last).says(1))
            last.stdout_to(Stdio::pipe());
    }
    auto children = quiet.start(0, failure);
    quiet.commands.clear(); // and with them our copies of the pipe for errors
    if (children.empty())
        return result;
    const Foreground lent(terminal_to_give_back());
    internal::Transfer transfer;
    transfer.write(children.front().stdin_pipe(), input);
    transfer.read(children.back().stdout_pipe(), result.out);
    transfer.read(errors.read_end, result.err);
    // A command that has a pipe of its own fills it, if nobody reads.
    for (auto& child : children)
        transfer.read(child.stderr_pipe(), result.err);
    close_pipes(children);
    transfer.run(error);
    if (!error)
        result.statuses = wait_for_all(children, error);
    return result;
}

std::string Pipeline::shell_line() const {
    std::string line;
    for (const auto& command : state_->commands) {
        const auto one = command.shell_line();
        line += line.empty() ? "" : " | ";
        // A change of the directory is one of this program alone.
        line += command.directory() ? "(" + one + ")" : one;
    }
    return line;
}

Pipeline pipeline(std::vector<Command> commands) {
    return Pipeline(std::move(commands));
}

} // namespace kspawn
