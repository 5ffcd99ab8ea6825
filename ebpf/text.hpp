// SPDX-License-Identifier: LGPL-2.1-or-later
/// Findings for people, a line each.
#ifndef KSPAWN_TRACE_TEXT_HPP
#define KSPAWN_TRACE_TEXT_HPP

#include <cstdio>

#include "assembler.hpp"

namespace kspawn::trace {

class TextWriter : public Sink {
public:
    explicit TextWriter(std::FILE* file) : file_(file) {}
    void take(const Finding& finding) override;

private:
    std::FILE* file_;
};

} // namespace kspawn::trace

#endif
