// SPDX-License-Identifier: LGPL-2.1-or-later
/// Maps of the probes, as the front end walks through them.
#ifndef KSPAWN_TRACE_MAP_HPP
#define KSPAWN_TRACE_MAP_HPP

#include <bpf/bpf.h>

namespace kspawn::trace {

/// All keys, while others put some in and take some out.
template <typename Key, typename Function>
void for_each_key(int map, Function function) {
    Key key{};
    Key next{};
    const void* previous = nullptr;
    while (bpf_map_get_next_key(map, previous, &next) == 0) {
        key = next;
        previous = &key;
        function(key);
    }
}

} // namespace kspawn::trace

#endif
