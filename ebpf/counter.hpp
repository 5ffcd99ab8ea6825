// SPDX-License-Identifier: LGPL-2.1-or-later
/// Counts events, and what of them a verdict rests on.
#ifndef KSPAWN_TRACE_COUNTER_HPP
#define KSPAWN_TRACE_COUNTER_HPP

#include <array>
#include <cstdint>

#include "credentials.hpp"
#include "events.hpp"
#include "kinds.hpp"

namespace kspawn::trace {

class Counter : public Sink {
public:
    using Counts = std::array<std::uint64_t, TRACE_KINDS>;

    void take(const WindowEvent& event) override {
        events_.at(TRACE_KIND_WINDOWS)++;
        if (!event.is_hazard())
            return;
        findings_.at(TRACE_KIND_WINDOWS)++;
        if (event.window().threads > 1)
            threaded_++;
    }
    void take(const CredsEvent& event) override {
        add(TRACE_KIND_CREDS);
        if (exposed(event.record) != "none")
            exposing_++;
    }
    void take(const SignalEvent& /*event*/) override { add(TRACE_KIND_SIGNALS); }
    void take(const DescriptorEvent& /*event*/) override { add(TRACE_KIND_FDS); }
    void take(const StallEvent& /*event*/) override { add(TRACE_KIND_STALLS); }

    [[nodiscard]] const Counts& events() const { return events_; }
    [[nodiscard]] const Counts& findings() const { return findings_; }
    /// Findings of creds that exposed memory.
    [[nodiscard]] std::uint64_t exposing() const { return exposing_; }
    /// Findings of windows in memory of a process with threads.
    [[nodiscard]] std::uint64_t threaded() const { return threaded_; }

private:
    void add(trace_kind kind) {
        events_.at(kind)++;
        findings_.at(kind)++;
    }
    Counts events_{};
    Counts findings_{};
    std::uint64_t exposing_ = 0;
    std::uint64_t threaded_ = 0;
};

} // namespace kspawn::trace

#endif
