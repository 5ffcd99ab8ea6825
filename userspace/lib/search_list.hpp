// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_SEARCH_LIST_HPP
#define KSPAWN_LIB_SEARCH_LIST_HPP

#include <cstdlib>

namespace kspawn::internal {

/// Where to search without a PATH: confstr(_CS_PATH) of glibc and musl.
inline constexpr const char* default_search_list = "/bin:/usr/bin";

/// The caller's PATH, or default_search_list.
inline const char* search_list() noexcept {
    const char* const path = std::getenv("PATH");
    return path != nullptr ? path : default_search_list;
}

} // namespace kspawn::internal

#endif
