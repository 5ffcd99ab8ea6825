// SPDX-License-Identifier: LGPL-2.1-or-later
// The small types: FileDescriptor, ExitStatus, SignalSet.
#include <fcntl.h>
#include <kspawn/pipeline.hpp>
#include <kspawn/signal_set.hpp>
#include <unistd.h>

#include <array>
#include <csignal>

#include "kit.hpp"

namespace {

using kspawn::ExitStatus;
using kspawn::FileDescriptor;
using kspawn::SignalSet;

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

class Values : public kit::Tidy {};

TEST_F(Values, DescriptorClosesItself) {
    int number = -1;
    {
        auto [read_end, write_end] = make_pipe();
        number = read_end.get();
        EXPECT_NE(::fcntl(number, F_GETFD), -1);
    }
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST_F(Values, DescriptorMoves) {
    auto [read_end, write_end] = make_pipe();
    const int number = read_end.get();
    FileDescriptor other = std::move(read_end);
    EXPECT_FALSE(read_end); // NOLINT(bugprone-use-after-move): empty, as said
    EXPECT_EQ(other.get(), number);
    other = std::move(write_end);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "what was owned before is closed";
    const int released = other.release();
    EXPECT_FALSE(other);
    EXPECT_EQ(::close(released), 0);
}

TEST_F(Values, WriteToPipeNobodyReadsIsAnErrorAndNoSignal) {
    auto [read_end, write_end] = make_pipe();
    read_end.close();
    std::error_code error;
    write_end.write_all("x", error); // SIGPIPE would end this process
    EXPECT_EQ(error, std::errc::broken_pipe);
    EXPECT_THROW(write_end.write_all("x"), std::system_error);
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    EXPECT_EQ(::sigismember(&mask, SIGPIPE), 0);
}

TEST_F(Values, PendingSigpipeOfTheCallerStays) {
    const SignalSet sigpipe{SIGPIPE};
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &sigpipe.get(), &before);
    ::pthread_kill(::pthread_self(), SIGPIPE);
    auto [read_end, write_end] = make_pipe();
    read_end.close();
    std::error_code error;
    write_end.write_all("x", error);
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 1);
    const timespec at_once{};
    EXPECT_EQ(::sigtimedwait(&sigpipe.get(), nullptr, &at_once), SIGPIPE);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(Values, ReadAllOfNoDescriptorIsAnError) {
    FileDescriptor none;
    std::error_code error;
    EXPECT_EQ(none.read_all(error), "");
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(none.read_all(), std::system_error);
}

TEST_F(Values, ExitStatusOfExit) {
    const ExitStatus status(3 << 8);
    EXPECT_FALSE(status.success());
    EXPECT_EQ(status.code(), 3);
    EXPECT_EQ(status.signal(), std::nullopt);
    EXPECT_EQ(status.shell_code(), 3);
    EXPECT_EQ(status.to_string(), "exit status 3");
    EXPECT_TRUE(status.known());
    EXPECT_TRUE(ExitStatus(0).success());
    EXPECT_NE(status, ExitStatus(0));
}

TEST_F(Values, ExitStatusOfSignal) {
    const ExitStatus status(SIGTERM);
    EXPECT_EQ(status.code(), std::nullopt);
    EXPECT_EQ(status.signal(), SIGTERM);
    EXPECT_FALSE(status.core_dumped());
    EXPECT_EQ(status.shell_code(), 128 + SIGTERM);
    EXPECT_EQ(status.to_string(), "SIGTERM");
    const ExitStatus dumped(SIGSEGV | 0x80);
    EXPECT_EQ(dumped.signal(), SIGSEGV);
    EXPECT_TRUE(dumped.core_dumped());
    EXPECT_EQ(dumped.to_string(), "SIGSEGV (core dumped)");
    EXPECT_EQ(ExitStatus(SIGRTMIN + 1).to_string(), "signal " + std::to_string(SIGRTMIN + 1));
}

TEST_F(Values, NoExitStatusIsNoSuccess) {
    const ExitStatus none;
    EXPECT_FALSE(none.known());
    EXPECT_FALSE(none.success());
    EXPECT_EQ(none.code(), std::nullopt);
    EXPECT_EQ(none.signal(), std::nullopt);
    EXPECT_FALSE(none.core_dumped());
    EXPECT_EQ(none.shell_code(), 127);
    EXPECT_EQ(none.to_string(), "no exit status");
    EXPECT_EQ(none, ExitStatus());
    EXPECT_NE(none, ExitStatus(0));
    std::error_code error;
    EXPECT_FALSE(kspawn::Command("/no/such").status(error).success());
    EXPECT_FALSE(kspawn::Command("/no/such").output("", error).status.success());
    EXPECT_FALSE(kspawn::Child().wait(error).success());
    EXPECT_FALSE(kspawn::PipelineOutput().success());
}

TEST_F(Values, SignalSets) {
    SignalSet set{SIGINT, SIGTERM};
    EXPECT_TRUE(set.contains(SIGINT));
    EXPECT_FALSE(set.contains(SIGHUP));
    EXPECT_FALSE(set.contains(0));
    EXPECT_TRUE(set.add(SIGHUP).contains(SIGHUP));
    EXPECT_FALSE(set.remove(SIGINT).contains(SIGINT));
    EXPECT_TRUE(SignalSet::all().contains(SIGUSR2));
    EXPECT_THROW(SignalSet({12345}), std::system_error);
    EXPECT_THROW(set.add(-1), std::system_error);
    EXPECT_THROW(set.remove(12345), std::system_error);
}

} // namespace
