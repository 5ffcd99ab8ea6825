// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts whose outcome is told by a completion descriptor.
#include <fcntl.h>
#include <kspawn/spawn_async.h>
#include <poll.h>
#include <sys/io.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

using Event = kspawn_event;

Descriptor completion_of(unsigned capacity, int flags = 0) {
    int number = -1;
    EXPECT_EQ(kspawn_completion_open_np(&number, capacity, flags), 0);
    return Descriptor{number};
}

class SpawnAsync : public Spawner {
protected:
    void SetUp() override {
        Spawner::SetUp();
        if (!HasFatalFailure() && !IsSkipped())
            completion = completion_of(64);
    }

    int start_async(unsigned long long cookie, const std::vector<std::string>& arguments,
                    int* pidfd = nullptr) {
        std::vector<std::string> all{"child"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Strings argv{all};
        return kspawn_spawn_async_np(&pid, pidfd, completion.get(), cookie, helper("child").c_str(),
                                     nullptr, actions.get(), attributes.get(), argv.get(),
                                     environment.get());
    }
    Event next() {
        Event event{};
        std::size_t count = 0;
        EXPECT_EQ(kspawn_completion_read_np(completion.get(), &event, 1, &count), 0);
        EXPECT_EQ(count, 1U);
        return event;
    }
    bool readable() {
        pollfd entry{.fd = completion.get(), .events = POLLIN, .revents = 0};
        return ::poll(&entry, 1, 0) == 1;
    }

    Descriptor completion;
};

TEST_F(SpawnAsync, EventTellsOfTheStart) {
    EXPECT_FALSE(readable());
    ASSERT_EQ(start_async(0xfedcba9876543210, {"exit", "42"}), 0);
    const auto event = next();
    EXPECT_EQ(event.cookie, 0xfedcba9876543210);
    EXPECT_EQ(event.pid, pid);
    EXPECT_EQ(event.error, 0);
    EXPECT_EQ(event.step, KSPAWN_STEP_NONE);
    EXPECT_EQ(event.index, 0U);
    EXPECT_FALSE(readable());
    EXPECT_EQ(exit_code_of(pid), 42);
}

TEST_F(SpawnAsync, PidfdIsTheCallers) {
    int number = -1;
    ASSERT_EQ(start_async(1, {"exit", "0"}, &number), 0);
    const Descriptor pidfd{number};
    ASSERT_TRUE(pidfd);
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    pollfd entry{.fd = number, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, -1), 1);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(next().error, 0);
}

TEST_F(SpawnAsync, WhatIsKnownBeforeThereIsAChildIsToldAtOnce) {
    const Strings argv{"child"};
    EXPECT_EQ(kspawn_spawn_async_np(&pid, nullptr, completion.get(), 1, "/no/such/program", nullptr,
                                    nullptr, nullptr, argv.get(), environment.get()),
              ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                       "exec /no/such/program: No such file or directory"}));
    EXPECT_EQ(pid, -1);
    EXPECT_FALSE(readable());
}

TEST_F(SpawnAsync, LateFailureIsAnEventAndLeavesNothing) {
    KSPAWN_NOT_THROUGH_LIBC("every failure is told at once");
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such"), 0);
    ASSERT_EQ(start_async(5, {"exit", "0"}), 0);
    const auto event = next();
    EXPECT_EQ(event.cookie, 5U);
    EXPECT_EQ(event.pid, pid);
    EXPECT_EQ(event.error, ENOENT);
    EXPECT_EQ(event.step, KSPAWN_STEP_ACTION);
    EXPECT_EQ(event.index, 0U);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);

    std::array<char, KSPAWN_FAILURE_WORDS_MAX> words{};
    EXPECT_EQ(kspawn_strevent_np(&event, helper("child").c_str(), nullptr, actions.get(),
                                 attributes.get(), words.data(), words.size()),
              0);
    EXPECT_STREQ(words.data(), "file action 0: chdir /no/such: No such file or directory");
}

TEST_F(SpawnAsync, LateFailureIsToldAtOnceThroughLibc) {
    if (!through_libc())
        GTEST_SKIP() << "of libc alone";
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such"), 0);
    EXPECT_EQ(start_async(5, {"exit", "0"}), ENOENT);
    EXPECT_FALSE(readable());
}

TEST_F(SpawnAsync, WordsOfAnEvent) {
    Event event{};
    std::array<char, 16> words{};
    words.fill('x');
    EXPECT_EQ(kspawn_strevent_np(&event, "/bin/true", nullptr, nullptr, nullptr, words.data(),
                                 words.size()),
              0);
    EXPECT_STREQ(words.data(), "") << "no failure";
    event.error = ENOENT;
    event.step = KSPAWN_STEP_EXEC;
    EXPECT_EQ(kspawn_strevent_np(&event, "/bin/true", nullptr, nullptr, nullptr, words.data(),
                                 words.size()),
              0);
    EXPECT_STREQ(words.data(), "exec /bin/true:") << "cut";
    EXPECT_EQ(kspawn_strevent_np(nullptr, "", nullptr, nullptr, nullptr, words.data(), 1), EINVAL);
    EXPECT_EQ(kspawn_strevent_np(&event, "", nullptr, nullptr, nullptr, nullptr, 1), EINVAL);
    EXPECT_EQ(kspawn_strevent_np(&event, "", nullptr, nullptr, nullptr, words.data(), 0), EINVAL);
    kspawn_spawnattr_t never_made{};
    EXPECT_EQ(kspawn_strevent_np(&event, "", nullptr, nullptr, &never_made, words.data(), 1),
              EINVAL);
}

// In another thread than the one that has started it, say.
TEST_F(SpawnAsync, EventCanBeRemembered) {
    EXPECT_EQ(start("/nope"), ENOENT);
    Event event{};
    EXPECT_EQ(kspawn_remember_event_np(&event, "/x", nullptr, nullptr, nullptr), 0);
    EXPECT_EQ(last_failure().words, "exec /nope: No such file or directory") << "no failure";
    event.error = EACCES;
    event.step = KSPAWN_STEP_EXEC;
    EXPECT_EQ(kspawn_remember_event_np(&event, "x", "/srv", nullptr, nullptr), 0);
    EXPECT_EQ(last_failure(),
              (Failure{EACCES, KSPAWN_STEP_EXEC, 0, "search x in /srv: Permission denied"}));
    EXPECT_EQ(kspawn_remember_event_np(nullptr, "/x", nullptr, nullptr, nullptr), EINVAL);
    kspawn_spawnattr_t never_made{};
    EXPECT_EQ(kspawn_remember_event_np(&event, "/x", nullptr, nullptr, &never_made), EINVAL);
}

TEST_F(SpawnAsync, OpenCompletionChecksWhatItIsGiven) {
    int number = -1;
    EXPECT_EQ(kspawn_completion_open_np(nullptr, 1, 0), EINVAL);
    EXPECT_EQ(kspawn_completion_open_np(&number, 0, 0), EINVAL);
    EXPECT_EQ(kspawn_completion_open_np(&number, KSPAWN_EVENTS_MAX + 1, 0), EINVAL);
    EXPECT_EQ(kspawn_completion_open_np(&number, 1, O_APPEND), EINVAL);
    EXPECT_EQ(number, -1);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION,
                                       "completion descriptor: Invalid argument"}));
    const int error = kspawn_completion_open_np(&number, KSPAWN_EVENTS_MAX, 0);
    if (through_libc() && error == EPERM)
        GTEST_SKIP() << "a pipe of this size needs CAP_SYS_RESOURCE";
    ASSERT_EQ(error, 0);
    const Descriptor largest{number};
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
}

TEST_F(SpawnAsync, ReadChecksWhatItIsGiven) {
    Event event{};
    std::size_t count = 7;
    EXPECT_EQ(kspawn_completion_read_np(completion.get(), nullptr, 1, &count), EINVAL);
    EXPECT_EQ(kspawn_completion_read_np(completion.get(), &event, 0, &count), EINVAL);
    EXPECT_EQ(kspawn_completion_read_np(completion.get(), &event, 1, nullptr), EINVAL);
    EXPECT_EQ(kspawn_completion_read_np(-1, &event, 1, &count), EBADF);
    EXPECT_EQ(count, 0U);
    count = 7;
    EXPECT_EQ(kspawn_completion_read_np(completion.get(), &event, 0, &count), EINVAL);
    EXPECT_EQ(count, 0U);
    // Neither an end of file nor something else is an event.
    const Descriptor null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(kspawn_completion_read_np(null.get(), &event, 1, &count), EBADF);
    const auto file = scratch.write("file", "abc");
    const Descriptor three{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(kspawn_completion_read_np(three.get(), &event, 1, &count), EBADF);
    completion = completion_of(1, O_NONBLOCK);
    count = 7;
    EXPECT_EQ(kspawn_completion_read_np(completion.get(), &event, 1, &count), EAGAIN);
    EXPECT_EQ(count, 0U);
}

TEST_F(SpawnAsync, OnlyACompletionDescriptorWillDo) {
    const Pipe pipe;
    const Descriptor file{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int number : {-1, 999, pipe.reader.get(), pipe.writer.get(), file.get()}) {
        completion = Descriptor{::fcntl(number, F_DUPFD_CLOEXEC, 0)};
        EXPECT_EQ(start_async(1, {"exit", "0"}), EBADF) << number;
        EXPECT_EQ(last_failure(), (Failure{EBADF, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION,
                                           "completion descriptor: Bad file descriptor"}));
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(SpawnAsync, DescriptorBelongsToItsBackend) {
    KSPAWN_NOT_THROUGH_LIBC("there is one backend");
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    EXPECT_EQ(start_async(1, {"exit", "0"}), EBADF) << "made for the kernel";
    auto of_kernel = std::move(completion);
    completion = completion_of(1);
    EXPECT_EQ(start_async(2, {"exit", "0"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    // It says by itself who is meant, where both may be asked.
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_AUTO), 0);
    EXPECT_EQ(next().cookie, 2U);
    EXPECT_EQ(start_async(3, {"exit", "0"}), 0);
    EXPECT_EQ(kspawn_last_backend(), KSPAWN_BACKEND_LIBC);
    EXPECT_EQ(exit_code_of(pid), 0);
    completion = std::move(of_kernel);
    EXPECT_EQ(start_async(4, {"exit", "0"}), 0);
    EXPECT_EQ(kspawn_last_backend(), KSPAWN_BACKEND_KERNEL);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(next().cookie, 4U);
}

// The kernel refuses such callers, and libc serves them.
TEST_F(SpawnAsync, CallerWithIoPorts) {
    KSPAWN_NOT_THROUGH_LIBC("it does not matter");
    const auto wrong = in_a_fork([this]() -> std::string {
        constexpr unsigned long unused_port = 0x80;
        kspawn_set_backend(KSPAWN_BACKEND_AUTO);
        if (::ioperm(unused_port, 1, 1) != 0)
            return "ioperm";
        if (start_async(1, {"exit", "0"}) != EPERM || last_failure().step != KSPAWN_STEP_POLICY)
            return "with a descriptor of before: " + last_failure().words;
        completion = completion_of(1);
        if (start_async(2, {"exit", "8"}) != 0)
            return last_failure().words;
        if (next().cookie != 2)
            return "wrong event";
        return exit_code_of(pid) == 8 ? "" : "wrong exit code";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(SpawnAsync, CapacityIsALimit) {
    constexpr unsigned capacity = 3;
    completion = completion_of(capacity);
    unsigned started = 0;
    int error = 0;
    // Through libc it is a little more: what fits in a page.
    while (started < 1000 && (error = start_async(started, {"exit", "0"})) == 0)
        ++started;
    EXPECT_EQ(error, EAGAIN);
    EXPECT_EQ(last_failure().index, static_cast<unsigned>(KSPAWN_ARG_COMPLETION));
    if (through_libc())
        EXPECT_GE(started, capacity);
    else
        EXPECT_EQ(started, capacity);
    std::set<unsigned long long> cookies;
    for (unsigned i = 0; i < started; ++i)
        cookies.insert(next().cookie);
    EXPECT_EQ(cookies.size(), started);
    EXPECT_EQ(start_async(7, {"exit", "0"}), 0);
    EXPECT_EQ(next().cookie, 7U);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

TEST_F(SpawnAsync, SeveralEventsInOneRead) {
    for (unsigned i = 0; i < 5; ++i)
        ASSERT_EQ(start_async(i, {"exit", "0"}), 0);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    std::array<Event, 8> events{};
    std::size_t count = 0;
    ASSERT_EQ(kspawn_completion_read_np(completion.get(), events.data(), events.size(), &count), 0);
    EXPECT_EQ(count, 5U);
    EXPECT_FALSE(readable());
}

TEST_F(SpawnAsync, ReaderWaits) {
    Event event{};
    std::jthread reader{[&] { event = next(); }};
    ::usleep(50000);
    ASSERT_EQ(start_async(9, {"exit", "0"}), 0);
    reader.join();
    EXPECT_EQ(event.cookie, 9U);
    EXPECT_EQ(exit_code_of(pid), 0);
}

TEST_F(SpawnAsync, ThreadsShareOneDescriptor) {
    constexpr unsigned starters = 4;
    constexpr unsigned each = 25;
    std::atomic<unsigned> read = 0;
    std::array<std::vector<unsigned long long>, 2> cookies;
    std::vector<std::jthread> threads;
    threads.reserve(cookies.size() + starters);
    completion = completion_of(starters * each, O_NONBLOCK);
    for (auto& own : cookies)
        threads.emplace_back([&] {
            while (read < starters * each) {
                Event event{};
                std::size_t count = 0;
                if (kspawn_completion_read_np(completion.get(), &event, 1, &count) == 0) {
                    own.push_back(event.cookie);
                    ++read;
                } else {
                    ::usleep(1000);
                }
            }
        });
    for (unsigned i = 0; i < starters; ++i)
        threads.emplace_back([&, i] {
            const Strings argv{"child", "exit", "0"};
            for (unsigned j = 0; j < each; ++j)
                EXPECT_EQ(kspawn_spawn_async_np(nullptr, nullptr, completion.get(), i * each + j,
                                                helper("child").c_str(), nullptr, nullptr, nullptr,
                                                argv.get(), environment.get()),
                          0);
        });
    threads.clear();
    std::set<unsigned long long> all(cookies[0].begin(), cookies[0].end());
    all.insert(cookies[1].begin(), cookies[1].end());
    EXPECT_EQ(all.size(), starters * each) << "each once";
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

TEST_F(SpawnAsync, CallerDoesNotWaitForASlowStart) {
    KSPAWN_NOT_THROUGH_LIBC("a start waits until the program has been executed");
    const auto fifo = scratch.file("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 5, fifo.c_str(), O_RDONLY, 0), 0);
    ASSERT_EQ(start_async(1, {"exit", "6"}), 0);
    EXPECT_FALSE(readable());
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0) << "an ordinary child";
    const Descriptor writer{::open(fifo.c_str(), O_WRONLY | O_CLOEXEC)};
    EXPECT_EQ(next().error, 0);
    EXPECT_EQ(exit_code_of(pid), 6);
}

TEST_F(SpawnAsync, ChildThatIsKilledEarlyIsNoFailure) {
    KSPAWN_NOT_THROUGH_LIBC("a start waits until the program has been executed");
    const auto fifo = scratch.file("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 5, fifo.c_str(), O_RDONLY, 0), 0);
    ASSERT_EQ(start_async(1, {"exit", "6"}), 0);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    EXPECT_EQ(next().error, 0);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, SIGKILL);
}

TEST_F(SpawnAsync, ChildrenOutliveTheDescriptor) {
    ASSERT_EQ(start_async(1, {"pause"}), 0);
    completion = {};
    EXPECT_EQ(::kill(pid, SIGTERM), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, SIGTERM);
}

} // namespace

} // namespace kspawn::test
