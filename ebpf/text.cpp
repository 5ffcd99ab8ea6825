// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.hpp"

#include <fmt/format.h>

#include "printable.hpp"
#include "time.hpp"

namespace kspawn::trace {

namespace {

constexpr Manner on_terminal{
    .name = printable,
    .task =
        [](const Task& task) {
            return task.tid == task.pid
                       ? fmt::format("{}[{}]", printable(task.comm), task.pid)
                       : fmt::format("{}[{}/{}]", printable(task.comm), task.pid, task.tid);
        },
    .time = [](Nanoseconds time) { return readable_time(static_cast<std::uint64_t>(time)); },
};

} // namespace

void TextWriter::take(const Finding& finding) {
    // A repeated finding has been printed before.
    if (number_at(finding.fields, "repeat").value_or(0) == 0)
        fmt::print(file_, "{:>12.6f} {:<8} {}\n", static_cast<double>(finding.time) / 1e9,
                   finding.kind->label, finding.kind->words(finding, on_terminal));
}

} // namespace kspawn::trace
