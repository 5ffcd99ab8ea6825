// SPDX-License-Identifier: LGPL-2.1-or-later
/// The verdict on a trace: one rule and one sentence, for the exit status, the
/// text, the JSON and the page.
#ifndef KSPAWN_TRACE_VERDICT_HPP
#define KSPAWN_TRACE_VERDICT_HPP

#include <string>
#include <string_view>

#include "kind.hpp"

namespace kspawn::trace {

/// The evidence of a verdict; all of it is in the JSON of a trace.
struct Evidence {
    Kinds traced{};    ///< --kinds; `kinds` of the first line
    Kinds asked{};     ///< --fail-on; `fail_on` of the first line
    Kinds blind{};     ///< of these, some may have been missed
    Tallies tallies{}; ///< `counts` and `findings` of the last line
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
