// SPDX-License-Identifier: LGPL-2.1-or-later
// A child's life: waits, signals, and what becomes of one that is let go.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Child;
using kspawn::Command;
using kspawn::Stdio;
using namespace std::chrono_literals;

class Children : public kit::Tidy {};

TEST_F(Children, EmptyOne) {
    Child none;
    std::error_code error;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.pid(), 0);
    EXPECT_EQ(none.pidfd(), -1);
    EXPECT_FALSE(none.stdin_pipe());
    none.wait(error);
    EXPECT_EQ(error, std::errc::no_child_process);
    EXPECT_EQ(none.try_wait(error), std::nullopt);
    EXPECT_EQ(error, std::errc::no_child_process);
    none.kill(SIGTERM, error);
    EXPECT_EQ(error, std::errc::no_such_process);
    none.detach();
}

TEST_F(Children, PidAndPidfdAreThoseOfTheChild) {
    auto child = shell("echo $$; cat").stdin_from(Stdio::pipe()).stdout_to(Stdio::pipe()).spawn();
    const auto info = kit::read_file("/proc/self/fdinfo/" + std::to_string(child.pidfd()));
    EXPECT_NE(info.find("Pid:\t" + std::to_string(child.pid()) + "\n"), std::string::npos) << info;
    EXPECT_EQ(::fcntl(child.pidfd(), F_GETFD), FD_CLOEXEC);
    child.stdin_pipe().close();
    EXPECT_EQ(child.stdout_pipe().read_all(), std::to_string(child.pid()) + "\n");
    EXPECT_TRUE(child.wait().success());
}

TEST_F(Children, StatusIsKept) {
    auto child = shell("exit 7").spawn();
    EXPECT_EQ(child.wait().code(), 7);
    EXPECT_EQ(child.wait().code(), 7);
    EXPECT_EQ(child.try_wait()->code(), 7);
    EXPECT_EQ(child.wait_for(1s)->code(), 7);
}

TEST_F(Children, TryWaitDoesNotBlock) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    EXPECT_EQ(child.try_wait(), std::nullopt);
    EXPECT_TRUE(child.stdin_pipe()) << "no pipe is closed";
    child.stdin_pipe().close();
    pollfd entry{.fd = child.pidfd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&entry, 1, 60'000), 1) << "the pidfd tells of the end";
    EXPECT_TRUE(child.try_wait()->success());
}

TEST_F(Children, WaitFor) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    EXPECT_EQ(child.wait_for(20ms), std::nullopt);
    EXPECT_EQ(child.wait_for(0s), std::nullopt);
    EXPECT_EQ(child.wait_for(-1h), std::nullopt);
    EXPECT_EQ(child.wait_until(std::chrono::steady_clock::now()), std::nullopt);
    EXPECT_EQ(child.wait_until(std::chrono::steady_clock::time_point::min()), std::nullopt);
    EXPECT_EQ(child.wait_for(std::chrono::duration<double, std::milli>(0.5)), std::nullopt);
    child.stdin_pipe().close();
    EXPECT_TRUE(child.wait_for(std::chrono::hours::max())->success())
        << "for ever does not overflow";
}

void nothing(int) {}

TEST_F(Children, WaitsGoOnAfterASignal) {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = nothing; // without SA_RESTART
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    const auto self = ::pthread_self();
    std::thread disturber([&] {
        for (int i = 0; i < 20; ++i) {
            ::pthread_kill(self, SIGUSR1);
            std::this_thread::sleep_for(2ms);
        }
    });
    EXPECT_EQ(child.wait_for(10ms), std::nullopt);
    EXPECT_TRUE(child.wait().success());
    disturber.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Children, WaitClosesStandardInput) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    EXPECT_TRUE(child.wait().success());
    EXPECT_FALSE(child.stdin_pipe());
}

TEST_F(Children, Kill) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    child.kill(0);
    child.kill();
    EXPECT_EQ(child.wait().signal(), SIGKILL);
    std::error_code error;
    child.kill(SIGTERM, error);
    EXPECT_EQ(error, std::errc::no_such_process) << "and not whoever has its number now";
    EXPECT_THROW(child.kill(), std::system_error);
    auto other = Command("cat").stdin_from(Stdio::pipe()).spawn();
    other.kill(12345, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    other.kill(SIGTERM, error);
    EXPECT_FALSE(error);
    EXPECT_EQ(other.wait().signal(), SIGTERM);
}

/// Whether a pidfd tells the status of a process that has been reaped: from Linux 6.15 on.
bool kernel_keeps_statuses() {
    utsname system{};
    std::pair<int, int> version;
    if (::uname(&system) != 0 ||
        std::sscanf(std::data(system.release), "%d.%d", &version.first, &version.second) != 2)
        ADD_FAILURE() << "no version: " << std::data(system.release);
    return version >= std::pair{6, 15};
}

/// Each kind of wait, after somebody else has reaped the child.
void expect_reaped(Child child, int raw) {
    std::error_code error;
    if (!kernel_keeps_statuses()) {
        child.wait(error);
        EXPECT_EQ(error, std::errc::no_child_process);
        EXPECT_EQ(child.try_wait(error), std::nullopt);
        EXPECT_EQ(error, std::errc::no_child_process);
        EXPECT_THROW(child.wait(), std::system_error);
        EXPECT_THROW(child.wait_for(1s), std::system_error);
        return;
    }
    const auto status = child.try_wait(error);
    EXPECT_FALSE(error) << error.message();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->wait_status(), raw);
    EXPECT_EQ(child.wait(error).wait_status(), raw);
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(child.wait_for(1s)->wait_status(), raw);
}

TEST_F(Children, SomebodyElseReapedIt) {
    for (const auto* script : {"exit 0", "exit 7", "kill -TERM $$", "ulimit -c 0; kill -QUIT $$"}) {
        SCOPED_TRACE(script);
        auto child = shell(script).spawn();
        int status = 0;
        ASSERT_EQ(::waitpid(child.pid(), &status, 0), child.pid());
        expect_reaped(std::move(child), status);
    }
}

TEST_F(Children, ThatOfTheProcessBeforeForkIsNoneHere) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::error_code error;
        const auto status = child.try_wait(error);
        ::_exit(!status && error == std::errc::no_child_process ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0) << "it runs, and nobody waits for its end";
    EXPECT_TRUE(child.wait().success());
}

TEST_F(Children, Move) {
    auto a = Command("cat").stdin_from(Stdio::pipe()).spawn();
    auto b = shell("exit 3").spawn();
    const auto pid = b.pid();
    a = std::move(b); // lets go of cat, whose input ends
    EXPECT_FALSE(b);  // NOLINT(bugprone-use-after-move): empty, as said
    EXPECT_EQ(a.pid(), pid);
    EXPECT_EQ(a.wait().code(), 3);
}

TEST_F(Children, DestructorNeitherKillsNorWaits) {
    const kit::Scratch directory;
    const auto mark = directory.path() / "mark";
    pid_t pid = 0;
    kspawn::FileDescriptor input;
    {
        auto child = shell("cat; echo alive >" + mark.string()).stdin_from(Stdio::pipe()).spawn();
        pid = child.pid();
        input = std::move(child.stdin_pipe());
    }
    EXPECT_EQ(::kill(pid, 0), 0) << "it runs";
    EXPECT_EQ(kspawn::reap_abandoned(), 1U);
    input.close();
    for (int i = 0; i < 1000 && kspawn::reap_abandoned() != 0; ++i)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(kit::read_file(mark), "alive\n");
    EXPECT_FALSE(kit::has_children()) << "it was reaped";
}

TEST_F(Children, LaterStartsReapTheOnesLetGo) {
    for (int i = 0; i < 50; ++i)
        (void)Command("true").spawn();
    for (int i = 0; i < 1000; ++i) {
        Command("true").spawn().wait();
        if (!kit::has_children())
            break;
    }
    EXPECT_FALSE(kit::has_children());
}

TEST_F(Children, OneThatHasEndedIsReapedByItsDestructor) {
    {
        auto child = Command("true").spawn();
        pollfd entry{.fd = child.pidfd(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&entry, 1, 60'000), 1);
    }
    EXPECT_FALSE(kit::has_children());
}

TEST_F(Children, ThoseLetGoAreNotTheForkedProcesss) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    kspawn::FileDescriptor input = std::move(child.stdin_pipe());
    child.detach();
    const pid_t pid = ::fork();
    if (pid == 0)
        ::_exit(kspawn::reap_abandoned() == 0 && Command("true").status().success() ? 0 : 1);
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(kspawn::reap_abandoned(), 1U) << "here it still is one";
}

// A program that closes all that it does not know.
TEST_F(Children, OneWhosePidfdWasClosedIsReapedAllTheSame) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    kspawn::FileDescriptor input = std::move(child.stdin_pipe());
    const int number = child.pidfd();
    child.detach();
    ASSERT_EQ(::close(number), 0);
    EXPECT_EQ(kspawn::reap_abandoned(), 1U) << "it runs";
    input.close();
    for (int i = 0; i < 1000 && kspawn::reap_abandoned() != 0; ++i)
        std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(kit::has_children());
}

void* wait_for_cat(void* child) {
    const auto status = static_cast<Child*>(child)->wait();
    ::pthread_testcancel();
    return status.success() ? child : nullptr;
}

TEST_F(Children, CancelledThreadFinishesItsWait) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).spawn();
    kspawn::FileDescriptor input = std::move(child.stdin_pipe());
    pthread_t thread{};
    ASSERT_EQ(::pthread_create(&thread, nullptr, wait_for_cat, &child), 0);
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(::pthread_cancel(thread), 0);
    std::this_thread::sleep_for(100ms);
    input.close();
    void* result = nullptr;
    EXPECT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    EXPECT_TRUE(child.wait().success());
}

TEST_F(Children, ManyThreads) {
    std::vector<std::thread> threads;
    std::vector<int> good(8);
    threads.reserve(good.size());
    for (auto& count : good)
        threads.emplace_back([&count] {
            for (int i = 0; i < 10; ++i) {
                if (Command("echo").arg("x").output().out == "x\n")
                    ++count;
                (void)Command("true").spawn(); // let go
                std::error_code error;
                (void)Command("/nonexistent").spawn(error);
                if (error != std::errc::no_such_file_or_directory)
                    count = -1000;
            }
        });
    for (auto& thread : threads)
        thread.join();
    for (const int count : good)
        EXPECT_EQ(count, 10);
}

TEST_F(Children, IgnoredSigchld) {
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    ASSERT_EQ(::sigaction(SIGCHLD, &ignore, &before), 0);
    // The kernel reaps it while this thread waits.
    for (int i = 0; i < 50; ++i) {
        std::error_code error;
        auto child = shell("read line; exit 9").stdin_from(Stdio::pipe()).spawn(error);
        EXPECT_FALSE(error) << error.message();
        const auto status = child.wait(error);
        if (kernel_keeps_statuses()) {
            EXPECT_FALSE(error) << error.message();
            EXPECT_EQ(status.code(), 9);
        } else {
            EXPECT_EQ(error, std::errc::no_child_process);
        }
    }
    ::sigaction(SIGCHLD, &before, nullptr);
}

} // namespace
