// SPDX-License-Identifier: LGPL-2.1-or-later
/// The verdict on a trace: one rule and one sentence, for the exit status, the
/// text, the JSON and the page.
#ifndef KSPAWN_TRACE_VERDICT_HPP
#define KSPAWN_TRACE_VERDICT_HPP

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kinds.hpp"

namespace kspawn::trace {

/// The evidence of a verdict; all of it is in the JSON of a trace.
struct Evidence {
    Kinds traced{};                                    ///< --kinds; `kinds` of the first line
    Kinds asked{};                                     ///< --fail-on; `fail_on` of the first line
    Kinds blind{};                                     ///< of these, some may have been missed
    std::array<std::uint64_t, TRACE_KINDS> findings{}; ///< `findings` of the last line
    std::uint64_t exposing = 0; ///< findings of creds whose `exposed` is not "none"
    std::uint64_t threaded = 0; ///< findings of windows whose `threads` are more than one
};

enum class Verdict { clean, found, unknown };

/// The kinds that the verdict is about: those that were asked after, or else what
/// happened around windows, as far as it was traced (creds, signals, fds).  A window
/// alone, and a wait, is a finding only for somebody who asks after it.
Kinds judged_kinds(const Evidence& evidence);

/// found: there is a finding of a kind that is judged.  unknown: there is none, but
/// some may have been missed; or windows were open, and what happened in them was not
/// traced.  clean: none of that.
Verdict judge(const Evidence& evidence);

/// "clean", "found", "unknown".
std::string_view name_of(Verdict verdict);

/// The verdict in one sentence, without a final newline: "Clean: ...", "Found: ...",
/// "Unknown: ...".
std::string sentence_of(const Evidence& evidence);

} // namespace kspawn::trace

#endif
