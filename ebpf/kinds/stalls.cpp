// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>

#include <array>

#include "assembler.hpp"
#include "symbols.hpp"
#include "time.hpp"

namespace kspawn::trace {

namespace {

constexpr const char* no_callers = "locks that a caller waits for are not seen";
constexpr const char* no_locks = "waits for locks are not seen";

constexpr std::array probes{
    Probe{"on_kernel_clone_return", "how long callers wait is not known", Deed::fork},
    Probe{"on_mm_update_next_owner", "windows of kspawn's children are seen to end at their exec",
          Deed::exec},
    Probe{"on_kernel_clone", no_callers, Deed::fork},
    Probe{"on_kernel_clone_end", no_callers, Deed::fork},
    Probe{"on_contention_begin", no_locks},
    Probe{"on_contention_end", no_locks},
};

constexpr std::array<std::string_view, TRACE_LOCK_PAGE_TABLE + 1> lock_names{"",
                                                                             "mmap_lock",
                                                                             "file_lock",
                                                                             "siglock",
                                                                             "cred_guard_mutex",
                                                                             "exec_update_lock",
                                                                             "page_table_lock"};
constexpr std::array<std::string_view, 3> role_names{"caller", "child", "thread"};

class Stalls : public Decoder {
public:
    using Decoder::Decoder;

    void take(const Record& record) override {
        const auto* wait = record.as<trace_lock_record>(TRACE_LOCK);
        if (wait == nullptr)
            return;
        assembler().tell(
            kind_stalls, wait->window, wait->way, wait->waiter, wait->time, Count::finding,
            [&]() -> Json {
                return {{"cause", "lock"},
                        {"lock", wait->which == TRACE_LOCK_OTHER
                                     ? symbols_.name(wait->lock)
                                     : std::string{name_of(lock_names, wait->which)}},
                        {"role", name_of(role_names, wait->role)},
                        {"wait_ns", wait->wait},
                        {"holder", wait->holder.pid != 0 ? json_of(wait->holder) : Json(nullptr)}};
            });
    }

    void closed(const Window& window) override {
        if (!window.blocked || *window.blocked < assembler().options().stall_min)
            return;
        assembler().tell(kind_stalls, window.id, window.way, window.caller, window.start,
                         Count::finding, [&]() -> Json {
                             return {{"cause", "vfork"},
                                     {"lock", nullptr},
                                     {"role", "caller"},
                                     {"wait_ns", *window.blocked},
                                     {"holder", json_of(window.child)}};
                         });
    }

private:
    Symbols symbols_;
};

std::string words(const Finding& finding, const Manner& manner) {
    const auto& fields = finding.fields;
    const auto wait = manner.time(number_at(fields, "wait_ns").value_or(0));
    if (text_at(fields, "cause") == "vfork")
        return fmt::format("{} was kept in clone() for {}, until its child had executed a program "
                           "or ended.",
                           manner.task(finding.task), wait);
    const auto holder = fields.find("holder");
    const auto role = text_at(fields, "role");
    return fmt::format("{}, {} {}, waited {} for {}{}.", manner.task(finding.task),
                       role == "thread" ? "another" : "a", manner.name(role), wait,
                       manner.name(text_at(fields, "lock", "a lock")),
                       holder != fields.end() && holder->is_object()
                           ? fmt::format(", which {} held", manner.task(task_of(*holder)))
                           : "");
}

Heading heading(const Finding& finding) {
    const auto& fields = finding.fields;
    const auto wait = number_at(fields, "wait_ns").value_or(0);
    if (text_at(fields, "cause") == "vfork")
        return {Weight::note, "The caller waited for its child",
                "vfork\n" + finding.task.comm + '\n' + finding.way, wait};
    const auto role = text_at(fields, "role");
    const auto lock = text_at(fields, "lock", "a lock");
    return {role == "thread" ? Weight::doubt : Weight::note,
            role == "thread" ? fmt::format("Another thread waited for {}", lock)
                             : fmt::format("The {} waited for {}", role, lock),
            lock + '\n' + finding.task.comm + '\n' + role, wait};
}

std::string total(const Tally& tally, const Options& options) {
    return fmt::format("{} of {} or more", counted(tally.findings, "wait"),
                       readable_time(options.stall_min));
}

} // namespace

const Kind kinds::stalls{
    .name = "stalls",
    .label = "stall",
    .one = "wait because of a start",
    .many = "waits because of a start",
    .judged = false,
    .title = "waits",
    .tile = "waits on the way to a program",
    .explanation = "Somebody waited: the caller for its child, or a thread for a lock that the "
                   "start of a program holds.",
    .probes = probes,
    .decoder = make_decoder<Stalls>,
    .count = each_is_one,
    .words = words,
    .heading = heading,
    .total = total,
};

} // namespace kspawn::trace
