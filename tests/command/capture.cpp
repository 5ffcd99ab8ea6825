// SPDX-License-Identifier: LGPL-2.1-or-later
// Tool calls: Command::capture(), and the same in event loops and coroutines.
#include <kspawn/capture.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "kit.hpp"
#include "kit/cgroup.hpp"

namespace {

using kit::shell;
using kspawn::Capture;
using kspawn::CaptureQueue;
using kspawn::Command;
using kspawn::Output;
using kspawn::SpawnError;
using kspawn::Stdio;
using kspawn::Step;
using kspawn::test::Cgroup;
using kspawn::test::CgroupMount;
using namespace std::chrono_literals;

class Captured : public kit::Tidy {};

TEST_F(Captured, OutputErrorsStatusAndUsage) {
    const auto output = shell("cat; echo err >&2; exit 5").input("in").capture();
    EXPECT_EQ(output.out, "in");
    EXPECT_EQ(output.err, "err\n");
    EXPECT_EQ(output.status.code(), 5);
    EXPECT_GT(output.usage.ru_maxrss, 0);
    EXPECT_FALSE(output.timed_out);
    EXPECT_FALSE(output.truncated);
}

TEST_F(Captured, TheWholeChain) {
    const CgroupMount mount;
    const kit::Scratch scratch;
    const kspawn::FileDescriptor directory(
        ::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto command = shell("cat; pwd -P; cat /proc/self/cgroup; ls /proc/self/fd; sleep 600 &")
                       .current_dir(directory.get())
                       .input("in\n")
                       .time_limit(60s)
                       .close_other_descriptors();
    std::string cgroup;
    if (kit::by_kernel() && mount) {
        Cgroup group(mount, "tool");
        const auto output = command.parent_death_signal(SIGKILL).kill_tree(group.get()).capture();
        EXPECT_EQ(output.out, "in\n" + std::filesystem::canonical(scratch.path()).string() +
                                  "\n0::/tool\n0\n1\n2\n3\n");
        EXPECT_TRUE(group.remove()) << std::strerror(errno);
    } else {
        EXPECT_THROW((void)command.parent_death_signal(SIGKILL).capture(), SpawnError);
    }
}

TEST_F(Captured, TimeLimitAndGrace) {
    auto output = shell("echo x; exec sleep 60").time_limit(200ms).capture();
    EXPECT_TRUE(output.timed_out);
    EXPECT_EQ(output.out, "x\n");
    EXPECT_EQ(output.status.signal(), SIGTERM);
    output = shell("trap '' TERM; while :; do sleep 0.05; done")
                 .time_limit(200ms)
                 .grace(100ms)
                 .capture();
    EXPECT_EQ(output.status.signal(), SIGKILL);
}

TEST_F(Captured, OutputLimit) {
    const auto output = shell("echo abcdef; echo uvw >&2").output_limit(3, 100).capture();
    EXPECT_EQ(output.out, "abc");
    EXPECT_EQ(output.err, "uvw\n");
    EXPECT_TRUE(output.truncated);
}

TEST_F(Captured, WhatWasSaidHolds) {
    const kit::Scratch scratch;
    const auto file = scratch.path() / "out";
    auto output =
        shell("echo x; echo y >&2").stdout_to(Stdio::write(file)).input("ignored").capture();
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(output.err, "y\n");
    EXPECT_EQ(kit::read_file(file), "x\n");
    output = shell("echo a; echo b >&2").stderr_to(Stdio::same_as(1)).capture();
    EXPECT_EQ(output.out, "a\nb\n");
    EXPECT_EQ(shell("readlink /proc/self/fd/0").capture().out, "/dev/null\n");
    EXPECT_EQ(
        shell("readlink /proc/self/fd/0").stdin_from(Stdio::read(file)).input("z").capture().out,
        file.native() + "\n");
    EXPECT_TRUE(shell("test -p /dev/stdin")
                    .stdin_from(Stdio::pipe())
                    .input("x")
                    .capture()
                    .status.success());
    EXPECT_FALSE(shell("test -p /dev/stdin").input("x").capture().status.success());
}

TEST_F(Captured, InputThatIsLarge) {
    const std::string input(3'000'000, 'x');
    EXPECT_EQ(Command("cat").input(input).capture().out, input);
    EXPECT_TRUE(Command("true").input(input).capture().status.success());
}

TEST_F(Captured, DescriptorsOfTheCallersThatAreInTheWay) {
    // The descriptors that are passed on have numbers that the call's own pipes get.
    const auto output = shell("echo to-the-caller >&5")
                            .descriptor(5, Stdio::descriptor(1))
                            .stdin_from(Stdio::descriptor(2))
                            .capture();
    EXPECT_EQ(output.out, "") << "5 is our standard output, not the program's";
}

TEST_F(Captured, Failures) {
    try {
        (void)Command("/no/such").capture();
        ADD_FAILURE() << "no exception";
    } catch (const SpawnError& error) {
        EXPECT_EQ(error.step(), Step::exec);
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
    std::error_code error;
    EXPECT_FALSE(Command("/no/such").capture(error).status.known());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THROW((void)Command("/no/such").start_capture(), SpawnError);
    for (const auto& command : {Command("true").descriptor(5, Stdio::pipe()),
                                Command("true").stdin_from(Stdio::pipe_from_child()),
                                Command("true").stdout_to(Stdio::pipe_to_child())}) {
        (void)command.capture(error);
        EXPECT_EQ(error, std::errc::invalid_argument);
    }
    (void)Command("true").kill_tree(-1).capture(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    const kspawn::FileDescriptor none(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    try {
        (void)Command("true").kill_tree(none.get()).capture();
        ADD_FAILURE() << "no exception";
    } catch (const SpawnError& failed) {
        EXPECT_EQ(failed.step(), Step::capture);
        EXPECT_STREQ(failed.what(), "capture: cgroup: No such file or directory");
    }
}

TEST_F(Captured, ByHand) {
    auto capture = shell("cat; sleep 0.1; echo y").input(std::string(200'000, 'x')).start_capture();
    while (!capture.handle()) {
        pollfd entry{.fd = capture.descriptor(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&entry, 1, 20'000), 1);
    }
    EXPECT_EQ(capture.output().out, std::string(200'000, 'x') + "y\n");
    EXPECT_EQ(shell("echo z").start_capture().output().out, "z\n") << "which is waited for";
}

TEST_F(Captured, LetGoOf) {
    const auto began = std::chrono::steady_clock::now();
    {
        const auto capture = shell("exec sleep 60").start_capture();
        auto other = shell("exec sleep 60").start_capture();
        other = shell("exec sleep 60").start_capture();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST_F(Captured, Queue) {
    CaptureQueue queue;
    EXPECT_EQ(queue.wait(), 0U);
    std::vector<std::string> said;
    const auto note = [&](Capture capture) { said.push_back(capture.output().out); };
    queue.start(shell("echo one"), [&](Capture capture) {
        note(std::move(capture));
        queue.start(shell("echo three"), note);
    });
    queue.start(shell("sleep 0.3; echo two"), note);
    EXPECT_THROW(queue.start(Command("/no/such"), note), SpawnError);
    EXPECT_EQ(queue.pending(), 2U);
    while (queue.pending() != 0)
        queue.wait();
    EXPECT_EQ(said, (std::vector<std::string>{"one\n", "three\n", "two\n"}));
    queue.start(shell("exec sleep 60"), note);
}

struct Coroutine {
    struct promise_type {
        Coroutine get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

Coroutine run(CaptureQueue& queue, Command command, std::optional<Output>& output,
              std::error_code& error) {
    try {
        output = co_await command.capture_async(queue);
    } catch (const SpawnError& failed) {
        error = failed.code();
    }
}

TEST_F(Captured, Coroutines) {
    CaptureQueue queue;
    std::optional<Output> output;
    std::error_code error;
    auto coroutine = run(queue, shell("echo x"), output, error);
    while (queue.pending() != 0)
        queue.wait();
    ASSERT_TRUE(output);
    EXPECT_EQ(output->out, "x\n");
    coroutine.handle.destroy();

    coroutine = run(queue, Command("/no/such"), output, error);
    EXPECT_TRUE(coroutine.handle.done());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    coroutine.handle.destroy();

    coroutine = run(queue, shell("exec sleep 60"), output, error);
    EXPECT_EQ(queue.pending(), 1U);
    coroutine.handle.destroy();
    EXPECT_EQ(queue.pending(), 0U) << "it is ended";
}

TEST_F(Captured, Terminate) {
    auto child = shell("exec sleep 60").spawn();
    EXPECT_EQ(child.terminate(60s).signal(), SIGTERM);
    child =
        shell("trap '' TERM; echo; while :; do sleep 0.05; done").stdout_to(Stdio::pipe()).spawn();
    std::byte line{};
    child.stdout_pipe().read({&line, 1}); // it is deaf from here on
    EXPECT_EQ(child.terminate(100ms).signal(), SIGKILL);
    EXPECT_EQ(child.terminate(1s).signal(), SIGKILL) << "it has ended";
}

} // namespace
