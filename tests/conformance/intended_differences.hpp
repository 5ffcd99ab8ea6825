// SPDX-License-Identifier: LGPL-2.1-or-later
/// The differences that are meant to be.
#ifndef KSPAWN_CONFORMANCE_INTENDED_DIFFERENCES_HPP
#define KSPAWN_CONFORMANCE_INTENDED_DIFFERENCES_HPP

#include <string>
#include <vector>

#include "engine/comparison.hpp"

namespace conformance {

/// One rule.  kspawn-differences(7) has each under its name.
struct IntendedDifference {
    const char* name;
    const char* against; ///< glibc, musl, "both", or builder
    const char* reason;
    bool (*applies)(const Specification& specification, const nlohmann::json& ours,
                    const nlohmann::json& theirs, const Difference& difference);
};

const std::vector<IntendedDifference>& intended_differences();

/// The name of the rule that a difference comes under; "" if there is none.
std::string intended(const Specification& specification, const nlohmann::json& ours,
                     const nlohmann::json& theirs, const Difference& difference);

} // namespace conformance

#endif
