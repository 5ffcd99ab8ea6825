// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tracer.hpp"

#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/command.hpp>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "assembler.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "lib/descriptor.hpp"
#include "outcome.hpp"
#include "printable.hpp"
#include "session.hpp"
#include "summary.hpp"
#include "target.hpp"
#include "text.hpp"
#include "time.hpp"
#include "verdict.hpp"

namespace kspawn::trace {

namespace {

// The probes wake us only when much has come; the rest is fetched so often.
constexpr std::uint64_t fetch_interval = 100'000'000;
constexpr std::uint64_t tidy_interval = 1'000'000'000;
// The time a command has to end in, once the trace is told to.
constexpr std::uint64_t command_patience = 2'000'000'000;

struct CloseFile {
    void operator()(std::FILE* file) const noexcept {
        // fflush() has said whether something could not be written.
        static_cast<void>(std::fclose(file));
    }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Signals that end a trace from outside, as a descriptor.
class EndSignals {
public:
    EndSignals() {
        ::sigemptyset(&set_);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP})
            ::sigaddset(&set_, signal);
        if (::sigprocmask(SIG_BLOCK, &set_, nullptr) != 0)
            throw std::system_error(errno, std::generic_category(), "sigprocmask");
        descriptor_ = internal::Descriptor{::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK)};
        if (!descriptor_)
            throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] std::optional<signalfd_siginfo> take() const {
        signalfd_siginfo info{};
        const auto size = ::read(descriptor_.get(), &info, sizeof(info));
        return size == sizeof(info) ? std::optional{info} : std::nullopt;
    }

private:
    sigset_t set_{};
    internal::Descriptor descriptor_;
};

/// The probes follow whatever we start, and what that starts.  Through libc, so that the
/// module's counters tell of the command's starts alone.
Child start(const std::vector<std::string>& command) {
    kspawn_set_backend(KSPAWN_BACKEND_LIBC);
    return Command(command.front())
        .args({command.begin() + 1, command.end()})
        .signal_mask(SignalSet{})
        .spawn();
}

class Tracer {
public:
    explicit Tracer(const Options& options)
        : options_(options),
          target_(options.pid ? std::optional<Target>{*options.pid} : std::nullopt),
          session_(options, [this](const void* record, std::size_t size) {
              assembler_->take(record, size);
          }) {
        open_output();
    }

    int run();

private:
    void open_output();
    /// Whether there is someone to tell, or something to write to.
    [[nodiscard]] bool writes() const { return !options_.quiet || options_.output; }
    void attach();
    void wait(Child* command);
    void say(const std::string& message) const;
    bool is_told_to_end(Child* command, std::uint64_t now);
    [[nodiscard]] bool target_is_gone(pollfd* waited) const;
    [[nodiscard]] Outcome end();
    [[nodiscard]] Evidence evidence() const;

    const Options& options_;
    std::optional<Target> target_;
    EndSignals signals_;
    Session session_;
    std::optional<Assembler> assembler_; ///< from attach() on
    File owned_;
    std::FILE* file_ = nullptr;
    std::uint64_t start_ = 0;
    Summary summary_;
    std::optional<JsonWriter> json_;
    std::optional<TextWriter> text_;
    std::optional<int> command_status_;
    std::uint64_t end_at_ = 0; ///< after a signal; 0: there was none
};

void Tracer::open_output() {
    if (options_.output) {
        owned_.reset(std::fopen(options_.output->c_str(), "we"));
        if (!owned_)
            throw std::system_error(errno, std::generic_category(), printable(*options_.output));
        file_ = owned_.get();
    } else {
        // The command's own output is not to be mixed with what people read.
        file_ = options_.command.empty() || options_.json ? stdout : stderr;
    }
}

void Tracer::attach() {
    start_ = monotonic_now();
    session_.attach();
    // Some probes are of two kinds, and missing for each of them.
    std::set<std::string> said;
    for (const auto& probe : session_.missing()) {
        const auto sentence =
            fmt::format("{}: {}; {}; all else works", probe.place, probe.reason, probe.effect);
        if (said.insert(sentence).second)
            say(sentence);
    }
    assembler_.emplace(options_, start_, session_.missing());
    if (!writes())
        return;
    if (options_.json) {
        json_.emplace(file_, options_);
        json_->begin(session_.missing());
        if (!options_.summary_only)
            assembler_->add_sink(*json_);
        return;
    }
    assembler_->add_sink(summary_);
    if (!options_.summary_only) {
        text_.emplace(file_);
        assembler_->add_sink(*text_);
    }
}

void Tracer::say(const std::string& message) const {
    if (!options_.quiet)
        fmt::print(stderr, "kspawn-trace: {}\n", message);
}

/// Whether a signal has ended the trace.  A command is told too, and has some time to
/// end, so that its end is in the trace.
bool Tracer::is_told_to_end(Child* command, std::uint64_t now) {
    while (const auto signal = signals_.take()) {
        if (command == nullptr || end_at_ != 0)
            return true;
        // A terminal tells all of its foreground itself.
        std::error_code gone; // by now; then there is nobody to tell
        if (signal->ssi_code != SI_KERNEL)
            command->kill(static_cast<int>(signal->ssi_signo), gone);
        end_at_ = now + command_patience;
    }
    return end_at_ != 0 && now >= end_at_;
}

/// Whether the process of --pid has ended, and all that are followed on its account.
bool Tracer::target_is_gone(pollfd* waited) const {
    if (!target_)
        return false;
    if ((waited->revents & POLLIN) != 0) {
        say(fmt::format("process {} has ended", target_->pid()));
        waited->fd = -1;
        waited->revents = 0;
    }
    return waited->fd < 0 && (!options_.children || !session_.follows_any());
}

/// Until the time is over, the command or the process has ended, or a signal says so.
void Tracer::wait(Child* command) {
    const auto began = monotonic_now();
    const auto length = static_cast<std::uint64_t>(options_.duration * 1e9);
    auto tidied = began;
    std::array<pollfd, 4> waited{pollfd{session_.descriptor(), POLLIN, 0},
                                 pollfd{signals_.descriptor(), POLLIN, 0},
                                 pollfd{command != nullptr ? command->pidfd() : -1, POLLIN, 0},
                                 pollfd{target_ ? target_->descriptor() : -1, POLLIN, 0}};
    while (true) {
        const auto now = monotonic_now();
        auto left = fetch_interval;
        if (length != 0) {
            if (now - began >= length)
                return;
            left = std::min(left, length - (now - began));
        }
        const int timeout = static_cast<int>(left / 1'000'000) + 1;
        if (::poll(waited.data(), waited.size(), timeout) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        session_.consume();
        assembler_->pass(monotonic_now());
        if ((json_ || text_) && std::fflush(file_) != 0)
            throw std::system_error(errno, std::generic_category(), "output");
        if (now - tidied > tidy_interval) {
            session_.tidy(now);
            tidied = now;
        }
        if ((waited[2].revents & POLLIN) != 0 || target_is_gone(&waited[3]) ||
            is_told_to_end(command, now))
            return;
    }
}

// A probe that is missing hides what its kind would have found; what was lost, any.
Evidence Tracer::evidence() const {
    Evidence evidence{options_.kinds, options_.fail_on, {}, assembler_->tallies()};
    if (session_.losses().total() != 0)
        evidence.blind = options_.kinds;
    for (const auto& probe : session_.missing())
        evidence.blind.at(probe.kind) = true;
    return evidence;
}

Outcome Tracer::end() {
    const auto length = monotonic_now() - start_;
    session_.detach();
    session_.consume();
    assembler_->finish(session_.open_windows());
    return {
        length,         assembler_->children(), evidence(), session_.losses(), session_.missing(),
        command_status_};
}

int Tracer::run() {
    attach();
    std::optional<Child> command;
    if (!options_.command.empty()) {
        try {
            command = start(options_.command);
        } catch (const SpawnError& error) {
            fmt::print(stderr, "kspawn-trace: {}: {}\n", printable(options_.command.front()),
                       error.code().message());
            return exit_cannot_command;
        }
    }
    wait(command ? &*command : nullptr);
    // One that outlives the time that was asked for, or a signal, goes on alone.
    if (command) {
        if (const auto status = command->try_wait())
            command_status_ = status->shell_code();
    }
    if (end_at_ != 0 && !command_status_)
        say(fmt::format("{} has not ended and goes on", printable(options_.command.front())));
    const auto outcome = end();
    if (json_)
        json_->end(outcome);
    else if (writes())
        summary_.print(file_, options_, outcome);
    if (std::fflush(file_) != 0 || std::ferror(file_) != 0)
        throw std::system_error(errno, std::generic_category(), "output");
    if (!options_.must_fail())
        return exit_clean;
    switch (outcome.verdict()) {
    case Verdict::clean:
        return exit_clean;
    case Verdict::found:
        return exit_found;
    case Verdict::unknown:
        break;
    }
    return exit_unknown;
}

} // namespace

int trace(const Options& options) {
    Tracer tracer{options};
    return tracer.run();
}

} // namespace kspawn::trace
