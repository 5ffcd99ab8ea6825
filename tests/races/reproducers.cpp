// SPDX-License-Identifier: LGPL-2.1-or-later
// The hazards, without a tracer: what happens is what the table says.
#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>

#include "kit/spawner.hpp"
#include "table/trial.hpp"

namespace kspawn::races {

namespace {

const std::vector<Trial>& trials() {
    static const std::vector<Trial> all = run_all();
    return all;
}

class Reproducer : public ::testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_P(Reproducer, ShowsWhatTheTableSays) {
    const auto& trial = trials()[GetParam()];
    ASSERT_TRUE(trial.evidence.is_object()) << trial.trouble;
    const auto libc = trial.evidence.at("libc").get<std::string>();
    if (std::ranges::find(known_libcs(), libc) == known_libcs().end())
        GTEST_SKIP() << libc << " is not in the table; seen: " << trial.evidence.dump();
    EXPECT_EQ(trial.outcome(), expected(trial.hazard.name, trial.way.name))
        << trial.evidence.dump();
}

std::string name_of(const ::testing::TestParamInfo<std::size_t>& info) {
    const auto& hazard = hazards()[info.param / ways().size()];
    const auto& way = ways()[info.param % ways().size()];
    auto name = hazard.name + "_" + way.name;
    std::ranges::replace(name, '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Table, Reproducer,
                         ::testing::Range(std::size_t{0}, hazards().size() * ways().size()),
                         name_of);

} // namespace

} // namespace kspawn::races
