// SPDX-License-Identifier: LGPL-2.1-or-later
//
// By hand and not by RapidCheck, whose property ends at its first failure and takes any
// smaller case that fails, for whatever reason.  Here one run finds up to a hundred, each is
// shrunk to what fails at the same place, and the cases of the table and of a nightly run
// are shrunk alike, though no generator has made them.  Its generators would replace
// generator.cpp one to one; what would go is shrinker.cpp, and what would come, a
// specification built from combinators and taken apart again, is longer.
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
