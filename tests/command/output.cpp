// SPDX-License-Identifier: LGPL-2.1-or-later
// output(): all of it, without deadlock.
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Command;
using kspawn::Stdio;

class OutputOf : public kit::Tidy {};

TEST_F(OutputOf, BothAndStatus) {
    const auto output = shell("echo out; echo err >&2; exit 5").output();
    EXPECT_EQ(output.out, "out\n");
    EXPECT_EQ(output.err, "err\n");
    EXPECT_EQ(output.status.code(), 5);
}

TEST_F(OutputOf, NothingToRead) {
    EXPECT_EQ(Command("cat").output().out, "") << "standard input is /dev/null";
}

TEST_F(OutputOf, MoreThanAPipeHoldsOnBothAtOnce) {
    // A reader of first one and then the other would wait for ever.
    const auto output = shell("i=0; while [ $i -lt 20 ]; do head -c 10000 /dev/zero >&2; "
                              "head -c 10000 /dev/zero; i=$((i+1)); done")
                            .output();
    EXPECT_EQ(output.out.size(), 200'000U);
    EXPECT_EQ(output.err.size(), 200'000U);
}

TEST_F(OutputOf, MoreThanAPipeHoldsInAndOutAtOnce) {
    std::string input(1'000'000, 'x');
    for (std::size_t i = 0; i < input.size(); i += 1000)
        input[i] = static_cast<char>(i / 1000);
    EXPECT_EQ(Command("cat").output(input).out, input);
}

TEST_F(OutputOf, ChildThatDoesNotReadItsInput) {
    const auto output = Command("true").output(std::string(1'000'000, 'x'));
    EXPECT_TRUE(output.status.success()) << "and no SIGPIPE here";
    EXPECT_EQ(shell("head -c 3").output(std::string(1'000'000, 'x')).out, "xxx");
}

TEST_F(OutputOf, WhatWasSaidHolds) {
    const auto output = shell("echo x; echo y >&2").stdout_to(Stdio::null()).output();
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(output.err, "y\n");
}

TEST_F(OutputOf, ChildThatDiesOfASignal) {
    EXPECT_EQ(shell("echo x; kill -TERM $$").output().status.signal(), SIGTERM);
}

TEST_F(OutputOf, PipesTakenAwayDoNotTakePart) {
    auto child =
        shell("echo a; echo b >&2").stdout_to(Stdio::pipe()).stderr_to(Stdio::pipe()).spawn();
    auto taken = std::move(child.stdout_pipe());
    const auto output = child.wait_with_output();
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(output.err, "b\n");
    EXPECT_EQ(taken.read_all(), "a\n");
}

TEST_F(OutputOf, EndsWithTheLastWriterNotWithTheChild) {
    EXPECT_EQ(shell("(sleep 0.2; echo late) & echo early").output().out, "early\nlate\n");
}

// Nothing is piped: the start and the wait are one call.
TEST_F(OutputOf, NothingPiped) {
    const kit::Scratch scratch;
    const auto file = scratch.path() / "out";
    const auto output = shell("echo x; echo y >&2; exit 6")
                            .stdout_to(Stdio::file(file, O_WRONLY | O_CREAT))
                            .stderr_to(Stdio::same_as(1))
                            .output();
    EXPECT_EQ(output.status.code(), 6);
    EXPECT_EQ(output.out + output.err, "");
    EXPECT_EQ(kit::read_file(file), "x\ny\n");
}

TEST_F(OutputOf, StatusWithAPipeThatNobodyServes) {
    EXPECT_TRUE(Command("cat").stdin_from(Stdio::pipe()).status().success()) << "it is closed";
}

TEST_F(OutputOf, StatusTellsTheProcess) {
    for (const auto& command : {shell("exit 7"), shell("cat; exit 7").stdin_from(Stdio::pipe())}) {
        pid_t pid = 0;
        int pidfd = -1;
        EXPECT_EQ(command.status(pid, pidfd).code(), 7);
        EXPECT_GT(pid, 0);
        const kspawn::FileDescriptor owned(pidfd);
        pollfd entry{.fd = owned.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&entry, 1, 0), 1) << "it is a pidfd of a process that has ended";
    }
    pid_t pid = 4711;
    int pidfd = 4712;
    EXPECT_THROW((void)Command("/no/such").status(pid, pidfd), kspawn::SpawnError);
    EXPECT_EQ(std::pair(pid, pidfd), std::pair(4711, 4712)) << "there is no child";
}

// A handler runs and the wait goes on, with or without SA_RESTART.
TEST_F(OutputOf, StatusIsNotInterrupted) {
    struct sigaction action {};
    struct sigaction before {};
    static volatile sig_atomic_t handled;
    handled = 0;
    action.sa_handler = [](int) { handled = handled + 1; };
    ::sigaction(SIGALRM, &action, &before);
    const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = 20000},
                          .it_value = {.tv_sec = 0, .tv_usec = 20000}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    EXPECT_EQ(shell("sleep 0.3; exit 9").status().code(), 9);
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
    EXPECT_GT(handled, 0);
}

TEST_F(OutputOf, StatusThatIsLost) {
    (void)::signal(SIGCHLD, SIG_IGN);
    std::error_code error;
    (void)shell("exit 4").status(error);
    EXPECT_EQ(error, std::errc::no_child_process);
    try {
        (void)shell("exit 4").status();
        ADD_FAILURE() << "no exception";
    } catch (const kspawn::SpawnError&) {
        ADD_FAILURE() << "it was started";
    } catch (const std::system_error& lost) {
        EXPECT_EQ(lost.code(), std::errc::no_child_process);
    }
    (void)::signal(SIGCHLD, SIG_DFL);
}

TEST_F(OutputOf, StatusOfNothing) {
    std::error_code error;
    (void)Command("/no/such").status(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THROW((void)Command("/no/such").status(), kspawn::SpawnError);
    EXPECT_THROW((void)Command("true").current_dir("/no/such").status(), kspawn::SpawnError);
}

TEST_F(OutputOf, StatusOnly) {
    EXPECT_EQ(shell("exit 4").status().code(), 4);
    std::error_code error;
    EXPECT_EQ(shell("exit 4").status(error).code(), 4);
    EXPECT_FALSE(error);
}

} // namespace
