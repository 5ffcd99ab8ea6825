// SPDX-License-Identifier: LGPL-2.1-or-later
// The hazards, and many starts without any, under kspawn-trace: it reports what has
// happened, all of it and nothing else.  All are run under one trace, by this very
// program, which the tracer starts with --run.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kit/spawner.hpp"
#include "table/progress.hpp"
#include "table/report.hpp"
#include "table/trial.hpp"

namespace kspawn::races {

namespace {

std::string own_path;

// On a busy machine it may be long from open() to the start of a program.
test::Ended run_traced(const test::Scratch& scratch) {
    return test::run({(test::build_directory() / "kspawn-trace").string(), "--json", "--output",
                      scratch.file("trace"), "--fd-gap", "60s", "--", own_path, "--run",
                      scratch.file("trials")});
}

/// The trace, and the output of the trials under it.
struct Recorded {
    Recorded() : tracer(run_traced(scratch)), trace(scratch.file("trace")) {
        read_trials(scratch.file("trials"), &trials, &clean);
    }
    test::Scratch scratch;
    test::Ended tracer;
    Trace trace;
    std::vector<Trial> trials;
    std::vector<Trial> clean;
};

std::optional<Recorded>& record() {
    static std::optional<Recorded> all;
    return all;
}

const Recorded& recorded() {
    if (!record())
        record().emplace();
    return *record();
}

class Traced : public ::testing::Test {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_F(Traced, TheTraceIsWhole) {
    const auto& all = recorded();
    EXPECT_EQ(all.tracer.status, 0) << all.tracer.err;
    ASSERT_TRUE(all.trace.summary.is_object()) << "the trace was cut off";
    EXPECT_EQ(all.trace.summary.at("drops").at("total"), 0) << all.trace.summary.dump();
    EXPECT_EQ(all.trace.summary.at("complete"), true) << all.trace.start.dump();
}

class TracedTrial : public ::testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_P(TracedTrial, IsReportedIfItHappens) {
    ASSERT_EQ(recorded().trials.size(), hazards().size() * ways().size());
    const auto& trial = recorded().trials[GetParam()];
    ASSERT_TRUE(trial.evidence.is_object()) << trial.trouble;
    EXPECT_EQ(difference(trial, recorded().trace), "") << trial.evidence.dump();
    const auto libc = trial.evidence.at("libc").get<std::string>();
    if (std::ranges::find(known_libcs(), libc) != known_libcs().end()) {
        EXPECT_EQ(trial.outcome(), expected(trial.hazard.name, trial.way.name))
            << "as without the tracer";
    }
}

class TracedClean : public ::testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_P(TracedClean, IsSeenAndNotReported) {
    ASSERT_EQ(recorded().clean.size(), ways().size());
    const auto& trial = recorded().clean[GetParam()];
    ASSERT_TRUE(trial.evidence.is_object()) << trial.trouble;
    EXPECT_EQ(difference(trial, recorded().trace), "");
    EXPECT_EQ(trial.evidence.at("evidence").at("starts"), std::stol(trial.hazard.arguments.at(0)));
}

TEST_F(Traced, NothingIsReportedOfOthers) {
    std::set<std::int64_t> subjects;
    for (const auto* trials : {&recorded().trials, &recorded().clean})
        for (const auto& trial : *trials)
            if (trial.evidence.is_object())
                subjects.insert(trial.evidence.at("subject").get<std::int64_t>());
    for (const auto& [process, reports] : recorded().trace.reports)
        EXPECT_TRUE(subjects.contains(process) || reports.empty())
            << "process " << process << ": " << reports.dump();
}

std::string trial_name(const ::testing::TestParamInfo<std::size_t>& info) {
    auto name =
        hazards()[info.param / ways().size()].name + "_" + ways()[info.param % ways().size()].name;
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string way_name(const ::testing::TestParamInfo<std::size_t>& info) {
    auto name = ways()[info.param].name;
    std::ranges::replace(name, '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Table, TracedTrial,
                         ::testing::Range(std::size_t{0}, hazards().size() * ways().size()),
                         trial_name);
INSTANTIATE_TEST_SUITE_P(Table, TracedClean, ::testing::Range(std::size_t{0}, ways().size()),
                         way_name);

} // namespace

} // namespace kspawn::races

int main(int argc, char** argv) {
    using namespace kspawn;
    if (argc == 3 && std::string(argv[1]) == "--run") {
        const auto trials = races::run_all();
        races::write_trials(argv[2], trials, races::run_clean());
        return 0;
    }
    ::testing::InitGoogleTest(&argc, argv);
    races::own_path = std::filesystem::read_symlink("/proc/self/exe").string();
    races::lend_stderr();
    const int status = RUN_ALL_TESTS();
    // The table, which people look for, comes last.
    if (const auto& all = races::record())
        std::cout << '\n' << table_of(all->trials, all->clean, all->trace) << std::flush;
    return status;
}
