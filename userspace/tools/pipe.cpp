// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/pipeline.hpp>
#include <kspawn/uapi.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "exit_code.hpp"
#include "lib/signals_blocked.hpp"
#include "pipe_options.hpp"
#include "run.hpp"
#include "waiting.hpp"

namespace kspawn::tool {

namespace {

/// The terminal, which is given back.
class Terminal {
public:
    explicit Terminal(bool wanted) {
        if (!wanted)
            return;
        descriptor_ = FileDescriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC));
        if (!descriptor_)
            throw std::system_error(errno, std::generic_category(), "--foreground: /dev/tty");
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    Terminal(Terminal&&) = delete;
    Terminal& operator=(Terminal&&) = delete;
    ~Terminal() {
        if (!descriptor_)
            return;
        // We are in the background by now, and would be stopped.
        const internal::AllBlocked no_stop;
        ::tcsetpgrp(descriptor_.get(), ::getpgrp());
    }
    [[nodiscard]] int get() const noexcept { return descriptor_.get(); }

private:
    FileDescriptor descriptor_;
};

Pipeline pipeline_of(const PipeOptions& options, const Relay& relay, const Terminal& terminal) {
    std::vector<Command> commands;
    for (const auto& words : options.commands) {
        auto& command = commands.emplace_back(words.front());
        command.args({words.begin() + 1, words.end()});
        // Ours is not the one to inherit: the relay has changed it.
        command.signal_mask(relay.original_mask());
        if (relay.ignores_sigchld())
            command.ignore_signals({SIGCHLD});
    }
    Pipeline pipeline(std::move(commands));
    pipeline.all_or_none(options.all_or_none).process_group(options.process_group);
    if (options.foreground)
        pipeline.foreground(terminal.get());
    return pipeline;
}

// In words of the command line, and not of the library's objects.
std::string words_of(const SpawnError& error) {
    std::string option;
    if (error.step() == Step::batch && error.index() == KSPAWN_BATCH_ALL_OR_NONE)
        option = "--all-or-none";
    else if (error.step() == Step::action)
        option = "--foreground";
    if (option.empty())
        return error.what();
    const kspawn_words* const said = kspawn_failure_words();
    return fmt::format("{}: {}{}", option, said->error, said->remark);
}

void report_starts(const PipeOptions& options, const std::vector<Child>& children) {
    auto words = options.commands.begin();
    for (const auto& child : children)
        fmt::print(stderr, "kspawn: started {} as process {}{}\n", (words++)->front(), child.pid(),
                   kspawn_last_backend() == KSPAWN_BACKEND_LIBC ? " through libc" : "");
}

int run(const PipeOptions& options) {
    std::vector<Child> children; // to the end: handlers use their pidfds
    const Terminal terminal(options.foreground);
    const Relay relay;
    {
        const Relay::Hold hold;
        children = pipeline_of(options, relay, terminal).spawn();
        for (const auto& child : children)
            Relay::add(child.pid(), child.pidfd());
    }
    if (options.verbose)
        report_starts(options, children);
    std::vector<kspawn::ExitStatus> statuses;
    for (auto& child : children) {
        statuses.push_back(child.wait());
        if (options.verbose)
            report_end(child.pid(), statuses.back());
    }
    return pipeline_status(statuses, options.pipefail).shell_code();
}

} // namespace

int pipe(std::vector<std::string> arguments) {
    const auto request = parse_pipe(std::move(arguments));
    if (!request.options)
        return request.exit_status;
    const auto& options = *request.options;
    if (options.backend && kspawn_set_backend(*options.backend) != 0)
        throw std::system_error(EINVAL, std::generic_category(), "--backend");
    try {
        return run(options);
    } catch (const SpawnError& error) {
        fmt::print(stderr, "kspawn: {}\n", words_of(error));
        return exit_status_of(error);
    }
}

} // namespace kspawn::tool
