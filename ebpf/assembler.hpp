// SPDX-License-Identifier: LGPL-2.1-or-later
/// Makes events of records, which come from several CPUs and in pieces.
#ifndef KSPAWN_TRACE_ASSEMBLER_HPP
#define KSPAWN_TRACE_ASSEMBLER_HPP

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "events.hpp"
#include "kinds.hpp"
#include "symbols.hpp"

namespace kspawn::trace {

class Assembler {
public:
    struct Settings {
        Kinds kinds;
        std::uint64_t fd_gap;
        std::uint64_t stall_min;
        bool returns; ///< whether callers are seen to come back
    };

    explicit Assembler(const Settings& settings) : settings_(settings) {}

    void add_sink(Sink& sink) { sinks_.push_back(&sink); }
    /// It is known only once all is attached.
    void expect_returns(bool expected) { settings_.returns = expected; }

    /// Takes a record of the ring buffer.
    void take(const void* data, std::size_t size);
    /// Tells what has waited long enough.
    void pass(std::uint64_t now);
    /// Tells the rest; the windows are those still open.
    void finish(const std::vector<trace_window>& open);

    /// Children so far, whichever kinds are traced.
    [[nodiscard]] std::uint64_t children() const { return children_; }

private:
    struct Pending {
        std::optional<trace_window_record> window;
        std::optional<std::uint64_t> blocked;
        std::vector<trace_creds_record> creds;
    };

    void take(const trace_window_record& record);
    void take(const trace_return_record& record);
    void take(const trace_creds_record& record);
    void take(const trace_marked_record& record);
    void take(const trace_lock_record& record);
    void tell_stall_of_caller(const WindowEvent& event);
    void tell(const Pending& pending);
    void tell(const trace_descriptor_record& record);

    template <typename Event>
    void tell(const Event& event) {
        for (auto* const sink : sinks_)
            sink->take(event);
    }

    Settings settings_;
    std::vector<Sink*> sinks_;
    std::unordered_map<std::uint64_t, Pending> windows_;
    std::list<trace_descriptor_record> descriptors_;
    /// A descriptor of a caller: its process and table, its number, whether it was marked
    /// too late, and its path; and how often it has been told.
    using Descriptor = std::tuple<std::uint32_t, std::uint64_t, int, bool, std::string>;
    std::map<Descriptor, std::uint64_t> told_;
    std::uint64_t children_ = 0;
    Symbols symbols_;
};

} // namespace kspawn::trace

#endif
