// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_SHRINKER_HPP
#define KSPAWN_CONFORMANCE_SHRINKER_HPP

#include <functional>

#include "specification.hpp"

namespace conformance {

/// The least that still fails: steps and members are left out as long as that is so.
/// @param fails carries a specification out
Specification shrink(Specification specification,
                     const std::function<bool(const Specification&)>& fails);

} // namespace conformance

#endif
