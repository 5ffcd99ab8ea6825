// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn pipe: its options, separators and exit statuses.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Arguments = std::vector<std::string>;

std::string tool() {
    return (build_directory() / "kspawn").string();
}

class ToolPipe : public Spawner {
protected:
    static Ended kspawn_pipe(Arguments arguments) {
        arguments.insert(arguments.begin(), {tool(), "pipe"});
        return test::run(arguments, {"PATH=/usr/bin:/bin"});
    }
};

TEST_F(ToolPipe, ConnectsThem) {
    expect(kspawn_pipe({"--", "printf", "b\\na\\n", ":", "sort", ":", "tr", "a-z", "A-Z"}), 0, "",
           "A\nB\n");
    expect(kspawn_pipe({"echo", "one"}), 0, "", "one\n");
}

TEST_F(ToolPipe, Separators) {
    expect(kspawn_pipe({"echo", "\\:", "\\\\:", "a:", "\\a", "\\", ":", "cat"}), 0, "",
           ": \\: a: \\a \\\n");
    expect(kspawn_pipe({"--separator", "then", "echo", ":", "\\then", "then", "cat"}), 0, "",
           ": then\n");
    for (const auto& wrong : {Arguments{}, Arguments{"--"}, Arguments{":", "cat"},
                              Arguments{"cat", ":"}, Arguments{"cat", ":", ":", "cat"}})
        expect(kspawn_pipe(wrong), 125, "kspawn: PROGRAM is required (see kspawn pipe --help)\n");
    expect(kspawn_pipe({"--no-option", "cat"}), 125,
           "kspawn: there is no option --no-option (see kspawn pipe --help)\n");
}

TEST_F(ToolPipe, StatusIsThatOfTheLast) {
    expect(kspawn_pipe({"sh", "-c", "exit 3", ":", "sh", "-c", "exit 4"}), 4, "");
    expect(kspawn_pipe({"sh", "-c", "exit 3", ":", "true"}), 0, "");
    expect(kspawn_pipe({"true", ":", helper("child"), "kill", "15"}), 128 + SIGTERM, "");
}

TEST_F(ToolPipe, PipefailIsThatOfTheLastThatFailed) {
    expect(
        kspawn_pipe({"--pipefail", "sh", "-c", "exit 3", ":", "sh", "-c", "exit 4", ":", "true"}),
        4, "");
    expect(kspawn_pipe({"--pipefail", helper("child"), "kill", "9", ":", "true"}), 128 + SIGKILL,
           "");
    expect(kspawn_pipe({"--pipefail", "true", ":", "true"}), 0, "");
}

TEST_F(ToolPipe, WhatCannotBeStarted) {
    expect(kspawn_pipe({"cat", ":", "/no/such/program"}), 127,
           "kspawn: start 1: exec /no/such/program: No such file or directory\n");
    const auto text = scratch.write("text", "no program", 0755);
    expect(kspawn_pipe({"true", ":", text}), 126,
           "kspawn: start 1: exec " + text + ": Exec format error\n");
}

TEST_F(ToolPipe, AllOrNone) {
    const auto file = scratch.file("ran");
    const auto ended =
        kspawn_pipe({"--all-or-none", "sh", "-c", ": > " + file, ":", "/no/such/program"});
    if (through_libc()) {
        EXPECT_EQ(ended.status, 125);
        EXPECT_TRUE(ended.err.starts_with(
            "kspawn: --all-or-none: Operation not supported (libc cannot do this"))
            << ended.err;
    } else {
        expect(ended, 127, "kspawn: start 1: exec /no/such/program: No such file or directory\n");
        expect(kspawn_pipe({"--all-or-none", "echo", "x", ":", "cat"}), 0, "", "x\n");
    }
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ToolPipe, ProcessGroup) {
    const std::string group = "echo $(cut -d' ' -f5 /proc/$$/stat)";
    const auto one =
        kspawn_pipe({"--process-group", "sh", "-c", group, ":", "sh", "-c", "cat; " + group});
    EXPECT_EQ(one.status, 0) << one.err;
    const auto half = one.out.size() / 2;
    EXPECT_EQ(one.out.substr(0, half), one.out.substr(half));
    EXPECT_NE(one.out.substr(0, half), std::to_string(::getpgrp()) + "\n");
    const auto none = kspawn_pipe({"sh", "-c", group});
    EXPECT_EQ(none.out, std::to_string(::getpgrp()) + "\n");
}

TEST_F(ToolPipe, SaysWhatItDoes) {
    const auto ended = kspawn_pipe({"-v", "sh", "-c", "exit 3", ":", "true"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_TRUE(ended.err.starts_with("kspawn: started sh as process ")) << ended.err;
    EXPECT_NE(ended.err.find("kspawn: started true as process "), std::string::npos);
    EXPECT_NE(ended.err.find(" exited with 3\n"), std::string::npos);
    EXPECT_NE(ended.err.find(" exited with 0\n"), std::string::npos);
}

TEST_F(ToolPipe, ForegroundNeedsATerminal) {
    EXPECT_EQ(in_a_fork([] {
                  ::setsid();
                  const auto ended = kspawn_pipe({"--foreground", "true"});
                  return ended.status == 125 ? "" : ended.err;
              }),
              "");
}

// In a session of its own with a terminal: the programs have it, and it is given back.
TEST_F(ToolPipe, Foreground) {
    const auto inside = scratch.file("inside");
    EXPECT_EQ(in_a_fork([&]() -> std::string {
                  ::setsid();
                  ::signal(SIGHUP, SIG_IGN); // when the terminal goes
                  const Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
                  if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
                      return "no terminal";
                  const Descriptor terminal{::open(::ptsname(master.get()), O_RDWR | O_CLOEXEC)};
                  // Fields 5 and 8: its group, and the one in the foreground.
                  const auto ended =
                      kspawn_pipe({"--foreground", "sh", "-c", "cut -d' ' -f5,8 /proc/$$/stat", ":",
                                   "sh", "-c", "cut -d' ' -f5,8 /proc/$$/stat; cat"});
                  if (ended.status != 0)
                      return ended.err;
                  if (::tcgetpgrp(terminal.get()) != ::getpgrp())
                      return "the terminal was not given back";
                  const auto half = ended.out.size() / 2;
                  const auto line = ended.out.substr(0, half);
                  const auto blank = line.find(' ');
                  if (line != ended.out.substr(half) ||
                      line.substr(0, blank) + "\n" != line.substr(blank + 1))
                      return "they were not in the foreground: " + ended.out;
                  return "";
              }),
              "");
}

// Whoever kills kspawn means the programs.
TEST_F(ToolPipe, PassesSignalsOnToAll) {
    const std::string script = "trap 'echo $0 >> " + scratch.file("got") + "; exit 5' TERM; : > " +
                               scratch.file("") + "$0; while :; do sleep 0.02; done";
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl(tool().c_str(), "kspawn", "pipe", "sh", "-c", script.c_str(), "one", ":", "sh",
                "-c", script.c_str(), "two", nullptr);
        ::_exit(127);
    }
    for (int i = 0; i < 2000 && !(std::filesystem::exists(scratch.file("one")) &&
                                  std::filesystem::exists(scratch.file("two")));
         ++i)
        ::usleep(10'000);
    ASSERT_EQ(::kill(child, SIGTERM), 0);
    EXPECT_EQ(exit_code_of(child), 5);
    const auto got = scratch.read("got");
    EXPECT_NE(got.find("one\n"), std::string::npos) << got;
    EXPECT_NE(got.find("two\n"), std::string::npos) << got;
}

} // namespace

} // namespace kspawn::test
