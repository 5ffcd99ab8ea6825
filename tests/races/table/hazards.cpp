// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hazards.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

namespace kspawn::races {

namespace {

/// Rounds of the descriptor race in which nobody helps it along.
std::string rounds() {
    const char* given = std::getenv("KSPAWN_RACES_ROUNDS");
    return given != nullptr ? given : "150";
}

constexpr std::size_t way_count = 9;

struct Row {
    std::string_view hazard;
    std::array<std::string_view, way_count> outcomes; // in the order of ways()
};

// Seen, on Linux 6.1 and 6.12 with glibc 2.36, on 7.3 with 2.41, with musl 1.2.3 on each.
constexpr std::array<Row, 6> rows{{
    // vfork, glibc, musl, thread, pipe, kspawn, kspawn-named, kspawn-async, kspawn-wait
    {"credentials", {"yes", "yes", "no", "yes", "yes", "no", "no", "no", "no"}},
    {"credentials-thread", {"yes", "yes", "yes", "yes", "yes", "no", "no", "no", "no"}},
    {"handler", {"yes", "no", "no", "no", "no", "no", "no", "no", "no"}},
    {"descriptors", {"yes", "yes", "yes", "yes", "yes", "yes", "no", "no", "no"}},
    {"descriptors-many", {"yes", "yes", "yes", "yes", "yes", "yes", "no", "no", "no"}},
    {"stall",
     {"caller, setuid", "caller, setuid", "caller, start, bystander, setuid", "setuid", "caller",
      "caller, setuid", "caller, setuid", "nobody", "caller, setuid"}},
}};

} // namespace

const std::vector<Hazard>& hazards() {
    static const std::vector<Hazard> all{
        {"credentials", "credentials", {}, "another's program runs as root (setuid)"},
        {"credentials-thread",
         "credentials",
         {"--thread"},
         "another's program runs as root (one thread drops itself)"},
        {"handler", "handler", {}, "the caller's handler runs in the child"},
        {"descriptors", "descriptors", {}, "a secret descriptor is inherited"},
        {"descriptors-many", "descriptors", {rounds()}, "the same, in many rounds left to chance"},
        {"stall", "stall", {}, "who waits while exec is slow"},
    };
    return all;
}

const std::vector<Way>& ways() {
    static const std::vector<Way> all{
        {"vfork", "vfork, execve", "glibc", false},
        {"glibc", "posix_spawn of glibc", "glibc", false},
        {"musl", "posix_spawn of musl", "musl", false},
        {"thread", "helper thread, vfork", "glibc", false},
        {"pipe", "clone(CLONE_VM), pipe", "glibc", false},
        {"kspawn", "kspawn", "glibc", true},
        {"kspawn-named", "kspawn, only what is named", "glibc", true},
        {"kspawn-async", "the same, asynchronous", "glibc", true},
        {"kspawn-wait", "the same, start and wait in one call", "glibc", true},
    };
    return all;
}

const std::vector<std::string>& known_libcs() {
    static const std::vector<std::string> all{"glibc 2.36", "glibc 2.41", "musl 1.2.3"};
    return all;
}

std::string expected(std::string_view hazard, std::string_view way) {
    const auto column =
        static_cast<std::size_t>(std::ranges::find(ways(), way, &Way::name) - ways().begin());
    const auto* row = std::ranges::find(rows, hazard, &Row::hazard);
    if (row == rows.end() || column >= way_count)
        throw std::out_of_range("not in the table");
    return std::string(row->outcomes.at(column));
}

} // namespace kspawn::races
