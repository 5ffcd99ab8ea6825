// SPDX-License-Identifier: LGPL-2.1-or-later
/// Events for people, a line each.
#ifndef KSPAWN_TRACE_TEXT_HPP
#define KSPAWN_TRACE_TEXT_HPP

#include <cstdint>
#include <cstdio>

#include "events.hpp"

namespace kspawn::trace {

class TextWriter : public Sink {
public:
    TextWriter(std::FILE* file, std::uint64_t start) : file_(file), start_(start) {}

    void take(const WindowEvent& event) override;
    void take(const CredsEvent& event) override;
    void take(const SignalEvent& event) override;
    void take(const DescriptorEvent& event) override;
    void take(const StallEvent& event) override;

private:
    void begin(std::uint64_t time, const char* kind, const trace_task& who);

    std::FILE* file_;
    std::uint64_t start_;
};

} // namespace kspawn::trace

#endif
