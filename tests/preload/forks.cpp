// SPDX-License-Identifier: LGPL-2.1-or-later
// Nothing of the preload's is held across a fork, or while a program is started.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "kit.hpp"

namespace {

class Forks : public ::testing::TestWithParam<const char*> {};

TEST_P(Forks, DoNotHang) {
    const auto said = run_shell("exec " + program_path("forks") + " " + GetParam());
    EXPECT_FALSE(WIFSIGNALED(said.status) && WTERMSIG(said.status) == SIGALRM) << "it hung";
    EXPECT_EQ(said.status, 0) << said.output;
}

INSTANTIATE_TEST_SUITE_P(Programs, Forks,
                         ::testing::Values("handlers_fclose", "handlers_system", "handlers_popen",
                                           "signals_popen", "signals_system", "threads"),
                         [](const auto& instance) { return std::string(instance.param); });

/// Lets nobody execute the shell until it goes.  "Nobody" are the threads that are
/// made from now on: in a mount namespace of their own /bin/sh is a copy.
class SlowShell {
public:
    SlowShell() {
        const auto copy = scratch_.file("sh");
        if (!std::filesystem::copy_file("/bin/sh", copy) || ::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(copy.c_str(), "/bin/sh", nullptr, MS_BIND, nullptr) != 0)
            return;
        mounted_ = true;
        events_ = ::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
        watched_ = events_ >= 0 && ::fanotify_mark(events_, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM,
                                                   AT_FDCWD, copy.c_str()) == 0;
    }
    SlowShell(const SlowShell&) = delete;
    SlowShell& operator=(const SlowShell&) = delete;
    SlowShell(SlowShell&&) = delete;
    SlowShell& operator=(SlowShell&&) = delete;
    // Those who wait have copies of the descriptor: to close it would not let them go on.
    ~SlowShell() {
        if (watched_)
            ::fanotify_mark(events_, FAN_MARK_FLUSH, 0, AT_FDCWD, "/");
        while (wait(0)) {
        }
        for (const int file : asked_for_) {
            const fanotify_response allowed{file, FAN_ALLOW};
            EXPECT_EQ(::write(events_, &allowed, sizeof(allowed)),
                      static_cast<ssize_t>(sizeof(allowed)));
            ::close(file);
        }
        if (events_ >= 0)
            ::close(events_);
        if (mounted_)
            ::umount2("/bin/sh", MNT_DETACH);
    }

    [[nodiscard]] bool is_watched() const { return watched_; }

    /// Waits until one more is about to execute it.
    bool wait(int milliseconds = 20'000) {
        pollfd ready{events_, POLLIN, 0};
        if (::poll(&ready, 1, milliseconds) != 1)
            return false;
        // It has the size of one: more are not read.
        fanotify_event_metadata event{};
        if (::read(events_, &event, sizeof(event)) < static_cast<ssize_t>(sizeof(event)))
            return false;
        asked_for_.push_back(event.fd);
        return true;
    }

private:
    Scratch scratch_;
    int events_ = -1;
    bool mounted_ = false;
    bool watched_ = false;
    std::vector<int> asked_for_;
};

bool is_done_soon(std::future<void>& work) {
    return work.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
}

// As long as a popen() takes, in the kernel or in a child that is held up.
TEST(SlowPopen, StallsNobody) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    std::FILE* const ended = ::popen("exit 7", "r");
    std::FILE* const file = std::fopen("/dev/null", "r");
    ASSERT_NE(ended, nullptr);
    ASSERT_NE(file, nullptr);
    std::atomic<int> status{-1};
    std::atomic<int> slow_status{-1};
    std::thread slow;
    std::future<void> others;
    {
        SlowShell shell;
        if (!shell.is_watched())
            GTEST_SKIP() << "no fanotify with permissions here";
        slow = std::thread([&slow_status] {
            if (std::FILE* const stream = ::popen("exit 8", "r"))
                slow_status = ::pclose(stream);
        });
        EXPECT_TRUE(shell.wait());
        others = std::async(std::launch::async, [&] {
            std::fclose(file);
            status = ::pclose(ended);
        });
        EXPECT_TRUE(is_done_soon(others)) << "fclose() or pclose() waits for popen()";
    }
    slow.join();
    others.wait();
    EXPECT_EQ(status, 7 << 8);
    EXPECT_EQ(slow_status, 8 << 8);
}

bool close_on_exec(std::FILE* stream) {
    return ::fcntl(::fileno(stream), F_GETFD) == FD_CLOEXEC;
}

// The child of the slow popen() was told of the streams that there were before.  A
// stream that comes meanwhile must not get into it, or it would not see its end.
TEST(SlowPopen, HasNoStreamsThatAreOpenedMeanwhile) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    std::thread slow;
    std::atomic<int> slow_status{-1};
    std::array<std::FILE*, 2> meanwhile{};
    std::array<std::thread, 2> openers;
    {
        SlowShell shell;
        if (!shell.is_watched())
            GTEST_SKIP() << "no fanotify with permissions here";
        slow = std::thread([&slow_status] {
            if (std::FILE* const stream = ::popen("cat; exit 8", "w"))
                slow_status = ::pclose(stream);
        });
        EXPECT_TRUE(shell.wait());
        for (std::size_t i = 0; i < openers.size(); ++i)
            openers[i] = std::thread([&meanwhile, i] { meanwhile[i] = ::popen("cat", "w"); });
        // They are under way too, all at once.
        EXPECT_TRUE(shell.wait());
        EXPECT_TRUE(shell.wait());
    }
    for (auto& opener : openers)
        opener.join();
    // Each cat ends only if nobody else has its input.
    EXPECT_EQ(::pclose(meanwhile[1]), 0);
    slow.join();
    EXPECT_EQ(slow_status, 8 << 8);
    std::fputs("", meanwhile[0]);
    EXPECT_EQ(::pclose(meanwhile[0]), 0);
    std::FILE* const later = ::popen("exit 0", "r");
    ASSERT_NE(later, nullptr);
    EXPECT_FALSE(close_on_exec(later));
    EXPECT_EQ(::pclose(later), 0);
}

// Nothing of ours stands in front of what every program calls.
TEST(Fclose, IsLibcs) {
    const auto said = run_shell("exec nm -D --defined-only " + preload_path());
    ASSERT_EQ(said.status, 0) << said.output;
    EXPECT_NE(said.output.find(" popen@@"), std::string::npos) << said.output;
    for (const char* const name : {" fclose@", " pclose@"})
        EXPECT_EQ(said.output.find(name), std::string::npos) << said.output;
}

TEST(ForkHandlers, AreNotRegistered) {
    const auto said = run_shell("exec nm -D " + preload_path());
    ASSERT_EQ(said.status, 0) << said.output;
    EXPECT_EQ(said.output.find("atfork"), std::string::npos) << said.output;
    EXPECT_EQ(said.output.find("pthread_mutex"), std::string::npos) << said.output;
}

} // namespace
