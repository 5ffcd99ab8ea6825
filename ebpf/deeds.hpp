// SPDX-License-Identifier: LGPL-2.1-or-later
/// Deeds that probes are to see, each done once: a probe that sees nothing is noticed.
#ifndef KSPAWN_TRACE_DEEDS_HPP
#define KSPAWN_TRACE_DEEDS_HPP

#include <bitset>
#include <cstddef>
#include <string_view>

namespace kspawn::trace {

/// A deed makes the kernel call the function at which a probe is.
enum class Deed : std::size_t {
    none, ///< not ours to bring about
    fork,
    exec,
    exit,
    credentials,
    map,
    unmap,
    protect,
    remap,
    write_pages,
    write_memory,
    open,
    close,
    mark,
    duplicate,
    count
};

using Deeds = std::bitset<static_cast<std::size_t>(Deed::count)>;

/// "mremap()", for a message.
std::string_view words_of(Deed deed);

/// Does them all, in a child process of its own.
/// @return those that succeeded; others may be forbidden here
Deeds do_each_once();

} // namespace kspawn::trace

#endif
