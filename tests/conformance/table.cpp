// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of specifications, and the list of what they may differ in.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

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
    // The outcome that the table expects keeps a case from being about nothing.
    const auto& ours = outcomes.front().said;
    EXPECT_EQ(ours.at("error").get<int>(), GetParam().value("expect", 0)) << ours.dump();
    if (ours.at("error") == 0) {
        EXPECT_TRUE(ours.at("report").is_object()) << ours.dump();
    }
    for (const auto& error : ours.at("set up"))
        EXPECT_EQ(error.get<int>(), 0) << "set up: " << ours.at("set up").dump();
}

INSTANTIATE_TEST_SUITE_P(Case, Table, ::testing::ValuesIn(read_table()), [](const auto& row) {
    return row.param.at("name").template get<std::string>();
});

TEST(Table, IsAsLongAsPromised) {
    EXPECT_GE(read_table().size(), 150U);
}

// One entry of a list of differences: its name, and all that is said of it.
using Entries = std::map<std::string, std::string>;

// Words with one blank between them, as the page and the rules break lines
// differently.
std::string words_of(const std::string& text) {
    std::istringstream stream{text};
    std::string words;
    for (std::string word; stream >> word;)
        words += (words.empty() ? "" : " ") + word;
    return words;
}

Entries entries_of_manual() {
    Entries entries;
    std::ifstream file(CONFORMANCE_MANUAL);
    std::string name;
    bool wanted = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(".SH")) {
            wanted = line == ".SH DIFFERENCES";
        } else if (wanted && line.starts_with(".B ")) {
            name = line.substr(3);
            entries[name];
        } else if (wanted && line != ".TP") {
            std::erase(line, '\\'); // "\-"
            entries[name] += line + "\n";
        }
    }
    for (auto& [unused, text] : entries)
        text = words_of(text);
    return entries;
}

Entries entries_of_rules() {
    Entries entries;
    for (const auto& rule : intended_differences()) {
        const std::string against = rule.against;
        const std::map<std::string, std::string> words{{"both", "glibc and musl"},
                                                       {"builder", "a builder"}};
        const auto found = words.find(against);
        entries[rule.name] = words_of("From " + (found == words.end() ? against : found->second) +
                                      ". " + rule.reason);
    }
    return entries;
}

// Neither more nor less than what is let pass here, with the same reasons.
TEST(Manual, HasTheIntendedDifferences) {
    EXPECT_FALSE(entries_of_rules().empty());
    EXPECT_EQ(entries_of_manual(), entries_of_rules());
}

} // namespace

} // namespace conformance
