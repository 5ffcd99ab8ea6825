// SPDX-License-Identifier: LGPL-2.1-or-later
#include "comparison.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../intended_differences.hpp"

namespace conformance {

namespace {

using Flat = std::map<std::string, nlohmann::json>;

// Not json::flatten(), which takes arrays apart as well.
Flat flatten(const nlohmann::json& value) {
    Flat flat;
    std::vector<std::pair<std::string, const nlohmann::json*>> left{{"", &value}};
    while (!left.empty()) {
        const auto [where, part] = std::move(left.back());
        left.pop_back();
        if (!part->is_object())
            flat[where] = *part;
        else
            for (const auto& [name, member] : part->items())
                left.emplace_back(std::string(where).append("/").append(name), &member);
    }
    return flat;
}

nlohmann::json at(const Flat& flat, const std::string& where) {
    const auto found = flat.find(where);
    return found == flat.end() ? nlohmann::json() : found->second;
}

} // namespace

std::vector<Difference> compare(const Specification& specification,
                                const std::vector<Starters::Answer>& answers) {
    std::vector<Difference> differences;
    const auto& ours = answers.front().said;
    const Flat ours_flat = flatten(ours);
    for (std::size_t i = 1; i < answers.size(); ++i) {
        const auto& other = answers[i];
        const Flat theirs_flat = flatten(other.said);
        std::set<std::string> places;
        for (const auto& [where, value] : ours_flat)
            places.insert(where);
        for (const auto& [where, value] : theirs_flat)
            places.insert(where);
        for (const auto& where : places) {
            Difference difference{other.name, where, at(ours_flat, where), at(theirs_flat, where),
                                  ""};
            if (difference.ours == difference.theirs)
                continue;
            difference.intended = intended(specification, ours, other.said, difference);
            differences.push_back(std::move(difference));
        }
    }
    return differences;
}

std::string describe_failures(const std::vector<Difference>& differences) {
    std::string text;
    for (const auto& difference : differences)
        if (difference.intended.empty())
            text += "  " + difference.where + ": kspawn " + difference.ours.dump() + ", " +
                    difference.against + " " + difference.theirs.dump() + "\n";
    return text;
}

} // namespace conformance
