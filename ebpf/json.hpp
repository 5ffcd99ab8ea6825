// SPDX-License-Identifier: LGPL-2.1-or-later
/// The trace as JSON; FORMAT.md says what it looks like.
#ifndef KSPAWN_TRACE_JSON_HPP
#define KSPAWN_TRACE_JSON_HPP

#include <cstdint>
#include <cstdio>
#include <vector>

#include "events.hpp"
#include "hooks.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace kspawn::trace {

class JsonWriter : public Sink {
public:
    /// @param start of the trace, by the probes' clock
    JsonWriter(std::FILE* file, std::uint64_t start, const Options& options)
        : file_(file), start_(start), options_(options) {}

    void begin(const std::vector<MissingHook>& missing);
    void take(const WindowEvent& event) override;
    void take(const CredsEvent& event) override;
    void take(const SignalEvent& event) override;
    void take(const DescriptorEvent& event) override;
    void take(const StallEvent& event) override;
    void end(const Outcome& outcome);

private:
    template <typename Json>
    void print(const Json& json);
    [[nodiscard]] std::uint64_t since_start(std::uint64_t time) const {
        return time < start_ ? 0 : time - start_;
    }

    std::FILE* file_;
    std::uint64_t start_;
    const Options& options_;
};

} // namespace kspawn::trace

#endif
