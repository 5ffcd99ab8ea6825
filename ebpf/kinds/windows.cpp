// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "assembler.hpp"

namespace kspawn::trace {

namespace {

constexpr const char* everything = "nothing can be traced";

constexpr std::array probes{
    Probe{"on_wake_up_new_task", everything, Deed::fork, true},
    Probe{"on_exec_mm_release", everything, Deed::exec, true, "on_mm_exit_exec_release"},
    Probe{"on_exit_mm_release", everything, Deed::exit, true, "on_mm_exit_exec_release"},
    Probe{"on_mm_update_next_owner", "windows of kspawn's children are seen to end at their exec",
          Deed::exec},
    Probe{"on_exec", everything, Deed::exec, true},
    Probe{"on_kernel_clone_return", "how long callers wait is not known", Deed::fork},
};

/// User code in memory that was not the child's; grave beside other threads.
Count count(bool shared, bool user_code, std::int64_t threads) {
    if (!shared || !user_code)
        return Count::none;
    return threads > 1 ? Count::grave : Count::finding;
}

Count count_of(const Json& fields) {
    return count(flag_at(fields, "shared"), flag_at(fields, "user_code"),
                 number_at(fields, "threads").value_or(1));
}

class Windows : public Decoder {
public:
    using Decoder::Decoder;

    // The child's half of a window, and that of a caller that waits for it, come in
    // any order.
    void take(const Record& record) override {
        if (const auto* half = record.as<trace_window_record>(TRACE_WINDOW))
            take(*half);
        if (const auto* half = record.as<trace_return_record>(TRACE_RETURN)) {
            auto& [window, blocked] = pending_[half->window];
            blocked = half->blocked;
            if (window)
                close(half->window);
        }
    }

    void finish(const std::vector<trace_window>& open) override {
        for (const auto& still : open) {
            // Between the end of its memory and the end of exec it is not open.
            Window window{still, still.end != 0 ? TRACE_EXEC : TRACE_OPEN, {}, {}};
            if (window.is_open()) {
                // The counters are still where they started.
                std::fill(std::begin(window.memory), std::end(window.memory), 0);
                window.user_code = window.way != TRACE_WAY_KSPAWN ? 1 : 0;
            }
            pending_[still.id].window = std::move(window);
        }
        while (!pending_.empty())
            close(pending_.begin()->first);
    }

private:
    struct Halves {
        std::optional<Window> window;
        std::optional<std::uint64_t> blocked;
    };

    void take(const trace_window_record& record) {
        auto& [window, blocked] = pending_[record.window.id];
        window = Window{record.window,
                        static_cast<trace_outcome>(record.outcome),
                        std::data(record.program),
                        {}};
        if (record.window.waits == 0 || !returns_ || blocked)
            close(record.window.id);
    }

    void close(std::uint64_t id) {
        auto halves = std::move(pending_.extract(id).mapped());
        if (!halves.window)
            return;
        auto& window = *halves.window;
        window.blocked = halves.blocked;
        assembler().tell(kind_windows, id, window.way, window.caller, window.start,
                         count(window.shared(), window.user_code != 0, window.threads),
                         [&] { return fields_of(window); });
        assembler().close(window);
    }

    [[nodiscard]] Json fields_of(const Window& window) const {
        const bool closed = !window.is_open();
        const auto start = assembler().since_start(window.start);
        return {{"child", json_of(window.child)},
                {"start", start},
                {"end", closed ? Json(assembler().since_start(window.end)) : Json(nullptr)},
                {"duration_ns", closed ? Json(window.end - window.start) : Json(nullptr)},
                {"outcome", name_of(outcome_names, window.outcome)},
                {"blocked_ns", or_null(window.blocked)},
                {"threads", window.threads},
                {"sharers", window.sharers},
                {"shared", window.shared()},
                {"user_code", window.user_code != 0},
                {"program", text_or_null(window.program.c_str())},
                {"memory", memory_of(window, assembler().options())}};
    }

    bool returns_ = assembler().has("on_kernel_clone_return"); ///< of callers is seen
    std::unordered_map<std::uint64_t, Halves> pending_;
};

std::string words(const Finding& finding, const Manner& manner) {
    const auto& fields = finding.fields;
    const auto outcome = text_at(fields, "outcome");
    const auto program = text_at(fields, "program");
    auto text = fmt::format("{} made child {} by {}", manner.task(finding.task),
                            task_at(fields, "child").pid, manner.name(finding.way));
    if (outcome == "open")
        text += ", which has executed nothing yet";
    else if (outcome == "exit")
        text += ", which ended without executing a program";
    else
        text += fmt::format(", which executed {}", program.empty() ? "?" : manner.name(program));
    if (const auto duration = number_at(fields, "duration_ns"))
        text += fmt::format(" after {}", manner.time(*duration));
    if (const auto blocked = number_at(fields, "blocked_ns"))
        text += fmt::format("; the caller was kept waiting {}", manner.time(*blocked));
    const auto threads = number_at(fields, "threads").value_or(1);
    if (count_of(fields) != Count::none)
        text += "; it ran user code in the memory of " +
                counted(static_cast<std::uint64_t>(threads), "thread");
    else
        text += flag_at(fields, "shared") ? "; no user code ran in the window"
                                          : "; it had a copy of the memory";
    if (const auto memory = memory_in_words(fields, manner); !memory.empty())
        text += fmt::format("; meanwhile {}", memory);
    return text + ".";
}

std::string total(const Tally& tally, const Options& /*options*/) {
    auto text =
        counted(tally.findings, "time") + " a child ran user code in memory that was not its own";
    if (tally.findings != 0)
        text +=
            fmt::format(";\n         {} of them in that of a process with threads", tally.grave);
    return text;
}

} // namespace

const Kind kinds::windows{
    .name = "windows",
    .label = "window",
    .one = "child that ran code in its caller's memory",
    .many = "children that ran code in their callers' memory",
    .grave = "beside other threads that could have interfered",
    .judged = false,
    .title = "windows",
    .tile = "in which a child ran code in its caller's memory",
    .explanation =
        "To start a program, a process first makes a child. Until the child executes the "
        "program, it may run in its caller's memory, side by side with the caller's other "
        "threads: that time is the window. It is where the hazards are.",
    .probes = probes,
    .decoder = make_decoder<Windows>,
    .count = count_of,
    .words = words,
    .heading = nullptr,
    .total = total,
};

} // namespace kspawn::trace
