// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever waits for the trials is told how far they are, and before the table.
#include "table/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "kit/owners.hpp"

namespace kspawn::races {

namespace {

using test::Descriptor;
using test::Pipe;
using test::read_all;

TEST(Progress, IsALineForEveryTenthInALog) {
    const Pipe pipe{O_NONBLOCK};
    {
        Progress progress("trials", 49, pipe.writer.get());
        EXPECT_EQ(read_all(pipe.reader), "trials: 0 of 49\n");
        for (int step = 0; step < 4; step++)
            progress.step();
        EXPECT_EQ(read_all(pipe.reader), "");
        progress.step();
        EXPECT_EQ(read_all(pipe.reader), "trials: 5 of 49\n");
        for (int step = 5; step < 49; step++)
            progress.step();
    }
    const auto rest = read_all(pipe.reader);
    EXPECT_EQ(std::ranges::count(rest, '\n'), 9) << rest;
    EXPECT_TRUE(rest.ends_with("trials: 49 of 49\n")) << rest;
}

TEST(Progress, IsOneMovingLineOnATerminal) {
    const Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    ASSERT_TRUE(master);
    ASSERT_EQ(::grantpt(master.get()), 0);
    ASSERT_EQ(::unlockpt(master.get()), 0);
    std::array<char, 64> name{};
    ASSERT_EQ(::ptsname_r(master.get(), name.data(), name.size()), 0);
    const Descriptor terminal{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    ASSERT_TRUE(terminal);
    {
        Progress progress("trials", 40, terminal.get());
        progress.step();
    }
    // A terminal gives what has come as far as it has come.
    const std::string expected = "\r\033[Ktrials\r\033[Ktrials: 1 of 40\r\033[K";
    std::string seen;
    while (seen.size() < expected.size()) {
        std::array<char, 256> text{};
        const auto count = ::read(master.get(), text.data(), text.size());
        ASSERT_GT(count, 0) << seen;
        seen.append(text.data(), static_cast<std::size_t>(count));
    }
    EXPECT_EQ(seen, expected);
}

TEST(Progress, IsToldOnTheStderrThatWasLent) {
    const Pipe pipe{O_NONBLOCK};
    const Descriptor own{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
    ASSERT_EQ(::dup2(pipe.writer.get(), STDERR_FILENO), STDERR_FILENO);
    lend_stderr();
    const auto lent = lent_stderr();
    // As in a process whose stderr is another.
    ASSERT_EQ(::dup2(own.get(), STDERR_FILENO), STDERR_FILENO);
    ::unsetenv("KSPAWN_RACES_PROGRESS");
    ASSERT_TRUE(lent);
    Progress("trials", 3, lent.get()).step();
    EXPECT_EQ(read_all(pipe.reader), "trials: 0 of 3\ntrials: 1 of 3\n");
}

} // namespace

} // namespace kspawn::races
