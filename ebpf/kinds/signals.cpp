// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>

#include <array>
#include <csignal>

#include "assembler.hpp"

namespace kspawn::trace {

namespace {

constexpr std::array probes{
    Probe{"on_signal_deliver", "handlers in children are not seen"},
};

std::string signal_name(int number) {
    if (const auto* const name = ::sigabbrev_np(number); name != nullptr)
        return std::string{"SIG"} + name;
    return fmt::format("SIG{}", number); // a real-time one
}

class Signals : public Decoder {
public:
    using Decoder::Decoder;

    void take(const Record& record) override {
        const auto* signal = record.as<trace_signal_record>(TRACE_SIGNAL);
        if (signal == nullptr)
            return;
        assembler().tell(
            kind_signals, signal->window, signal->way, signal->child, signal->time, Count::finding,
            [&]() -> Json {
                return {{"caller", json_of(signal->caller)},
                        {"signal", signal->signal},
                        {"name", signal_name(signal->signal)},
                        {"handler", fmt::format("{:#x}", signal->handler)},
                        {"sender", signal->sender != 0 ? Json(signal->sender) : Json(nullptr)},
                        {"code", signal->code}};
            });
    }
};

std::string words(const Finding& finding, const Manner& manner) {
    const auto sender = number_at(finding.fields, "sender");
    return fmt::format("{} ran the handler at {} for {} before its exec, in memory of {}: whatever "
                       "it wrote, its caller has. The signal came from {}.",
                       manner.task(finding.task),
                       manner.name(text_at(finding.fields, "handler", "?")),
                       manner.name(text_at(finding.fields, "name", "a signal")),
                       manner.task(task_at(finding.fields, "caller")),
                       sender ? fmt::format("process {}", *sender) : "the kernel");
}

Heading heading(const Finding& finding) {
    const auto name = text_at(finding.fields, "name", "a signal");
    return {Weight::danger, fmt::format("A handler of {} ran in a child that shared memory", name),
            task_at(finding.fields, "caller").comm + '\n' + name};
}

std::string total(const Tally& tally, const Options& /*options*/) {
    return counted(tally.findings, "handler") + " ran in a child, on its creator's memory";
}

} // namespace

const Kind kinds::signals{
    .name = "signals",
    .label = "signal",
    .one = "signal handler in a child",
    .many = "signal handlers in children",
    .judged = true,
    .title = "handlers",
    .tile = "handlers called in a window",
    .explanation = "A signal handler of the caller ran in the child, on the caller's memory. Block "
                   "all signals before the child is made, and reset their handlers in it.",
    .probes = probes,
    .decoder = make_decoder<Signals>,
    .count = each_is_one,
    .words = words,
    .heading = heading,
    .total = total,
};

} // namespace kspawn::trace
