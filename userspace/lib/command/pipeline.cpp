// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/pipeline.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

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

std::vector<Child> Pipeline::start(Command::Failure& failure) const {
    std::vector<Child> children;
    children.reserve(commands_.size());
    if (commands_.empty())
        failure.prepare(EINVAL, "pipeline without a command");
    FileDescriptor input; // the read end of the pipe from the one before
    for (auto next = commands_.begin(); next != commands_.end(); ++next) {
        Command command = *next;
        if (input)
            command.stdin_from(Stdio::descriptor(std::exchange(input, {})));
        if (next + 1 != commands_.end()) {
            int error = 0;
            Pipe pipe = make_pipe(error);
            if (error != 0)
                failure.prepare(error, "pipe of a pipeline");
            input = std::move(pipe.read_end);
            command.stdout_to(Stdio::descriptor(std::move(pipe.write_end)));
        }
        if (failure.error == 0)
            children.push_back(command.start(failure));
        if (failure.error != 0) {
            children.resize(std::min<std::size_t>(
                children.size(), static_cast<std::size_t>(next - commands_.begin())));
            kill_and_reap(children);
            return {};
        }
    }
    return children;
}

std::vector<Child> Pipeline::spawn() const {
    Command::Failure failure;
    auto children = start(failure);
    failure.throw_if_any();
    return children;
}

std::vector<Child> Pipeline::spawn(std::error_code& error) const {
    Command::Failure failure;
    auto children = start(failure);
    error = internal::error_of(failure.error);
    return children;
}

std::vector<ExitStatus> Pipeline::status() const {
    auto children = spawn();
    close_pipes(children);
    return internal::checked("wait", [&](auto& error) { return wait_for_all(children, error); });
}

std::vector<ExitStatus> Pipeline::status(std::error_code& error) const {
    auto children = spawn(error);
    close_pipes(children);
    return wait_for_all(children, error);
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
    auto children = quiet.start(failure);
    quiet.commands_.clear(); // and with them our copies of the pipe for errors
    if (children.empty())
        return result;
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
