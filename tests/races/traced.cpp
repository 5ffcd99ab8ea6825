// SPDX-License-Identifier: LGPL-2.1-or-later
// The hazards, and many starts without any, under kspawn-trace: it reports what has
// happened, all of it and nothing else.  All are run under one trace, by this very
// program, which the tracer starts with --play.
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

#include "support/spawner.hpp"
#include "table/progress.hpp"
#include "table/report.hpp"
#include "table/scene.hpp"

namespace kspawn::races {

namespace {

std::string own_path;

// On a busy machine it may be long from open() to the start of a program.
test::Ended play_traced(const test::Scratch& scratch) {
    return test::run({(test::build_directory() / "kspawn-trace").string(), "--json", "--output",
                      scratch.file("trace"), "--fd-gap", "60s", "--", own_path, "--play",
                      scratch.file("scenes")});
}

/// What the trace and the scenes under it have said.
struct Recorded {
    Recorded() : tracer(play_traced(scratch)), trace(scratch.file("trace")) {
        read_scenes(scratch.file("scenes"), &scenes, &clean);
    }
    test::Scratch scratch;
    test::Ended tracer;
    Trace trace;
    std::vector<Scene> scenes;
    std::vector<Scene> clean;
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

class TracedScene : public ::testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_P(TracedScene, IsReportedIfItHappens) {
    ASSERT_EQ(recorded().scenes.size(), hazards().size() * ways().size());
    const auto& scene = recorded().scenes[GetParam()];
    ASSERT_TRUE(scene.evidence.is_object()) << scene.trouble;
    EXPECT_EQ(difference(scene, recorded().trace), "") << scene.evidence.dump();
    const auto libc = scene.evidence.at("libc").get<std::string>();
    if (std::ranges::find(known_libcs(), libc) != known_libcs().end())
        EXPECT_EQ(scene.outcome(), expected(scene.hazard.name, scene.way.name))
            << "as without the tracer";
}

class TracedClean : public ::testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { KSPAWN_NEED_DEVICE(); }
};

TEST_P(TracedClean, IsSeenAndNotReported) {
    ASSERT_EQ(recorded().clean.size(), ways().size());
    const auto& scene = recorded().clean[GetParam()];
    ASSERT_TRUE(scene.evidence.is_object()) << scene.trouble;
    EXPECT_EQ(difference(scene, recorded().trace), "");
    EXPECT_EQ(scene.evidence.at("evidence").at("starts"), std::stol(scene.hazard.arguments.at(0)));
}

TEST_F(Traced, NothingIsReportedOfOthers) {
    std::set<std::int64_t> casts;
    for (const auto* scenes : {&recorded().scenes, &recorded().clean})
        for (const auto& scene : *scenes)
            if (scene.evidence.is_object())
                casts.insert(scene.evidence.at("cast").get<std::int64_t>());
    for (const auto& [process, reports] : recorded().trace.reports)
        EXPECT_TRUE(casts.contains(process) || reports.empty())
            << "process " << process << ": " << reports.dump();
}

std::string scene_name(const ::testing::TestParamInfo<std::size_t>& info) {
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

INSTANTIATE_TEST_SUITE_P(Table, TracedScene,
                         ::testing::Range(std::size_t{0}, hazards().size() * ways().size()),
                         scene_name);
INSTANTIATE_TEST_SUITE_P(Table, TracedClean, ::testing::Range(std::size_t{0}, ways().size()),
                         way_name);

} // namespace

} // namespace kspawn::races

int main(int argc, char** argv) {
    using namespace kspawn;
    if (argc == 3 && std::string(argv[1]) == "--play") {
        const auto scenes = races::play_all();
        races::write_scenes(argv[2], scenes, races::play_clean());
        return 0;
    }
    ::testing::InitGoogleTest(&argc, argv);
    races::own_path = std::filesystem::read_symlink("/proc/self/exe").string();
    races::lend_stderr();
    const int status = RUN_ALL_TESTS();
    // What people look for comes last.
    if (const auto& all = races::record())
        std::cout << '\n' << table_of(all->scenes, all->clean, all->trace) << std::flush;
    return status;
}
