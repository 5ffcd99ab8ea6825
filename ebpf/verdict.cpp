// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verdict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace kspawn::trace {

namespace {

struct Nouns {
    std::string_view one;
    std::string_view many;
};

// In the order of the kinds.
constexpr std::array<Nouns, TRACE_KINDS> nouns{
    {{"child that ran code in its caller's memory",
      "children that ran code in their callers' memory"},
     {"change of credentials in a window", "changes of credentials in a window"},
     {"signal handler in a child", "signal handlers in children"},
     {"leaked descriptor", "leaked descriptors"},
     {"wait because of a start", "waits because of a start"}}};

std::string counted(std::uint64_t count, const Nouns& words) {
    return fmt::format("{} {}", count, count == 1 ? words.one : words.many);
}

bool any(const Kinds& kinds) {
    return std::find(kinds.begin(), kinds.end(), true) != kinds.end();
}

Kinds both(const Kinds& one, const Kinds& other) {
    Kinds result{};
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++)
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

std::string names(const Kinds& kinds) {
    std::vector<std::string> parts;
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (kinds.at(kind))
            parts.emplace_back(kind_names.at(kind));
    }
    return enumerated(parts, "and");
}

std::string found_in_words(const Evidence& evidence, const Kinds& judged) {
    std::vector<std::string> parts;
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        const auto count = evidence.findings.at(kind);
        if (!judged.at(kind) || count == 0)
            continue;
        auto part = counted(count, nouns.at(kind));
        if (kind == TRACE_KIND_CREDS)
            part += evidence.exposing == 0
                        ? " (none let one side write the memory of another with more privilege)"
                        : fmt::format(
                              " ({} let one side write the memory of another with more privilege)",
                              evidence.exposing);
        parts.push_back(std::move(part));
    }
    auto text = "Found: " + enumerated(parts, "and");
    if (const auto blind = both(judged, evidence.blind); any(blind))
        text += fmt::format("; of {} there may be more, as not everything was seen", names(blind));
    return text + ".";
}

std::string clean_in_words(const Evidence& evidence, const Kinds& judged) {
    std::vector<std::string> parts;
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (judged.at(kind))
            parts.push_back(fmt::format("no {}", nouns.at(kind).one));
    }
    const auto text = enumerated(parts, "and");
    // Without windows nothing can have happened in one; with some, who could have done it.
    if (!evidence.traced.at(TRACE_KIND_WINDOWS) || judged.at(TRACE_KIND_WINDOWS))
        return fmt::format("Clean: {}.", text);
    const auto windows = evidence.findings.at(TRACE_KIND_WINDOWS);
    std::string beside;
    if (windows != 0)
        beside = evidence.threaded == 0
                     ? ", none of them beside other threads"
                     : fmt::format(", {} of them beside other threads that could have interfered",
                                   evidence.threaded);
    return fmt::format("Clean: {}{}{}{}.", text, text.empty() ? "" : "; ",
                       windows == 0 ? fmt::format("no {}", nouns.at(TRACE_KIND_WINDOWS).one)
                                    : counted(windows, nouns.at(TRACE_KIND_WINDOWS)),
                       beside);
}

std::string unknown_in_words(const Evidence& evidence, const Kinds& judged) {
    if (const auto blind = both(judged, evidence.blind); any(blind))
        return fmt::format("Unknown: nothing was found, but of {} not everything was seen.",
                           names(blind));
    const auto windows = evidence.findings.at(TRACE_KIND_WINDOWS);
    return fmt::format(
        "Unknown: {}what happens around windows was not traced (creds, signals, fds).",
        windows == 0 ? ""
                     : fmt::format("there {} {}, but ", windows == 1 ? "was" : "were",
                                   counted(windows, nouns.at(TRACE_KIND_WINDOWS))));
}

} // namespace

Kinds judged_kinds(const Evidence& evidence) {
    if (any(evidence.asked))
        return evidence.asked;
    auto judged = evidence.traced;
    judged.at(TRACE_KIND_WINDOWS) = judged.at(TRACE_KIND_STALLS) = false;
    return judged;
}

Verdict judge(const Evidence& evidence) {
    const auto judged = judged_kinds(evidence);
    for (std::size_t kind = 0; kind < TRACE_KINDS; kind++) {
        if (judged.at(kind) && evidence.findings.at(kind) != 0)
            return Verdict::found;
    }
    if (any(both(judged, evidence.blind)))
        return Verdict::unknown;
    if (any(judged))
        return Verdict::clean;
    const bool no_windows = evidence.traced.at(TRACE_KIND_WINDOWS) &&
                            !evidence.blind.at(TRACE_KIND_WINDOWS) &&
                            evidence.findings.at(TRACE_KIND_WINDOWS) == 0;
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
