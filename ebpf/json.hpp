// SPDX-License-Identifier: LGPL-2.1-or-later
/// The trace as JSON; FORMAT.md says what it looks like.
#ifndef KSPAWN_TRACE_JSON_HPP
#define KSPAWN_TRACE_JSON_HPP

#include <cstdio>
#include <vector>

#include "assembler.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace kspawn::trace {

class JsonWriter : public Sink {
public:
    JsonWriter(std::FILE* file, const Options& options) : file_(file), options_(options) {}

    void begin(const std::vector<MissingProbe>& missing);
    void take(const Finding& finding) override;
    void end(const Outcome& outcome);

private:
    void print(const Json& json);

    std::FILE* file_;
    const Options& options_;
};

} // namespace kspawn::trace

#endif
