// SPDX-License-Identifier: LGPL-2.1-or-later
// Start the same by kspawn, glibc and musl, and see that the programs cannot tell.
//
//   table                  the table, cases.jsonl
//   random                 random specifications
//   either --spec JSON     one specification, with all that came of it
#include <gtest/gtest.h>

#include <iostream>

#include "engine/comparison.hpp"
#include "starters.hpp"

namespace conformance {

namespace {

std::unique_ptr<Starters> of_this_run;

int show(const std::string& text) {
    const auto specification = Specification::parse(text);
    const auto outcomes = starters().carry_out(specification);
    for (const auto& outcome : outcomes)
        std::cout << outcome.name << ": " << outcome.said.dump() << "\n";
    const auto differences = compare(specification, outcomes);
    for (const auto& difference : differences)
        if (!difference.intended.empty())
            std::cout << "intended (" << difference.intended << "): " << difference.where << '\n';
    std::cout << describe_failures(differences);
    return describe_failures(differences).empty() ? 0 : 1;
}

} // namespace

Starters& starters() {
    return *of_this_run;
}

} // namespace conformance

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    int status = 1;
    try {
        conformance::of_this_run = std::make_unique<conformance::Starters>();
        if (argc == 3 && std::string(argv[1]) == "--spec")
            status = conformance::show(argv[2]);
        else
            status = RUN_ALL_TESTS();
    } catch (const std::exception& error) {
        std::cerr << "conformance: " << error.what() << '\n';
    }
    conformance::of_this_run.reset();
    return status;
}
