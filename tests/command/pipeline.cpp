// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/pipeline.hpp>

#include <fcntl.h>
#include <kspawn/spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Command;
using kspawn::pipeline;
using kspawn::Stdio;

class Pipelines : public kit::Tidy {};

TEST_F(Pipelines, Three) {
    const auto output = pipeline({Command("printf").arg(R"(b\na\nb\n)"), Command("sort"),
                                  Command("uniq").arg("-c").env("X", "y")})
                            .output();
    EXPECT_TRUE(output.success());
    EXPECT_EQ(output.statuses.size(), 3U);
    EXPECT_EQ(output.out, "      1 a\n      2 b\n");
}

TEST_F(Pipelines, One) {
    EXPECT_EQ(pipeline({Command("cat")}).output("in").out, "in");
}

TEST_F(Pipelines, InputAndErrorsOfAll) {
    const auto output =
        pipeline({shell("cat; echo e1 >&2"), shell("tr a-z A-Z; echo e2 >&2; exit 3")})
            .output("text");
    EXPECT_EQ(output.out, "TEXT");
    EXPECT_NE(output.err.find("e1\n"), std::string::npos);
    EXPECT_NE(output.err.find("e2\n"), std::string::npos);
    EXPECT_FALSE(output.success());
    EXPECT_TRUE(output.statuses.at(0).success());
    EXPECT_EQ(output.statuses.at(1).code(), 3);
}

TEST_F(Pipelines, MegabyteThroughFour) {
    const std::string input(1'000'000, 'x');
    EXPECT_EQ(pipeline({Command("cat"), Command("cat"), Command("cat"), Command("wc").arg("-c")})
                  .output(input)
                  .out,
              "1000000\n");
}

TEST_F(Pipelines, ReaderThatEndsEarlyEndsTheWriter) {
    const auto output =
        pipeline({Command("yes").default_signals({SIGPIPE}), Command("head").args({"-n", "1"})})
            .output();
    EXPECT_EQ(output.out, "y\n");
    EXPECT_EQ(output.statuses.at(0).signal(), SIGPIPE) << "no other process has the pipe's end";
}

// More than a pipe holds, of each.
TEST_F(Pipelines, PipesOfTheCommandsOwnAreRead) {
    const auto noisy = shell("head -c 300000 /dev/zero | tr '\\0' e >&2; echo x; cat >/dev/null");
    const auto output = pipeline({Command(noisy).stderr_to(Stdio::pipe()),
                                  Command(noisy).stderr_to(Stdio::pipe()), Command("cat")})
                            .output();
    EXPECT_TRUE(output.success());
    EXPECT_EQ(output.err, std::string(600'000, 'e'));
    const auto other = pipeline({shell("yes >&5; exit 3").descriptor(5, Stdio::pipe_from_child())});
    EXPECT_EQ(other.output().statuses.at(0).code(), 3) << "nobody can read it";
}

TEST_F(Pipelines, StatusClosesThePipes) {
    const auto statuses =
        pipeline({shell("yes >&2; cat").stdin_from(Stdio::pipe()).stderr_to(Stdio::pipe()),
                  Command("yes").default_signals({SIGPIPE}).stdout_to(Stdio::pipe())})
            .status();
    EXPECT_EQ(statuses.at(1).signal(), SIGPIPE);
}

TEST_F(Pipelines, Status) {
    const kit::Scratch directory;
    const auto statuses =
        pipeline({Command("printf").arg("x"),
                  Command("cat").stdout_to(Stdio::write(directory.path() / "file"))})
            .status();
    EXPECT_EQ(statuses.size(), 2U);
    EXPECT_EQ(kit::read_file(directory.path() / "file"), "x");
}

TEST_F(Pipelines, AllOrNone) {
    try {
        (void)pipeline({Command("cat").stdin_from(Stdio::pipe()), Command("cat"),
                        Command("/nonexistent/program")})
            .spawn();
        FAIL() << "it was started";
    } catch (const kspawn::SpawnError& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
    EXPECT_FALSE(kit::has_children()) << "those before it were killed and reaped";
    std::error_code error;
    EXPECT_TRUE(pipeline({Command("yes"), Command("/nonexistent")}).spawn(error).empty());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    (void)pipeline({Command("yes"), Command("/nonexistent")}).output("", error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_FALSE(pipeline({Command("/nonexistent")}).output("", error).success());
    EXPECT_TRUE(pipeline({Command("yes"), Command("/nonexistent")}).status(error).empty());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST_F(Pipelines, Empty) {
    EXPECT_THROW((void)pipeline({}).spawn(), kspawn::SpawnError);
    EXPECT_THROW((void)pipeline({}).output(), kspawn::SpawnError);
    std::error_code error;
    (void)pipeline({}).status(error);
    EXPECT_EQ(error, std::errc::invalid_argument);
}

TEST_F(Pipelines, CanBeStartedAgain) {
    const auto twice = pipeline({Command("echo").arg("x"), Command("cat")});
    EXPECT_EQ(twice.output().out, "x\n");
    EXPECT_EQ(twice.output().out, "x\n");
}

TEST_F(Pipelines, StatusAsOne) {
    const auto three = pipeline({shell("exit 3"), shell("exit 4"), Command("true")});
    EXPECT_EQ(three.exit_status().code(), 0);
    EXPECT_EQ(kspawn::Pipeline(three).pipefail().exit_status().code(), 4);
    EXPECT_EQ(kspawn::Pipeline(three).pipefail().pipefail(false).exit_status().code(), 0);
    EXPECT_EQ(pipeline({Command("true"), shell("exit 5")}).exit_status().code(), 5);
    EXPECT_TRUE(pipeline({Command("true"), Command("true")}).pipefail().exit_status().success());
    EXPECT_FALSE(kspawn::pipeline_status({}, true).known());
    std::error_code error;
    EXPECT_FALSE(pipeline({Command("/nonexistent")}).exit_status(error).known());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST_F(Pipelines, FailureNamesTheCommand) {
    try {
        (void)pipeline({Command("cat"), Command("/nonexistent/program")}).spawn();
        FAIL() << "it was started";
    } catch (const kspawn::SpawnError& error) {
        EXPECT_STREQ(error.what(), "start 1: exec /nonexistent/program: No such file or directory");
        EXPECT_EQ(error.step(), kspawn::Step::exec);
    }
    try {
        (void)pipeline({Command("cat"), Command("cat").arg(std::string("a\0b", 3))}).spawn();
        FAIL() << "it was started";
    } catch (const kspawn::SpawnError& error) {
        EXPECT_STREQ(error.what(), "start 1: argument with a NUL character: Invalid argument");
    }
}

TEST_F(Pipelines, NoneRunsUnlessAllCan) {
    const kit::Scratch directory;
    auto three = pipeline(
        {shell(": > " + directory.file("ran")), Command("cat"), Command("/nonexistent/program")});
    three.all_or_none();
    std::error_code error;
    EXPECT_TRUE(three.spawn(error).empty());
    EXPECT_EQ(error,
              kit::by_kernel() ? std::errc::no_such_file_or_directory : std::errc::not_supported);
    EXPECT_TRUE(three.status(error).empty());
    (void)three.output("", error);
    ::usleep(50'000);
    EXPECT_FALSE(std::filesystem::exists(directory.file("ran")));
    if (kit::by_kernel()) {
        EXPECT_EQ(pipeline({Command("echo").arg("x"), Command("cat")}).all_or_none().output().out,
                  "x\n");
    }
}

// Nobody waits for the end of a program that is not to run.
TEST_F(Pipelines, FailureIsNotWaitedOut) {
    const kit::Scratch directory;
    const auto before = std::chrono::steady_clock::now();
    std::error_code error;
    // exec: libc's shell is killed, and a child of it would be left.
    const auto script = ": > " + directory.file("ran") + "; exec sleep 60";
    (void)pipeline({shell(script), Command("/nonexistent/program")}).status(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
    if (kit::by_kernel()) {
        EXPECT_FALSE(std::filesystem::exists(directory.file("ran")));
    }
}

TEST_F(Pipelines, ProcessGroup) {
    auto children = pipeline({Command("cat").stdin_from(Stdio::pipe()), Command("cat")})
                        .process_group()
                        .spawn();
    for (const auto& child : children)
        EXPECT_EQ(::getpgid(child.pid()), children.front().pid());
    for (auto& child : children)
        EXPECT_TRUE(child.wait().success());
    std::error_code error;
    EXPECT_TRUE(pipeline({Command("cat"), Command("cat").new_session()})
                    .process_group()
                    .spawn(error)
                    .empty());
    EXPECT_EQ(error, std::errc::invalid_argument);
}

// A command that names the caller's descriptor of a number that becomes a pipe.
TEST_F(Pipelines, CallersDescriptorsAreNotThePipes) {
    const kit::Scratch directory;
    const kspawn::FileDescriptor file(
        ::open(directory.file("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const kspawn::FileDescriptor saved(::fcntl(1, F_DUPFD_CLOEXEC, 3));
    ASSERT_EQ(::dup2(file.get(), 1), 1);
    const auto statuses = pipeline({shell("echo mine >&5; echo theirs; echo both >&2")
                                        .descriptor(5, Stdio::descriptor(1))
                                        .stderr_to(Stdio::same_as(1)),
                                    shell("read a; read b; test $a,$b = theirs,both")})
                              .status();
    ASSERT_EQ(::dup2(saved.get(), 1), 1);
    EXPECT_TRUE(statuses.at(1).success());
    EXPECT_EQ(kit::read_file(directory.file("file")), "mine\n");
}

// The fault that a session with a terminal of its own finds; "": none.
std::string with_terminal(const std::function<std::string(int terminal)>& body) {
    return kspawn::test::in_a_fork([&]() -> std::string {
        ::setsid();
        ::signal(SIGHUP, SIG_IGN); // when the terminal goes
        const kspawn::FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
            return "no terminal";
        const kspawn::FileDescriptor terminal(::open(::ptsname(master.get()), O_RDWR | O_CLOEXEC));
        if (::tcgetpgrp(terminal.get()) != ::getpgrp())
            return "not the controlling terminal";
        auto wrong = body(terminal.get());
        if (wrong.empty() && ::tcgetpgrp(terminal.get()) != ::getpgrp())
            wrong = "the terminal was not given back";
        return wrong;
    });
}

TEST_F(Pipelines, Foreground) {
    // Fields 5 and 8: its group, and the one in the foreground.
    const auto says = shell("cat; cut -d' ' -f5,8 /proc/$$/stat");
    EXPECT_EQ(with_terminal([&](int terminal) -> std::string {
                  const auto output = pipeline({Command(says).stdin_from(Stdio::null()), says})
                                          .foreground(terminal)
                                          .output();
                  const auto line = output.out.substr(0, output.out.size() / 2);
                  const auto blank = line.find(' ');
                  const bool good = line + line == output.out && blank != std::string::npos &&
                                    line.substr(0, blank) + "\n" == line.substr(blank + 1);
                  return good ? "" : "not in the foreground: " + output.out;
              }),
              "");
    EXPECT_EQ(with_terminal([](int terminal) -> std::string {
                  return pipeline({Command("true"), Command("true")})
                                 .foreground(terminal)
                                 .exit_status()
                                 .success()
                             ? ""
                             : "it failed";
              }),
              "");
    EXPECT_EQ(with_terminal([](int terminal) -> std::string {
                  auto children = pipeline({Command("cat").stdin_from(Stdio::pipe()),
                                            Command("cat").stdout_to(Stdio::null())})
                                      .foreground(terminal)
                                      .spawn();
                  const auto group = ::tcgetpgrp(terminal);
                  const bool good = group == children.front().pid();
                  for (auto& child : children)
                      child.wait();
                  ::signal(SIGTTOU, SIG_IGN);
                  ::tcsetpgrp(terminal, ::getpgrp());
                  return good ? "" : "not in the foreground";
              }),
              "");
}

TEST_F(Pipelines, TerminalIsGivenBackAfterAFailure) {
    EXPECT_EQ(with_terminal([](int terminal) -> std::string {
                  std::error_code error;
                  (void)pipeline({Command("true"), Command("/nonexistent/program")})
                      .foreground(terminal)
                      .spawn(error);
                  return error == std::errc::no_such_file_or_directory ? "" : error.message();
              }),
              "");
}

TEST_F(Pipelines, ForegroundNeedsATerminal) {
    std::error_code error;
    (void)pipeline({Command("true")}).foreground(-1).spawn(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

TEST_F(Pipelines, TooMany) {
    std::error_code error;
    (void)pipeline(std::vector<Command>(KSPAWN_BATCH_MAX + 1, Command("true"))).spawn(error);
    EXPECT_EQ(error, std::errc::argument_list_too_long);
}

} // namespace
