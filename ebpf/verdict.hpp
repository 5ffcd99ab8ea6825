// SPDX-License-Identifier: LGPL-2.1-or-later
/// What the trace amounts to.
#ifndef KSPAWN_TRACE_VERDICT_HPP
#define KSPAWN_TRACE_VERDICT_HPP

#include <array>
#include <cstdint>

#include "events.hpp"
#include "kinds.hpp"

namespace kspawn::trace {

/// Counts events, and those that are findings.
class Counter : public Sink {
public:
    using Counts = std::array<std::uint64_t, TRACE_KINDS>;

    void take(const WindowEvent& event) override {
        events_.at(TRACE_KIND_WINDOWS)++;
        if (event.is_hazard())
            findings_.at(TRACE_KIND_WINDOWS)++;
    }
    void take(const CredsEvent& /*event*/) override { add(TRACE_KIND_CREDS); }
    void take(const SignalEvent& /*event*/) override { add(TRACE_KIND_SIGNALS); }
    void take(const DescriptorEvent& /*event*/) override { add(TRACE_KIND_FDS); }
    void take(const StallEvent& /*event*/) override { add(TRACE_KIND_STALLS); }

    [[nodiscard]] const Counts& events() const { return events_; }
    [[nodiscard]] const Counts& findings() const { return findings_; }

private:
    void add(trace_kind kind) {
        events_.at(kind)++;
        findings_.at(kind)++;
    }
    Counts events_{};
    Counts findings_{};
};

enum class Verdict { clean, found, unknown };

/// Of these kinds.  What was found was found, whatever else was lost.
inline Verdict judge(const Counter::Counts& findings, const Kinds& kinds, bool complete) {
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (kinds.at(kind) && findings.at(kind) != 0)
            return Verdict::found;
    }
    return complete ? Verdict::clean : Verdict::unknown;
}

inline std::string_view name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::clean:
        return "clean";
    case Verdict::found:
        return "found";
    case Verdict::unknown:
        break;
    }
    return "unknown";
}

} // namespace kspawn::trace

#endif
