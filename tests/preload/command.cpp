// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn preload: the library without LD_PRELOAD by hand.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "kit.hpp"

namespace {

// As from a shell that has no preload.
Said kspawn_preload(const std::string& arguments) {
    const auto tool = std::filesystem::path(preload_path()).parent_path() / "kspawn";
    return run_shell("exec 2>&1; unset LD_PRELOAD KSPAWN_INHERIT; exec " + tool.string() +
                     " preload " + arguments);
}

bool has(const Said& said, const std::string& what) {
    return said.output.find(what) != std::string::npos;
}

TEST(Command, IsForOneProcess) {
    const auto said = kspawn_preload("-- " + program_path("scenario") + " environment");
    EXPECT_EQ(said.status, 0);
    EXPECT_TRUE(has(said, "PATH=")) << said.output;
    EXPECT_FALSE(has(said, "LD_PRELOAD=")) << said.output;
}

TEST(Command, IsForATree) {
    const auto said = kspawn_preload("--tree -- " + program_path("scenario") + " environment");
    EXPECT_EQ(said.status, 0);
    EXPECT_TRUE(has(said, "LD_PRELOAD=" + preload_path() + "\n")) << said.output;
    EXPECT_FALSE(has(said, "KSPAWN_INHERIT=")) << said.output;
}

TEST(Command, LeavesOtherPreloads) {
    const auto tool = std::filesystem::path(preload_path()).parent_path() / "kspawn";
    const auto said = run_shell("LD_PRELOAD=libm.so.6 exec " + tool.string() + " preload " +
                                program_path("scenario") + " environment");
    EXPECT_EQ(said.status, 0);
    EXPECT_TRUE(has(said, "LD_PRELOAD=libm.so.6\n")) << said.output;
}

TEST(Command, SaysWhatTookWhichWay) {
    const auto said = kspawn_preload("--stats " + program_path("scenario") + " threads");
    EXPECT_EQ(said.status, 0);
    const auto* const expected =
        have_kernel() ? "kspawn: 40 started by the kernel, 0 that it refused, 0 left"
                      : "kspawn: 0 started by the kernel, 0 that it refused, 40 left";
    EXPECT_TRUE(has(said, expected)) << said.output;
    EXPECT_EQ(has(said, "left to libc, 40: /dev/kspawn: "), !have_kernel()) << said.output;
    EXPECT_TRUE(has(said, "\nscenario          1  ")) << said.output;
}

TEST(Command, SaysWhatTookNone) {
    const auto said = kspawn_preload("--stats " + program_path("scenario") + " forks_only");
    EXPECT_EQ(said.status, 0);
    EXPECT_TRUE(has(said, "the library: 2 fork, 1 vfork, 0 clone, 1 exec\n")) << said.output;
}

TEST(Command, SaysWhatATreeDid) {
    const auto said = kspawn_preload("--tree --stats sh -c '" + program_path("scenario") +
                                     " exit; " + program_path("scenario") + " exit; exit 3'");
    EXPECT_EQ(said.status, 3 << 8);
    EXPECT_TRUE(has(said, "\nscenario          2  ")) << said.output;
    EXPECT_TRUE(has(said, "\nsh                1  ")) << said.output;
}

// ldconfig is linked statically.
TEST(Command, SaysThatTheLibraryWasNotThere) {
    const auto said = kspawn_preload("--stats /sbin/ldconfig --version >/dev/null");
    EXPECT_EQ(said.status, 0);
    const auto told = kspawn_preload("--stats /sbin/ldconfig --version");
    EXPECT_TRUE(has(told, "kspawn: no process that has ended had the library")) << told.output;
    const auto nothing = kspawn_preload("--stats " + program_path("scenario") + " nothing");
    EXPECT_TRUE(has(nothing, "\nscenario          1  ")) << nothing.output;
}

TEST(Command, EndsAsTheProgramDoes) {
    for (const std::string option : {"", "--stats "}) {
        EXPECT_EQ(kspawn_preload(option + "sh -c 'exit 9'").status, 9 << 8);
        EXPECT_EQ(kspawn_preload(option + "/no/such/program").status, 127 << 8);
        EXPECT_EQ(kspawn_preload(option + "/etc/passwd").status, 126 << 8);
    }
    EXPECT_EQ(kspawn_preload("sh -c 'kill -TERM $$'").status, SIGTERM);
    EXPECT_EQ(kspawn_preload("--stats sh -c 'kill -TERM $$'").status, (128 + SIGTERM) << 8);
}

TEST(Command, RefusesWhatItDoesNotKnow) {
    for (const std::string arguments : {"", "--", "--nonsense true", "--stats"}) {
        const auto said = kspawn_preload(arguments);
        EXPECT_EQ(said.status, 125 << 8) << arguments;
        EXPECT_TRUE(has(said, "(see kspawn preload --help)")) << said.output;
    }
    const auto help = kspawn_preload("--help");
    EXPECT_EQ(help.status, 0);
    EXPECT_TRUE(has(help, "Usage: kspawn preload [--tree] [--stats] [--] PROGRAM")) << help.output;
}

} // namespace
