// SPDX-License-Identifier: LGPL-2.1-or-later
// KSPAWN_STATS and KSPAWN_BACKEND, in programs that make it hard.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <regex>
#include <string>
#include <utility>

#include "kit.hpp"

namespace {

// NAME=VALUE... before scenario NAME; by a shell, whose exec is none of ours.
struct ScenarioEnd {
    int status = -1;
    std::string output; // on stderr
};

ScenarioEnd scenario(const std::string& name, const std::string& environment) {
    Actions actions;
    const auto said = run_shell("exec 2>&1; export " + environment + "; exec " +
                                    program_path("scenario") + " " + name,
                                actions.get());
    return {said.status, said.output};
}

// The counts of its line: kernel, failed, libc; with the kernel or without.
std::string counts(int kernel, int failed, int libc) {
    if (!have_kernel()) {
        libc += kernel + failed;
        kernel = 0;
        failed = 0;
    }
    return "kernel=" + std::to_string(kernel) + " failed=" + std::to_string(failed) +
           " libc=" + std::to_string(libc);
}

int lines_in(const std::string& text, const std::string& what) {
    int lines = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++lines;
    return lines;
}

// The program ends well, and has said that once.
ScenarioEnd expect_told(const std::string& name, const std::string& environment,
                        const std::string& what) {
    auto outcome = scenario(name, environment);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(lines_in(outcome.output, what), 1) << outcome.output;
    return outcome;
}

struct Case {
    const char* name;
    int starts;
    const char* others = "";
};

class Counts : public ::testing::TestWithParam<Case> {};

TEST_P(Counts, AreTold) {
    const auto outcome = expect_told(GetParam().name, "KSPAWN_STATS=1", " kernel=");
    EXPECT_EQ(lines_in(outcome.output, counts(GetParam().starts, 0, 0) +
                                           " posix_spawn=" + std::to_string(GetParam().starts) +
                                           GetParam().others + "\n"),
              1)
        << outcome.output;
    EXPECT_TRUE(std::regex_search(outcome.output,
                                  std::regex("^kspawn-preload: scenario\\[[0-9]+\\]: kernel=")))
        << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(Programs, Counts,
                         ::testing::Values(Case{"exit", 1}, Case{"underscore_exit", 1},
                                           Case{"quick_exit", 1}, Case{"vfork", 1, " vfork=1"},
                                           Case{"closes_all", 3}, Case{"takes_all", 3},
                                           Case{"zeroed", 1}, Case{"threads", 40}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Stats, NothingUnlessAskedFor) {
    for (const char* const environment : {"KSPAWN_STATS=", "KSPAWN_STATS=0", "OTHER=1"})
        EXPECT_EQ(scenario("exit", environment).output, "") << environment;
}

TEST(Stats, NothingOfAProgramThatStartsNothing) {
    EXPECT_EQ(scenario("nothing", "KSPAWN_STATS=1").output, "");
}

// Otherwise "it forks" would look like "the library was not loaded".
TEST(Stats, OfAProgramThatOnlyForks) {
    const auto outcome = expect_told("forks_only", "KSPAWN_STATS=1", "\n");
    // The third exec is that of vfork()'s child, which has its parent's memory; the
    // others are in children of fork(), of which each fork stands for one.
    EXPECT_EQ(lines_in(outcome.output, ": kernel=0 failed=0 libc=0 fork=2 vfork=1 exec=1\n"), 1)
        << outcome.output;
}

TEST(Stats, OfAProgramThatClones) {
    expect_told("clone", "KSPAWN_STATS=1", ": kernel=0 failed=0 libc=0 clone=1 exec=1\n");
}

// The last call is counted before it is made, with those before it that failed.
TEST(Stats, OfAProgramThatBecomesAnother) {
    for (const auto& [name, count] : {std::pair{"exec", 3}, std::pair{"exec_env", 1}}) {
        const auto outcome = scenario(name, "A=B KSPAWN_STATS=1");
        EXPECT_EQ(outcome.status, 0) << name;
        EXPECT_EQ(lines_in(outcome.output,
                           ": kernel=0 failed=0 libc=0 exec=" + std::to_string(count) + "\n"),
                  1)
            << outcome.output;
    }
    expect_told("start_and_exec", "KSPAWN_STATS=1", counts(1, 0, 0) + " posix_spawn=1 exec=1\n");
}

// The exec functions find libc's with all bound at the start, too.
TEST(Stats, BoundAtTheStart) {
    expect_told("forks_only", "LD_BIND_NOW=1 KSPAWN_STATS=1", " fork=2 vfork=1 exec=1\n");
}

TEST(Stats, ConstructorsCount) {
    expect_told("early", "KSPAWN_STATS=1 SCENARIO_EARLY=1", counts(1, 0, 0));
}

TEST(Stats, FailuresCount) {
    expect_told("not_found", "KSPAWN_STATS=1", counts(0, 1, 0));
}

TEST(Stats, AChildOfForkCountsItsOwn) {
    const auto outcome = expect_told("fork", "KSPAWN_STATS=1", counts(1, 0, 0));
    EXPECT_EQ(lines_in(outcome.output, counts(2, 0, 0)), 1) << outcome.output;
}

TEST(Stats, IntoAFile) {
    const Scratch scratch;
    const auto file = scratch.file("stats");
    for (int round = 1; round <= 2; ++round) {
        const auto outcome = scenario("exit", "KSPAWN_STATS=" + file);
        EXPECT_EQ(outcome.output, "");
        EXPECT_EQ(lines_in(read_file(file), counts(1, 0, 0)), round);
    }
    scenario("closed_stderr", "KSPAWN_STATS=" + file);
    EXPECT_EQ(lines_in(read_file(file), counts(1, 0, 0)), 3);
}

// No descriptor is left at the end.
TEST(Stats, IntoAFileWithAFullTable) {
    const Scratch scratch;
    const auto file = scratch.file("stats");
    const auto outcome = scenario("full_table", "KSPAWN_STATS=" + file);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(lines_in(read_file(file), counts(1, 0, 0)), 1);
    EXPECT_EQ(lines_in(scenario("full_table", "KSPAWN_STATS=1").output, counts(1, 0, 0)), 1);
}

// The program has taken all numbers that the file may have had.
TEST(Stats, IntoAFileWhoseNumberIsTaken) {
    const Scratch scratch;
    const auto file = scratch.file("stats");
    const auto outcome = scenario("another_file", "KSPAWN_STATS=" + file);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(lines_in(read_file(file), counts(1, 0, 0)), 1);
}

// Never silently: standard error has them instead, and why.
TEST(Stats, IntoAFileThatCannotBe) {
    const auto outcome = expect_told("exit", "KSPAWN_STATS=/no/such/directory/stats",
                                     "kspawn-preload: /no/such/directory/stats: No such file");
    EXPECT_EQ(lines_in(outcome.output, counts(1, 0, 0)), 1) << outcome.output;
}

// A line of noughts: the library was there.
TEST(Stats, IntoAFileOfAProgramThatStartsNothing) {
    const Scratch scratch;
    const auto file = scratch.file("stats");
    EXPECT_EQ(scenario("nothing", "KSPAWN_STATS=" + file).output, "");
    EXPECT_EQ(lines_in(read_file(file), ": kernel=0 failed=0 libc=0\n"), 1);
}

// The name is that of the program's beginning, whatever becomes of its directory
// and its environment.
TEST(Stats, IntoAFileNamedRelatively) {
    const Scratch scratch;
    const auto said = run_shell("cd " + scratch.path().string() + " && KSPAWN_STATS=stats exec " +
                                program_path("scenario") + " changes_directory");
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(lines_in(read_file(scratch.file("stats")), counts(1, 0, 0)), 1);
}

TEST(Fallback, ForcedToLibc) {
    const auto outcome = expect_told("exit", "KSPAWN_STATS=1 KSPAWN_BACKEND=libc",
                                     "kernel=0 failed=0 libc=1 posix_spawn=1\n");
    EXPECT_EQ(lines_in(outcome.output, "libc=1: KSPAWN_BACKEND=libc\n"), 1) << outcome.output;
}

TEST(Fallback, KernelRequired) {
    const auto outcome = scenario("exit", "KSPAWN_STATS=1 KSPAWN_BACKEND=kernel");
    EXPECT_EQ(outcome.status == 0, have_kernel());
    // ENOENT would be about the program.
    EXPECT_EQ(scenario("error", "KSPAWN_BACKEND=kernel").status, have_kernel() ? 0 : ENOSYS << 8);
}

TEST(Fallback, WithoutTheModule) {
    if (have_kernel())
        GTEST_SKIP() << "it is there";
    const auto outcome = scenario("exit", "KSPAWN_STATS=1");
    EXPECT_EQ(lines_in(outcome.output, "libc=1: /dev/kspawn: No such file or directory\n"), 1)
        << outcome.output;
}

TEST(Fallback, UnderSeccomp) {
    const auto outcome = expect_told("seccomp", "KSPAWN_STATS=1", "kernel=0 failed=0 libc=1 ");
    if (have_kernel()) {
        EXPECT_EQ(lines_in(outcome.output,
                           "libc=1: the caller runs under seccomp or may use I/O ports\n"),
                  1)
            << outcome.output;
    }
}

TEST(Fallback, AnObjectThatIsNotUnderstood) {
    expect_told("unknown_attribute", "KSPAWN_STATS=1",
                "libc=1: an object of <spawn.h> that is not understood");
}

// No descriptor is left for the device.
TEST(Fallback, NoRoomForTheDevice) {
    expect_told("no_room", "KSPAWN_STATS=1", "kernel=0 failed=0 libc=1 ");
}

} // namespace
