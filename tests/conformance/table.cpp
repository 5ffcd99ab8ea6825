// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of specifications, and the list of what they may differ in.
#include <gtest/gtest.h>

#include <fstream>

#include "engine/comparison.hpp"
#include "intended_differences.hpp"
#include "starters.hpp"

namespace conformance {

namespace {

std::vector<Specification> read_table() {
    std::vector<Specification> cases;
    std::ifstream file(CONFORMANCE_CASES);
    for (std::string line; std::getline(file, line);)
        if (!line.empty() && line[0] != '#')
            cases.push_back(Specification::parse(line));
    return cases;
}

class Table : public ::testing::TestWithParam<Specification> {};

TEST_P(Table, Agrees) {
    const auto outcomes = starters().carry_out(GetParam());
    EXPECT_EQ(describe_failures(compare(GetParam(), outcomes)), "") << GetParam().dump();
    // What the table says of the outcome keeps a case from being about nothing.
    const auto& ours = outcomes.front().said;
    EXPECT_EQ(ours.at("error").get<int>(), GetParam().value("expect", 0)) << ours.dump();
    if (ours.at("error") == 0) {
        EXPECT_TRUE(ours.at("report").is_object()) << ours.dump();
    }
    for (const auto& error : ours.at("set up"))
        EXPECT_EQ(error.get<int>(), 0) << "set up: " << ours.at("set up").dump();
}

INSTANTIATE_TEST_SUITE_P(Case, Table, ::testing::ValuesIn(read_table()), [](const auto& info) {
    return info.param.at("name").template get<std::string>();
});

TEST(Table, IsAsLongAsPromised) {
    EXPECT_GE(read_table().size(), 150U);
}

TEST(Manual, HasEveryIntendedDifference) {
    std::ifstream file(CONFORMANCE_MANUAL);
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(page.empty()) << CONFORMANCE_MANUAL;
    for (const auto& rule : intended_differences())
        EXPECT_NE(page.find(std::string(".TP\n.B ") + rule.name + "\n"), std::string::npos)
            << rule.name << " is not in kspawn-differences(7)";
}

} // namespace

} // namespace conformance
