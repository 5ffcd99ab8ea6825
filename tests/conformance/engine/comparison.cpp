// SPDX-License-Identifier: LGPL-2.1-or-later
#include "comparison.hpp"

#include <map>
#include <set>

#include "../intended_differences.hpp"

namespace conformance {

namespace {

using Flat = std::map<std::string, nlohmann::json>;

void flatten(const nlohmann::json& value, const std::string& where, Flat& flat) {
    if (!value.is_object()) {
        flat[where] = value;
        return;
    }
    for (const auto& [name, member] : value.items())
        flatten(member, where + '/' + name, flat);
}

Flat flatten(const nlohmann::json& value) {
    Flat flat;
    flatten(value, "", flat);
    return flat;
}

nlohmann::json at(const Flat& flat, const std::string& where) {
    const auto found = flat.find(where);
    return found == flat.end() ? nlohmann::json() : found->second;
}

} // namespace

std::vector<Difference> compare(const Specification& specification,
                                const std::vector<Starters::Outcome>& outcomes) {
    std::vector<Difference> differences;
    const auto& ours = outcomes.front().said;
    const Flat ours_flat = flatten(ours);
    for (std::size_t i = 1; i < outcomes.size(); ++i) {
        const auto& other = outcomes[i];
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
