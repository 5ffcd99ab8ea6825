// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <csignal>
#include <iterator>
#include <string>
#include <string_view>

#include "credentials.hpp"
#include "histogram.hpp"
#include "kinds.hpp"
#include "paths.hpp"
#include "printable.hpp"

namespace kspawn::trace {

namespace {

std::string operations(const trace_window& window) {
    std::string text;
    for (std::size_t i = 0; i < TRACE_MEMORY_OPERATIONS; i++) {
        if (window.memory[i] != 0)
            text += fmt::format(" {} x{}", memory_names.at(i), window.memory[i]);
    }
    return text;
}

std::string known(const char* program) {
    return *program != '\0' ? printable(program) : "?";
}

std::string name_of(const trace_task& task) {
    return printable(std::data(task.comm));
}

std::string briefly(const trace_credentials& creds) {
    return fmt::format("uid {}/{}/{} gid {}/{}/{} caps {:x}", creds.uid, creds.euid, creds.suid,
                       creds.gid, creds.egid, creds.sgid, creds.cap_effective);
}

} // namespace

void TextWriter::begin(std::uint64_t time, const char* kind, const trace_task& who) {
    const auto since = time < start_ ? 0 : time - start_;
    fmt::print(file_, "{:>12.6f} {:<8} {}[{}", static_cast<double>(since) / 1e9, kind, name_of(who),
               who.pid);
    if (who.tid != who.pid)
        fmt::print(file_, "/{}", who.tid);
    fmt::print(file_, "] ");
}

void TextWriter::take(const WindowEvent& event) {
    const auto& window = event.window();
    begin(window.start, "window", window.caller);
    fmt::print(file_, "{} -> {}", name_of(way_names, window.way), window.child.pid);
    switch (event.record.outcome) {
    case TRACE_OPEN:
        fmt::print(file_, " still open");
        break;
    case TRACE_EXEC:
        fmt::print(file_, " {} after {}", known(std::data(event.record.program)),
                   readable_time(window.end - window.start));
        break;
    default:
        fmt::print(file_, " ended after {}", readable_time(window.end - window.start));
        break;
    }
    if (event.blocked)
        fmt::print(file_, ", caller waited {}", readable_time(*event.blocked));
    if (event.is_hazard())
        fmt::print(file_, ", ran user code in memory of {} thread{}", window.threads,
                   window.threads == 1 ? "" : "s");
    if (event.shared() && event.record.outcome != TRACE_OPEN) {
        if (const auto memory = operations(window); !memory.empty())
            fmt::print(file_, ", meanwhile{}", memory);
    }
    fmt::print(file_, "\n");
}

void TextWriter::take(const CredsEvent& event) {
    const auto& record = event.record;
    begin(record.time, "creds", record.who);
    fmt::print(file_, "changed {} ({} -> {}) {} while child {} ({}) {} its memory; exposed: {}",
               fmt::join(changed_fields(record.before, record.after), ", "), briefly(record.before),
               briefly(record.after), record.by_child != 0 ? "in the child" : "in a thread",
               record.child.pid, briefly(record.other), "shared", exposed(record));
    if (event.window != nullptr && event.window->record.outcome == TRACE_EXEC)
        fmt::print(file_, "; it then executed {}{}{}",
                   known(std::data(event.window->record.program)),
                   operations(event.window->window()).empty() ? "" : ", meanwhile",
                   operations(event.window->window()));
    fmt::print(file_, "\n");
}

void TextWriter::take(const SignalEvent& event) {
    const auto& record = event.record;
    begin(record.time, "signal", record.child);
    const auto* const name = ::sigabbrev_np(record.signal);
    fmt::print(file_, "handler {:#x} of signal {}{} ran in memory of {}[{}]\n", record.handler,
               record.signal, name != nullptr ? fmt::format(" (SIG{})", name) : "",
               name_of(record.caller), record.caller.pid);
}

void TextWriter::take(const DescriptorEvent& event) {
    const auto& record = event.record;
    if (!event.is_finding())
        return;
    begin(record.time, "fd", record.opener);
    fmt::print(file_, "opened {} as {}, {} before thread {} spawned {}: it {}\n",
               printable(path_of(record)), record.fd, readable_time(record.start - record.opened),
               record.caller.tid, known(std::data(record.program)),
               record.marked != 0 ? "has it, though it was marked close-on-exec later"
                                  : "has it, though no action names it");
}

void TextWriter::take(const StallEvent& event) {
    static constexpr std::array<std::string_view, 3> roles{"caller", "child", "other thread"};
    begin(event.time, "stall", event.waiter);
    fmt::print(file_, "({}) waited {} for {}", name_of(roles, event.role),
               readable_time(event.wait), event.lock ? *event.lock : "its child");
    if (event.holder)
        fmt::print(file_, "{} {}[{}]", event.lock ? " of" : "", name_of(*event.holder),
                   event.holder->tid);
    if (event.way != TRACE_WAY_NONE)
        fmt::print(file_, ", {}", name_of(way_names, event.way));
    fmt::print(file_, "\n");
}

} // namespace kspawn::trace
