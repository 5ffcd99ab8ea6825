// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that tests read and write while another of their threads starts programs: no child must
// come to have them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "kit/owners.hpp"
#include "kit/process.hpp"
#include "kit/scratch.hpp"

namespace kspawn::test {

namespace {

/// A FIFO that is open here, at both ends: a thread that opens it goes on at once, and waits in
/// read() or write().
class Waiting : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        both = Descriptor{::open(fifo.c_str(), O_RDWR | O_CLOEXEC)};
        ASSERT_TRUE(both);
    }

    /// F_GETFD of the descriptor by which the thread has the FIFO open, once it has.
    [[nodiscard]] int flags_of_the_thread() const {
        for (;;) {
            for (const auto& [number, target] : open_descriptors())
                if (target == fifo && number != both.get())
                    return ::fcntl(number, F_GETFD);
            std::this_thread::yield();
        }
    }

    Scratch scratch;
    std::string fifo = scratch.file("fifo");
    Descriptor both;
};

TEST_F(Waiting, AFileThatIsReadIsCloseOnExec) {
    std::string text;
    std::jthread reader([&] { text = read_file(fifo); });
    EXPECT_EQ(flags_of_the_thread(), FD_CLOEXEC);
    EXPECT_EQ(::write(both.get(), "words", 5), 5);
    both = Descriptor{};
    reader.join();
    EXPECT_EQ(text, "words");
}

TEST_F(Waiting, AFileThatIsWrittenIsCloseOnExec) {
    const std::string text(200'000, '.'); // more than a pipe holds
    std::jthread writer([&] { write_file(fifo, text); });
    EXPECT_EQ(flags_of_the_thread(), FD_CLOEXEC);
    std::string come(text.size(), ' ');
    std::size_t count = 0;
    while (count < come.size()) {
        const auto more = ::read(both.get(), &come[count], come.size() - count);
        ASSERT_GT(more, 0);
        count += static_cast<std::size_t>(more);
    }
    writer.join();
    EXPECT_EQ(come, text);
}

TEST(Scratch, WhatIsWrittenIsRead) {
    const Scratch scratch;
    EXPECT_EQ(read_file(scratch.file("none")), "");
    scratch.write("file", "long words");
    scratch.write("file", "words", 0600);
    EXPECT_EQ(scratch.read("file"), "words");
    EXPECT_THROW(write_file(scratch.file("no/file"), ""), std::system_error);
}

} // namespace

} // namespace kspawn::test
