// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/pipeline.hpp>

#include <csignal>

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

} // namespace
