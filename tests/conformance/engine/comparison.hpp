// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_COMPARISON_HPP
#define KSPAWN_CONFORMANCE_COMPARISON_HPP

#include <string>
#include <vector>

#include "starter.hpp"

namespace conformance {

/// One thing that came out otherwise.
struct Difference {
    std::string against; ///< glibc, musl or builder
    std::string where;   ///< /report/descriptors/5/offset
    nlohmann::json ours, theirs;
    std::string intended; ///< the name of the rule that has it so; "": a failure
};

/// All differences, the intended ones too.
std::vector<Difference> compare(const Specification& specification,
                                const std::vector<Starters::Answer>& answers);

/// Those that are failures, a line each; "" if there are none.
std::string describe_failures(const std::vector<Difference>& differences);

} // namespace conformance

#endif
