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
#include "failure.hpp"
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

} // namespace

void Pipeline::close_pipes(std::vector<Child>& children) noexcept {
    for (auto& child : children)
        child.close_pipes();
}

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

/// Gives the terminal back.
class Pipeline::Foreground {
public:
    explicit Foreground(const Pipeline& pipeline) noexcept
        : terminal_(pipeline.foreground_ ? pipeline.terminal_ : -1) {}
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

Pipeline& Pipeline::all_or_none(bool wanted) {
    all_or_none_ = wanted;
    return *this;
}

Pipeline& Pipeline::process_group(bool wanted) {
    process_group_ = wanted;
    return *this;
}

Pipeline& Pipeline::foreground(int terminal) {
    terminal_ = terminal;
    foreground_ = true;
    return *this;
}

Pipeline& Pipeline::pipefail(bool wanted) {
    pipefail_ = wanted;
    return *this;
}

// The commands as they are started: with the ends of the pipes between them.
std::vector<Command> Pipeline::connected() const {
    auto commands = commands_;
    for (auto& command : commands) {
        if (&command != &commands.front())
            command.stdin_from(Stdio(Stdio::Kind::given));
        if (&command != &commands.back())
            command.stdout_to(Stdio(Stdio::Kind::given));
        if (foreground_)
            command.foreground(terminal_);
    }
    return commands;
}

std::vector<Child> Pipeline::start(unsigned flags, Command::Failure& failure) const {
    if (commands_.empty()) {
        failure.prepare(EINVAL, "pipeline without a command");
        return {};
    }
    flags |= KSPAWN_BATCH_PIPES;
    if (all_or_none_)
        flags |= KSPAWN_BATCH_ALL_OR_NONE;
    if (process_group_ || foreground_)
        flags |= KSPAWN_BATCH_PGROUP;
    Foreground foreground(*this);
    auto children = Command::start_batch(connected(), flags, failure);
    if (failure.error != 0)
        kill_and_reap(children);
    else
        foreground.keep();
    return children;
}

std::vector<Child> Pipeline::spawn() const {
    Command::Failure failure;
    auto children = start(0, failure);
    failure.throw_if_any();
    return children;
}

std::vector<Child> Pipeline::spawn(std::error_code& error) const {
    Command::Failure failure;
    auto children = start(0, failure);
    error = internal::error_of(failure.error);
    return children;
}

bool Pipeline::has_pipes() const noexcept {
    return std::any_of(commands_.begin(), commands_.end(),
                       [](const Command& command) { return command.has_pipes(); });
}

std::vector<ExitStatus> Pipeline::wait(Command::Failure& failure, std::error_code& error) const {
    error.clear();
    // Somebody has to close the pipes before that.
    auto children = start(has_pipes() ? 0 : KSPAWN_BATCH_WAIT, failure);
    if (failure.error != 0)
        return {};
    const Foreground foreground(*this);
    close_pipes(children);
    return wait_for_all(children, error);
}

std::vector<ExitStatus> Pipeline::status() const {
    Command::Failure failure;
    std::error_code error;
    auto statuses = wait(failure, error);
    failure.throw_if_any(error);
    return statuses;
}

std::vector<ExitStatus> Pipeline::status(std::error_code& error) const {
    Command::Failure failure;
    auto statuses = wait(failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return statuses;
}

ExitStatus Pipeline::exit_status() const {
    return pipeline_status(status(), pipefail_);
}

ExitStatus Pipeline::exit_status(std::error_code& error) const {
    return pipeline_status(status(error), pipefail_);
}

PipelineOutput Pipeline::output(std::string_view input) const {
    Command::Failure failure;
    std::error_code error;
    auto result = collect(input, failure, error);
    failure.throw_if_any();
    if (error)
        throw std::system_error(error, "pipeline");
    return result;
}

PipelineOutput Pipeline::output(std::string_view input, std::error_code& error) const {
    Command::Failure failure;
    auto result = collect(input, failure, error);
    if (failure.error != 0)
        error = internal::error_of(failure.error);
    return result;
}

PipelineOutput Pipeline::collect(std::string_view input, Command::Failure& failure,
                                 std::error_code& error) const {
    PipelineOutput result;
    error.clear();
    int pipe_error = 0;
    Pipe errors = make_pipe(pipe_error);
    if (pipe_error != 0) {
        failure.prepare(pipe_error, "pipe of a pipeline");
        return result;
    }
    Pipeline quiet = *this;
    {
        const auto shared = Stdio::descriptor(std::move(errors.write_end));
        for (auto& command : quiet.commands_)
            if (!command.says(2))
                command.stderr_to(shared);
    }
    if (!quiet.commands_.empty()) {
        auto& first = quiet.commands_.front();
        if (!first.says(0))
            first.stdin_from(input.empty() ? Stdio::null() : Stdio::pipe());
        auto& last = quiet.commands_.back();
        if (!last.says(1))
            last.stdout_to(Stdio::pipe());
    }
    auto children = quiet.start(0, failure);
    quiet.commands_.clear(); // and with them our copies of the pipe for errors
    if (children.empty())
        return result;
    const Foreground foreground(*this);
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

Pipeline pipeline(std::vector<Command> commands) {
    return Pipeline(std::move(commands));
}

} // namespace kspawn
