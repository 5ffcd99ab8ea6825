// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that others chose do nothing to the terminal, and make no lines of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kit/process.hpp"
#include "tracer.hpp"

namespace {

using kspawn::test::run;
using kspawn::test::subject;
using kspawn::test::tracer;
using nlohmann::json;

// As the subject's behaviour "forge" has it; in another environment than this test's.
const std::string comm = "\nlie\033[1m\302\233\\ 2J";
const std::string comm_escaped = R"(\nlie\033[1m\302\233\\\ 2J)";
const std::string file = "/tmp/subject\n\033[2Jfile";
const std::string file_escaped = R"(/tmp/subject\n\033[2Jfile)";
const std::string program = "/tmp/subject\n\033[2Jprogram";
const std::string program_escaped = R"(/tmp/subject\n\033[2Jprogram)";

const std::vector<std::string> behaviours{"forge",   "inherited",     "vfork", "slow",
                                          "handler", "drop-in-child", "fork"};

bool is_control(char character) {
    const auto code = static_cast<unsigned char>(character);
    return (code < 0x20 && code != '\n') || code == 0x7f;
}

std::string without_controls(std::string text) {
    EXPECT_EQ(std::count_if(text.begin(), text.end(), is_control), 0) << json(text);
    EXPECT_EQ(text.find("\302\233"), std::string::npos) << json(text);
    EXPECT_EQ(text.find("\nlie"), std::string::npos) << text;
    EXPECT_EQ(text.find("\nfile"), std::string::npos) << text;
    return text;
}

TEST(Printing, ofNamesEscapesWhatATerminalActsOn) {
    std::vector<std::string> command{tracer(), "--fd-gap", "10s", "--", subject()};
    command.insert(command.end(), behaviours.begin(), behaviours.end());
    for (const auto* const locale : {"LC_ALL=C", "LC_ALL=C.UTF-8"}) {
        const auto ended = run(command, {locale});
        const auto text = without_controls(ended.err);
        EXPECT_EQ(ended.out, "");
        for (const auto* const line : {" window   ", " creds    ", " signal   ", " stall    "})
            EXPECT_NE(text.find(line + comm_escaped + "["), std::string::npos) << line << text;
        EXPECT_NE(text.find("] opened " + file_escaped + " as "), std::string::npos) << text;
        EXPECT_NE(text.find(" started " + program_escaped + ", which has it"), std::string::npos)
            << text;
        EXPECT_NE(text.find(" before its exec, in memory of " + comm_escaped + "["),
                  std::string::npos)
            << text;
        EXPECT_NE(text.find("  " + program_escaped + " (vfork "), std::string::npos)
            << "the summary of programs: " << text;
        EXPECT_NE(text.find("  " + comm_escaped + " ("), std::string::npos)
            << "the summary of callers: " << text;
    }
}

TEST(Printing, asJsonIsAscii) {
    std::vector<std::string> command{tracer(), "--json", "--fd-gap", "10s", "--", subject()};
    command.insert(command.end(), behaviours.begin(), behaviours.end());
    const auto out = without_controls(run(command, {"LC_ALL=C.UTF-8"}).out);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char byte) {
        return static_cast<unsigned char>(byte) < 0x80;
    })) << out;
    const auto traced = kspawn::test::trace({"--fd-gap", "10s"}, behaviours);
    ASSERT_FALSE(traced.of("fds").empty());
    EXPECT_EQ(traced.of("fds").front().at("comm"), comm) << "a reader gets what it was";
    EXPECT_EQ(traced.of("fds").front().at("path"), file);
    EXPECT_EQ(traced.of("fds").front().at("program"), program);
}

TEST(Printing, ofMistakesEscapesToo) {
    const std::string bad = "/no/such\nlie\033[1m";
    const std::string escaped = R"(/no/such\nlie\033[1m)";
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"-k", "windows", "--", bad},
                                               {"-k", "windows", "-o", bad, "--", "/bin/true"},
                                               {"-k", bad},
                                               {"--uid", bad},
                                               {"--stall-min", bad},
                                               {"--without-hook", bad},
                                               {"--no-such=" + bad},
                                               {"--duration", bad}}) {
        std::vector<std::string> command{tracer()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        const auto ended = run(command, {"LC_ALL=C.UTF-8"});
        EXPECT_NE(without_controls(ended.err).find(escaped), std::string::npos)
            << ended.err << json(arguments);
        EXPECT_GE(ended.status, 125);
    }
    // The command is in the summary.
    const auto summary =
        run({tracer(), "-k", "windows", "-s", "--", "/bin/true", bad}, {"LC_ALL=C.UTF-8"});
    EXPECT_NE(without_controls(summary.err).find("; /bin/true " + escaped + ": exit status 0\n"),
              std::string::npos)
        << summary.err;
}

} // namespace
