// SPDX-License-Identifier: LGPL-2.1-or-later
/// Events as they are told: whole, made from one or more records.
#ifndef KSPAWN_TRACE_EVENTS_HPP
#define KSPAWN_TRACE_EVENTS_HPP

#include <cstdint>
#include <optional>
#include <string>

#include "events.h"

namespace kspawn::trace {

struct WindowEvent {
    trace_window_record record{};
    std::optional<std::uint64_t> blocked;

    [[nodiscard]] const trace_window& window() const { return record.window; }
    [[nodiscard]] bool shared() const { return record.window.way != TRACE_WAY_FORK; }
    /// Whether user code ran in memory that was not the child's.
    [[nodiscard]] bool is_hazard() const { return shared() && record.window.user_code != 0; }
};

struct CredsEvent {
    const trace_creds_record& record;
    const WindowEvent* window; ///< null: it is not known how it closed
};

struct SignalEvent {
    const trace_signal_record& record;
};

struct DescriptorEvent {
    const trace_descriptor_record& record; ///< marked: also if that came later
    std::uint64_t repeat{};                ///< how often the same was told before

    /// All that a process does wrong with one descriptor is one finding, in however many
    /// of the programs that it starts the descriptor turns up.
    [[nodiscard]] bool is_finding() const { return repeat == 0; }
};

struct StallEvent {
    std::uint64_t time{};
    std::uint64_t wait{};
    std::uint64_t window{}; ///< 0: none
    std::uint32_t way{};
    trace_role role{};
    trace_task waiter{};
    std::optional<trace_task> holder;
    std::optional<std::string> lock; ///< none: the caller waited for its child
};

/// A receiver of events.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    Sink(Sink&&) = delete;
    Sink& operator=(Sink&&) = delete;
    virtual ~Sink() = default;
    virtual void take(const WindowEvent& event) = 0;
    virtual void take(const CredsEvent& event) = 0;
    virtual void take(const SignalEvent& event) = 0;
    virtual void take(const DescriptorEvent& event) = 0;
    virtual void take(const StallEvent& event) = 0;
};

} // namespace kspawn::trace

#endif
