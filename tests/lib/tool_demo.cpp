// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn demo: that it tells when something has not happened as told, and how it looks.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Arguments = std::vector<std::string>;

const Arguments plain_environment{"PATH=/usr/bin:/bin", "TERM=xterm"};

std::string tool() {
    return (build_directory() / "kspawn").string();
}

Ended kspawn_demo(Arguments arguments, const Arguments& environment = plain_environment) {
    arguments.insert(arguments.begin(), {tool(), "demo"});
    return test::run(arguments, environment);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        longest = std::max(longest, line.size());
    return longest;
}

/// All that the tour writes where its standard output is a terminal.
std::string on_a_terminal(const Arguments& arguments, const Arguments& environment) {
    const Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
        return "no terminal";
    Arguments command{"/bin/sh", "-c",   "exec \"$@\" >" + std::string(::ptsname(master.get())),
                      "sh",      tool(), "demo"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    // Kept open, so that what was written can be read when the tour has ended.
    const Descriptor terminal{::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    const auto ended = test::run(command, environment);
    if (ended.status != 0)
        return "status " + std::to_string(ended.status) + ": " + ended.err;
    ::fcntl(master.get(), F_SETFL, O_NONBLOCK);
    return read_all(master);
}

class ToolDemo : public Spawner {};

TEST_F(ToolDemo, TakesTheWholeTour) {
    const auto ended = kspawn_demo({"--calls", "40"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    EXPECT_EQ(ended.err, "");
    for (const auto* const part :
         {"1/6  ", "6/6  ", "    the attacker's program, as user 0\n",
          "    the server's helper, as user 0\n",
          "    file action 1: chdir /no/such/directory: No such file or directory\n",
          "    apple\n    fig\n\n  ok ",
          "start 2: exec /no/such/program: No such file or directory\n", "40 of 40 calls",
          "To go on from here"})
        EXPECT_TRUE(contains(ended.out, part)) << part << "\n" << ended.out;
    EXPECT_FALSE(contains(ended.out, "FAILED")) << ended.out;
    EXPECT_FALSE(contains(ended.out, "\033")) << ended.out;
    EXPECT_LE(longest_line(ended.out), 78U) << ended.out;
    EXPECT_TRUE(ended.out.ends_with(" as told\n")) << ended.out;
}

TEST_F(ToolDemo, ShowsTheStepsThatAreNamed) {
    const auto ended = kspawn_demo({"pipeline", "start"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    EXPECT_TRUE(ended.out.starts_with("1/2  One call")) << ended.out;
    EXPECT_TRUE(contains(ended.out, "2/2  A pipeline")) << ended.out;
    EXPECT_FALSE(contains(ended.out, "To go on from here")) << ended.out;
    EXPECT_EQ(kspawn_demo({"--list"}).out, "start\nattack\nfailure\npipeline\ntools\ncosts\n");
}

// With the preload library in the tour's own process libc's starts are the kernel's, so the attack
// through libc fails.  That is not what the tour tells.
TEST_F(ToolDemo, TellsThatAnAttackHasFailed) {
    auto variables = plain_environment;
    variables.push_back("LD_PRELOAD=" + (build_directory() / "libkspawn-preload.so").string());
    const auto ended = kspawn_demo({"attack"}, variables);
    EXPECT_EQ(ended.status, 1);
    EXPECT_TRUE(
        contains(ended.out, "this was run:\n\n    the server's helper, as user 0\n\n  FAILED"))
        << ended.out;
    EXPECT_TRUE(ended.out.ends_with("\n1 of 2 did not happen as told\n")) << ended.out;
}

TEST_F(ToolDemo, TellsThatAProgramIsNotThere) {
    const auto ended = kspawn_demo({"pipeline", "start"}, {"PATH=" + scratch.path().string()});
    EXPECT_EQ(ended.status, 1);
    EXPECT_TRUE(contains(ended.out, "  FAILED  start ")) << ended.out;
    EXPECT_TRUE(contains(ended.out, "\n1 of 2 did not happen as told\n")) << ended.out;
}

TEST_F(ToolDemo, OnlyRootHasPrivilegesToLose) {
    EXPECT_EQ(in_a_fork([]() -> std::string {
                  if (::setresgid(2001, 2001, 2001) != 0 || ::setresuid(2001, 2001, 2001) != 0)
                      return std::strerror(errno);
                  const auto ended = kspawn_demo({"start", "attack", "failure", "pipeline"});
                  const bool skipped = contains(ended.out, "  skipped Only root has privileges");
                  return ended.status == 0 && skipped &&
                                 ended.out.ends_with(" as told, 1 skipped\n")
                             ? ""
                             : ended.out + ended.err;
              }),
              "");
}

TEST_F(ToolDemo, WithoutTheModuleItTellsWhatTheDoctorTells) {
    EXPECT_EQ(in_a_fork([]() -> std::string {
                  if (::unshare(CLONE_NEWNS) != 0 ||
                      ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0)
                      return std::strerror(errno);
                  const auto ended = kspawn_demo({});
                  const auto told = test::run({tool(), "doctor"}, plain_environment).out;
                  return ended.status == 1 && !told.empty() &&
                                 ended.out == "The tour needs the kernel module.  This is what "
                                              "`kspawn doctor` says:\n\n" +
                                                  told
                             ? ""
                             : ended.out + ended.err;
              }),
              "");
}

TEST_F(ToolDemo, ColoursAreForTerminals) {
    auto no_color = plain_environment;
    no_color.emplace_back("NO_COLOR=1");
    auto empty = plain_environment;
    empty.emplace_back("NO_COLOR=");
    const Arguments dumb{"PATH=/usr/bin:/bin", "TERM=dumb"};
    for (const auto& variables : {plain_environment, empty}) {
        const auto shown = on_a_terminal({"failure"}, variables);
        EXPECT_TRUE(contains(shown, "\033[1m1/1  A start")) << shown;
        EXPECT_TRUE(contains(shown, "\033[32mok\033[0m")) << shown;
    }
    for (const auto& variables : {no_color, dumb})
        EXPECT_FALSE(contains(on_a_terminal({"failure"}, variables), "\033"));
    EXPECT_FALSE(
        contains(on_a_terminal({"--color", "never", "failure"}, plain_environment), "\033"));
    EXPECT_TRUE(contains(kspawn_demo({"--color", "always", "failure"}, no_color).out, "\033[1m"));
    EXPECT_FALSE(contains(kspawn_demo({"failure"}).out, "\033"));
}

TEST(ToolDemoUsage, Mistakes) {
    expect(kspawn_demo({"frob"}), 125, "kspawn: there is no step frob (see kspawn demo --help)\n");
    expect(kspawn_demo({"--color", "red"}), 125,
           "kspawn: --color: red is none of auto, always, never (see kspawn demo --help)\n");
    expect(kspawn_demo({"--calls", "0"}), 125,
           "kspawn: --calls: a number from 1 to 1000000 is wanted (see kspawn demo --help)\n");
    expect(kspawn_demo({"--frob"}), 125,
           "kspawn: there is no option --frob (see kspawn demo --help)\n");
}

} // namespace

} // namespace kspawn::test
