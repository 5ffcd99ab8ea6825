// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that are to succeed, and what is thrown if they do not.
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Command;
using kspawn::ExitError;

class Check : public kit::Tidy {
protected:
    template <class Body>
    static std::optional<ExitError> thrown_by(Body body) {
        try {
            body();
        } catch (const ExitError& error) {
            return error;
        }
        return std::nullopt;
    }
};

TEST_F(Check, SuccessIsSilent) {
    EXPECT_NO_THROW(Command("true").check());
    EXPECT_EQ(Command("echo").arg("x").check_output().out, "x\n");
    EXPECT_EQ(Command("cat").check_output("input").out, "input");
    EXPECT_EQ(Command("echo").arg("x").check_capture().out, "x\n");
}

TEST_F(Check, StatusOfAFailure) {
    const auto error = thrown_by([] { shell("exit 3").check(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->status().code(), 3);
    EXPECT_EQ(error->output().err, "");
    EXPECT_EQ(error->what(), std::string("/bin/sh: exit status 3"));
    const auto killed = thrown_by([] { shell("kill -TERM $$").check(); });
    ASSERT_TRUE(killed);
    EXPECT_EQ(killed->status().signal(), SIGTERM);
    EXPECT_EQ(killed->what(), std::string("/bin/sh: SIGTERM"));
}

TEST_F(Check, OutputOfAFailure) {
    const auto script = shell("echo out; echo first >&2; echo 'last one' >&2; echo >&2; exit 4");
    for (const bool captured : {false, true}) {
        const auto error =
            thrown_by([&] { (void)(captured ? script.check_capture() : script.check_output()); });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->status().code(), 4);
        EXPECT_EQ(error->output().out, "out\n");
        EXPECT_EQ(error->output().err, "first\nlast one\n\n");
        EXPECT_EQ(error->what(), std::string("/bin/sh: exit status 4: last one"));
    }
}

TEST_F(Check, LongLineIsCut) {
    const auto error =
        thrown_by([] { (void)shell("printf '%0300d' 1 >&2; exit 1").check_output(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->what(), "/bin/sh: exit status 1: " + std::string(200, '0'));
    EXPECT_EQ(error->output().err.size(), 300U);
}

TEST_F(Check, TimeLimitIsAFailure) {
    using namespace std::chrono_literals;
    // It ends by exit(0) when it is told to.
    const auto error = thrown_by([] {
        (void)shell("trap 'exit 0' TERM; echo x; sleep 100 & wait")
            .time_limit(300ms)
            .check_capture();
    });
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->output().timed_out);
    EXPECT_TRUE(error->status().success());
    EXPECT_EQ(error->output().out, "x\n");
    EXPECT_EQ(error->what(), std::string("/bin/sh: time limit: exit status 0"));
}

TEST_F(Check, NoStartIsASpawnError) {
    EXPECT_THROW(Command("/no/such").check(), kspawn::SpawnError);
    EXPECT_THROW((void)Command("/no/such").check_output(), kspawn::SpawnError);
    EXPECT_THROW((void)Command("/no/such").check_capture(), kspawn::SpawnError);
}

TEST_F(Check, IsARuntimeErrorAndCopiesAreTheSame) {
    try {
        Command("false").check();
        FAIL();
    } catch (const std::runtime_error& error) {
        const auto copy = dynamic_cast<const ExitError&>(error);
        EXPECT_EQ(copy.status().code(), 1);
        EXPECT_EQ(&copy.output(), &dynamic_cast<const ExitError&>(error).output());
    }
}

} // namespace
