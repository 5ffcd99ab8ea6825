// SPDX-License-Identifier: LGPL-2.1-or-later
#include "shrinker.hpp"

namespace conformance {

namespace {

// All specifications that have one thing less.
std::vector<Specification> smaller(const Specification& specification) {
    std::vector<Specification> result;
    for (const auto& [member, value] : specification.items()) {
        Specification without = specification;
        without.erase(member);
        result.push_back(std::move(without));
    }
    for (const auto& [member, value] : specification.items()) {
        if (!value.is_array() || member == "program" || value.size() < 2)
            continue;
        for (std::size_t i = 0; i < value.size(); ++i) {
            Specification without = specification;
            without[member].erase(i);
            result.push_back(std::move(without));
        }
    }
    // Sets of signals and the like.
    for (const char* const member : {"parent", "attributes"}) {
        if (!specification.contains(member))
            continue;
        const auto& steps = specification[member];
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const auto& verb = steps[i].at(0);
            if (verb != "setsigdef" && verb != "setsigmask" && verb != "groups")
                continue;
            for (std::size_t j = 1; j < steps[i].size(); ++j) {
                Specification without = specification;
                without[member][i].erase(j);
                result.push_back(std::move(without));
            }
        }
    }
    return result;
}

} // namespace

Specification shrink(Specification specification,
                     const std::function<bool(const Specification&)>& fails) {
    for (bool progress = true; progress;) {
        progress = false;
        for (auto& candidate : smaller(specification))
            if (fails(candidate)) {
                specification = std::move(candidate);
                progress = true;
                break;
            }
    }
    return specification;
}

} // namespace conformance
