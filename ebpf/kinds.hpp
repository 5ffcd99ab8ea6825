// SPDX-License-Identifier: LGPL-2.1-or-later
/// The kinds of events, and the ways of spawning, by name.
#ifndef KSPAWN_TRACE_KINDS_HPP
#define KSPAWN_TRACE_KINDS_HPP

#include <array>
#include <cstddef>
#include <string_view>

#include "events.h"

namespace kspawn::trace {

using Kinds = std::array<bool, TRACE_KINDS>;

inline constexpr std::array<std::string_view, TRACE_KINDS> kind_names{"windows", "creds", "signals",
                                                                      "fds", "stalls"};
constexpr Kinds all_kinds() {
    return {true, true, true, true, true};
}

inline constexpr std::array<std::string_view, TRACE_WAY_FORK + 1> way_names{
    "", "vfork", "clone_vm_vfork", "clone_vm", "kspawn", "fork"};

inline constexpr std::array<std::string_view, TRACE_MEMORY_OPERATIONS> memory_names{
    "mmap", "munmap", "mprotect", "mremap", "process_vm_writev", "remote"};

inline constexpr std::array<std::string_view, 3> outcome_names{"open", "exec", "exit"};

/// An element by a number that comes from outside.
template <typename Names>
std::string_view name_of(const Names& names, std::size_t index) {
    return index < names.size() ? std::string_view{names.at(index)} : std::string_view{"?"};
}

} // namespace kspawn::trace

#endif
