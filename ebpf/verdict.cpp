// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verdict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace kspawn::trace {

namespace {

std::string with_noun(std::uint64_t count, std::size_t kind) {
    return counted(count, all_kinds.at(kind)->one, all_kinds.at(kind)->many);
}

Kinds both(const Kinds& one, const Kinds& other) {
    Kinds result{};
    for (std::size_t kind = 0; kind < kind_count; kind++)
        result.at(kind) = one.at(kind) && other.at(kind);
    return result;
}

/// "A", "A and B", "A, B and C"
std::string enumerated(const std::vector<std::string>& parts, std::string_view last) {
    if (parts.size() < 2)
        return parts.empty() ? "" : parts.front();
    return fmt::format("{} {} {}", fmt::join(parts.begin(), parts.end() - 1, ", "), last,
                       parts.back());
}

std::string enumerated(const Kinds& kinds) {
    return enumerated(names_of(kinds), "and");
}

/// The kinds that the verdict is about if nobody asks after one.
Kinds judged_unasked() {
    Kinds kinds{};
    std::ranges::transform(all_kinds, kinds.begin(), &Kind::judged);
    return kinds;
}

std::string found_in_words(const Evidence& evidence, const Kinds& judged) {
    std::vector<std::string> parts;
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        const auto& tally = evidence.tallies.at(kind);
        if (!judged.at(kind) || tally.findings == 0)
            continue;
        auto part = with_noun(tally.findings, kind);
        if (const auto grave = all_kinds.at(kind)->grave; !grave.empty() && kind != kind_windows)
            part += fmt::format(" ({} {})", tally.grave == 0 ? "none" : std::to_string(tally.grave),
                                grave);
        parts.push_back(std::move(part));
    }
    auto text = "Found: " + enumerated(parts, "and");
    if (const auto blind = both(judged, evidence.blind); any(blind))
        text +=
            fmt::format("; of {} there may be more, as not everything was seen", enumerated(blind));
    return text + ".";
}

std::string clean_in_words(const Evidence& evidence, const Kinds& judged) {
    std::vector<std::string> parts;
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (judged.at(kind))
            parts.push_back(fmt::format("no {}", all_kinds.at(kind)->one));
    }
    const auto text = enumerated(parts, "and");
    // Without windows nothing can have happened in one; with some, who could have done it.
    if (!evidence.traced.at(kind_windows) || judged.at(kind_windows))
        return fmt::format("Clean: {}.", text);
    const auto& windows = evidence.tallies.at(kind_windows);
    std::string beside;
    if (windows.findings != 0)
        beside = windows.grave == 0
                     ? ", none of them beside other threads"
                     : fmt::format(", {} of them {}", windows.grave, kinds::windows.grave);
    return fmt::format("Clean: {}{}{}{}.", text, text.empty() ? "" : "; ",
                       windows.findings == 0 ? fmt::format("no {}", kinds::windows.one)
                                             : with_noun(windows.findings, kind_windows),
                       beside);
}

std::string unknown_in_words(const Evidence& evidence, const Kinds& judged) {
    if (const auto blind = both(judged, evidence.blind); any(blind))
        return fmt::format("Unknown: nothing was found, but of {} not everything was seen.",
                           enumerated(blind));
    const auto windows = evidence.tallies.at(kind_windows).findings;
    return fmt::format("Unknown: {}what happens around windows was not traced ({}).",
                       windows == 0
                           ? ""
                           : fmt::format("there {} {}, but ", windows == 1 ? "was" : "were",
                                         with_noun(windows, kind_windows)),
                       fmt::join(names_of(judged_unasked()), ", "));
}

} // namespace

Kinds judged_kinds(const Evidence& evidence) {
    if (any(evidence.asked))
        return evidence.asked;
    return both(evidence.traced, judged_unasked());
}

Verdict judge(const Evidence& evidence) {
    const auto judged = judged_kinds(evidence);
    for (std::size_t kind = 0; kind < kind_count; kind++) {
        if (judged.at(kind) && evidence.tallies.at(kind).findings != 0)
            return Verdict::found;
    }
    if (any(both(judged, evidence.blind)))
        return Verdict::unknown;
    if (any(judged))
        return Verdict::clean;
    const bool no_windows = evidence.traced.at(kind_windows) && !evidence.blind.at(kind_windows) &&
                            evidence.tallies.at(kind_windows).findings == 0;
    return no_windows ? Verdict::clean : Verdict::unknown;
}

std::string_view name_of(Verdict verdict) {
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

std::string sentence_of(const Evidence& evidence) {
    const auto judged = judged_kinds(evidence);
    switch (judge(evidence)) {
    case Verdict::clean:
        return clean_in_words(evidence, judged);
    case Verdict::found:
        return found_in_words(evidence, judged);
    case Verdict::unknown:
        break;
    }
    return unknown_in_words(evidence, judged);
}

} // namespace kspawn::trace
