// SPDX-License-Identifier: LGPL-2.1-or-later
/// A kind of events: all that the rest of the tracer knows of it.
#ifndef KSPAWN_TRACE_KIND_HPP
#define KSPAWN_TRACE_KIND_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deeds.hpp"
#include "events.h"
#include "finding.hpp"

namespace kspawn::trace {

class Assembler;
class Decoder;
struct Options;

/// A probe, by the name of its program; where it is, its SEC() says.
struct Probe {
    const char* program = nullptr;
    const char* effect = nullptr; ///< what does not work without it
    Deed deed = Deed::none;       ///< it must have been run after that
    bool base = false;            ///< nothing works without it
    /// A probe for kernels that lack the function of the other one.
    const char* instead = nullptr;
};

/// How names, threads and times are written: for a terminal, or for a page.
struct Manner {
    std::string (*name)(std::string_view name);
    std::string (*task)(const Task& task);
    std::string (*time)(Nanoseconds time);
};

/// How much a finding matters on the page.
enum class Weight { danger, doubt, note };

/// The one entry on the page for findings that are alike; the longest of them gives the time.
struct Heading {
    Weight weight;
    std::string title;
    std::string alike;  ///< the same for those that are told together
    Nanoseconds time{}; ///< the one that matters for this kind; 0: none does
};

/// How often there was one.
struct Tally {
    std::uint64_t events = 0;
    std::uint64_t findings = 0; ///< of these
    std::uint64_t grave = 0;    ///< of these

    void add(Count count) {
        events++;
        findings += count != Count::none ? 1U : 0U;
        grave += count == Count::grave ? 1U : 0U;
    }
};

/// For kinds whose every event is a finding.
constexpr Count each_is_one(const Json& /*fields*/) {
    return Count::finding;
}

/// "1 time", "2 times"
std::string counted(std::uint64_t count, std::string_view noun);
/// "1 child", "2 children"
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

struct Kind {
    std::string_view name;  ///< in options and in the JSON
    std::string_view label; ///< in a line of text
    std::string_view one;   ///< a finding: "leaked descriptor"
    std::string_view many;
    /// "let one side ...": the words of a verdict for the grave ones; empty: for none
    std::string_view grave{};
    bool judged;            ///< whether the verdict is about it if nobody asks after a kind
    std::string_view title; ///< on the page: "descriptors"
    std::string_view tile;
    std::string_view explanation;
    std::span<const Probe> probes;

    std::unique_ptr<Decoder> (*decoder)(Assembler& assembler);
    Count (*count)(const Json& fields);
    /// A finding in words: one or more sentences, which begin with its task.
    std::string (*words)(const Finding& finding, const Manner& manner);
    Heading (*heading)(const Finding& finding); ///< null: it is no matter of the list
    /// All of them in a line or two of the summary.
    std::string (*total)(const Tally& tally, const Options& options);
};

// The list of events.h, as numbers and as objects.
// NOLINTBEGIN(cppcoreguidelines-macro-usage,bugprone-macro-parentheses)
#define KSPAWN_TRACE_NUMBER(name) kind_##name,
#define KSPAWN_TRACE_DECLARE(name) extern const Kind name;
#define KSPAWN_TRACE_POINTER(name) &kinds::name,
// NOLINTEND(cppcoreguidelines-macro-usage,bugprone-macro-parentheses)

enum KindNumber : std::size_t { TRACE_EACH_KIND(KSPAWN_TRACE_NUMBER) kind_count };

namespace kinds {
TRACE_EACH_KIND(KSPAWN_TRACE_DECLARE)
} // namespace kinds

inline constexpr std::array<const Kind*, kind_count> all_kinds{
    TRACE_EACH_KIND(KSPAWN_TRACE_POINTER)};

#undef KSPAWN_TRACE_NUMBER
#undef KSPAWN_TRACE_DECLARE
#undef KSPAWN_TRACE_POINTER

/// Some of the kinds.
using Kinds = std::array<bool, kind_count>;
constexpr Kinds every_kind() {
    Kinds kinds{};
    kinds.fill(true);
    return kinds;
}
/// Whether there is one among them.
bool any(const Kinds& kinds);
std::vector<std::string> names_of(const Kinds& kinds);
using Tallies = std::array<Tally, kind_count>;

/// The number of the kind of that name; kind_count: there is none.
std::size_t kind_number(std::string_view name);
/// "windows, creds, signals, fds, stalls"
std::string kind_names();

/// Names by number, as events.h has them.
inline constexpr std::array<std::string_view, TRACE_WAY_FORK + 1> way_names{
    "", "vfork", "clone_vm_vfork", "clone_vm", "kspawn", "fork"};
inline constexpr std::array<std::string_view, 3> outcome_names{"open", "exec", "exit"};

/// An element by a number that comes from outside.
template <typename Names>
std::string_view name_of(const Names& names, std::size_t index) {
    return index < names.size() ? std::string_view{names.at(index)} : std::string_view{"?"};
}

} // namespace kspawn::trace

#endif
