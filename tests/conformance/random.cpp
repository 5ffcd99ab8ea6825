// SPDX-License-Identifier: LGPL-2.1-or-later
// Random specifications.
//
//   KSPAWN_CONFORMANCE_COUNT   how many (250; nightly 20000)
//   KSPAWN_CONFORMANCE_SEED    which (default: the same ones each time)
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>

#include "engine/comparison.hpp"
#include "engine/generator.hpp"
#include "engine/shrinker.hpp"
#include "starters.hpp"

namespace conformance {

namespace {

// A difference that is found once is found often; the rest of the time is better spent.
constexpr int most_failures = 100;
constexpr int most_shrunk = 10;

std::vector<Difference> differences_of(const Specification& specification) {
    return compare(specification, starters().carry_out(specification));
}

std::string failures_of(const Specification& specification) {
    return describe_failures(differences_of(specification));
}

// Whether it fails where that one did first: a smaller one may fail for another
// reason, and hide the first.
bool fails_like(const Specification& specification, const Difference& first) {
    return std::ranges::any_of(differences_of(specification), [&](const Difference& difference) {
        return difference.intended.empty() && difference.where == first.where &&
               difference.against == first.against;
    });
}

std::string shrunk(const Specification& specification, const std::vector<Difference>& differences) {
    const auto first = std::find_if(differences.begin(), differences.end(),
                                    [](const auto& one) { return one.intended.empty(); });
    const auto least = shrink(specification, [&](const Specification& candidate) {
        return fails_like(candidate, *first);
    });
    const auto said = failures_of(least);
    return (said.empty() ? "  (not every time)\n" : said) + "conformance --spec '" + least.dump() +
           "'\nof\n";
}

unsigned long long number_from(const char* variable, unsigned long long otherwise) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

TEST(Random, SpecificationsAgree) {
    const auto count = number_from("KSPAWN_CONFORMANCE_COUNT", 250);
    const auto seed = number_from("KSPAWN_CONFORMANCE_SEED", 1);
    Generator generator(seed);
    std::map<std::string, int> rules;
    int started = 0;
    int failed = 0;
    for (unsigned long long i = 0; i < count && failed < most_failures; ++i) {
        const auto specification = generator.next();
        const auto outcomes = starters().carry_out(specification);
        started += outcomes.front().said.at("error") == 0 ? 1 : 0;
        const auto differences = compare(specification, outcomes);
        for (const auto& difference : differences)
            ++rules[difference.intended];
        if (describe_failures(differences).empty())
            continue;
        ++failed;
        ADD_FAILURE() << "seed " << seed << ", number " << i << ":\n"
                      << (failed <= most_shrunk ? shrunk(specification, differences) : "")
                      << specification.dump() << '\n'
                      << describe_failures(differences);
    }
    std::cout << count << " specifications, " << started << " of them started a program\n";
    for (const auto& [rule, times] : rules)
        std::cout << "  " << (rule.empty() ? "(failures)" : rule) << ": " << times << '\n';
    // Neither all nor none of them: both halves are under test.
    EXPECT_GT(started, static_cast<int>(count / 5));
    EXPECT_LT(started, static_cast<int>(count));
}

} // namespace

} // namespace conformance
