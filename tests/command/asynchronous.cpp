// SPDX-License-Identifier: LGPL-2.1-or-later
// Asynchronous starts: handlers, and coroutines.
#include <fcntl.h>
#include <kspawn/async_spawn.hpp>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Child;
using kspawn::Command;
using kspawn::CompletionQueue;
using kspawn::SpawnError;
using kspawn::SpawnResult;
using kspawn::Stdio;
using namespace std::chrono_literals;

class Asynchronous : public kit::Tidy {
protected:
    static void dispatch_all(CompletionQueue& queue) {
        while (queue.pending() != 0)
            queue.wait();
    }
};

TEST_F(Asynchronous, HandlerGetsTheChild) {
    CompletionQueue queue;
    Child child;
    const pid_t pid = shell("exit 7").spawn_async(
        queue, [&](SpawnResult result) { child = std::move(result).value(); });
    EXPECT_GT(pid, 0);
    EXPECT_EQ(queue.pending(), 1U);
    EXPECT_FALSE(child) << "nothing is called before dispatch()";
    EXPECT_EQ(queue.wait(), 1U);
    EXPECT_EQ(queue.pending(), 0U);
    EXPECT_EQ(child.pid(), pid);
    EXPECT_EQ(child.wait().code(), 7);
}

TEST_F(Asynchronous, DescriptorTellsWhenThereIsSomethingToDispatch) {
    CompletionQueue queue;
    pollfd entry{.fd = queue.descriptor(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 0);
    EXPECT_EQ(queue.dispatch(), 0U);
    EXPECT_EQ(queue.wait(), 0U) << "nothing is under way";
    std::vector<Child> children;
    for (int i = 0; i < 3; ++i)
        shell("exit 0").spawn_async(
            queue, [&](SpawnResult result) { children.push_back(std::move(result).value()); });
    while (children.size() < 3) {
        EXPECT_EQ(::poll(&entry, 1, -1), 1);
        queue.dispatch();
    }
    EXPECT_EQ(::poll(&entry, 1, 0), 0);
    for (auto& child : children)
        EXPECT_TRUE(child.wait().success());
}

TEST_F(Asynchronous, PipesComeWithTheChild) {
    CompletionQueue queue;
    std::string text;
    Command("cat")
        .stdin_from(Stdio::pipe())
        .stdout_to(Stdio::pipe())
        .spawn_async(queue, [&](SpawnResult result) {
            text = std::move(result).value().wait_with_output("to and fro").out;
        });
    dispatch_all(queue);
    EXPECT_EQ(text, "to and fro");
}

TEST_F(Asynchronous, WhatIsKnownBeforehandIsThrown) {
    CompletionQueue queue;
    bool called = false;
    const Command command("/no/such/program");
    const auto handler = [&](const SpawnResult&) { called = true; };
    try {
        command.spawn_async(queue, handler);
        ADD_FAILURE() << "no exception";
    } catch (const SpawnError& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
        EXPECT_EQ(error.step(), kspawn::Step::exec);
        EXPECT_STREQ(error.what(), "exec /no/such/program: No such file or directory");
    }
    std::error_code error;
    EXPECT_EQ(command.spawn_async(queue, handler, error), 0);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(Command(std::string("a\0b", 3)).spawn_async(queue, handler, error), 0);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_EQ(queue.pending(), 0U);
    EXPECT_FALSE(called);
    EXPECT_GT(shell("true").spawn_async(queue, handler, error), 0);
    EXPECT_FALSE(error);
    dispatch_all(queue);
    EXPECT_TRUE(called);
    while (kspawn::reap_abandoned() != 0) {
    }
}

TEST_F(Asynchronous, LaterFailureIsTheHandlers) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "through libc every failure is known at once";
    CompletionQueue queue;
    std::optional<SpawnError> failure;
    Command("true").current_dir("/no/such").spawn_async(queue, [&](SpawnResult result) {
        EXPECT_FALSE(result);
        EXPECT_THROW((void)result.value(), SpawnError);
        ASSERT_NE(result.error(), nullptr);
        failure = *result.error();
    });
    dispatch_all(queue);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(failure->step(), kspawn::Step::action);
    EXPECT_EQ(failure->index(), 0U);
    EXPECT_STREQ(failure->what(), "file action 0: chdir /no/such: No such file or directory");
}

TEST_F(Asynchronous, CapacityIsALimit) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "through libc it is a little more";
    CompletionQueue queue(1);
    std::vector<Child> children;
    const auto keep = [&](SpawnResult result) { children.push_back(std::move(result).value()); };
    shell("true").spawn_async(queue, keep);
    std::error_code error;
    EXPECT_EQ(shell("true").spawn_async(queue, keep, error), 0);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
    dispatch_all(queue);
    EXPECT_GT(shell("true").spawn_async(queue, keep, error), 0);
    dispatch_all(queue);
    EXPECT_EQ(children.size(), 2U);
    for (auto& child : children)
        child.wait();
    EXPECT_THROW(CompletionQueue(0), std::system_error);
}

TEST_F(Asynchronous, HandlerThatThrowsDoesNotLoseTheOthers) {
    CompletionQueue queue;
    int called = 0;
    for (int i = 0; i < 3; ++i)
        shell("true").spawn_async(queue, [&](SpawnResult result) {
            std::move(result).value().wait();
            if (++called == 1)
                throw std::runtime_error("mine");
        });
    EXPECT_THROW(dispatch_all(queue), std::runtime_error);
    dispatch_all(queue);
    EXPECT_EQ(called, 3);
}

TEST_F(Asynchronous, HandlerMayStartMore) {
    CompletionQueue queue(1);
    int left = 5;
    std::function<void(SpawnResult)> again = [&](SpawnResult result) {
        std::move(result).value().wait();
        if (--left > 0)
            shell("true").spawn_async(queue, again);
    };
    shell("true").spawn_async(queue, again);
    dispatch_all(queue);
    EXPECT_EQ(left, 0);
}

TEST_F(Asynchronous, QueueThatGoesLetsTheChildrenGo) {
    bool called = false;
    pid_t pid = 0;
    {
        CompletionQueue queue;
        pid = shell("exec sleep 60").spawn_async(queue, [&](const SpawnResult&) { called = true; });
    }
    EXPECT_FALSE(called);
    EXPECT_EQ(kspawn::reap_abandoned(), 1U);
    EXPECT_EQ(::kill(pid, SIGKILL), 0);
    while (kspawn::reap_abandoned() != 0) {
    }
}

TEST_F(Asynchronous, HandlerMayDestroyTheQueue) {
    auto queue = std::make_unique<CompletionQueue>();
    int called = 0;
    for (int i = 0; i < 3; ++i)
        shell("true").spawn_async(*queue, [&](SpawnResult result) {
            ++called;
            std::move(result).value().wait();
            queue.reset();
        });
    EXPECT_EQ(queue->wait(), 1U);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(queue, nullptr);
    while (kspawn::reap_abandoned() != 0) {
    }
}

TEST_F(Asynchronous, StartThatHangsIsEnded) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "through libc a start waits until the program has been executed";
    const kit::Scratch scratch;
    const auto fifo = scratch.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    CompletionQueue queue;
    Child child;
    const pid_t pid =
        Command("true")
            .stdin_from(Stdio::file(fifo, O_RDONLY))
            .spawn_async(queue, [&](SpawnResult result) { child = std::move(result).value(); });
    EXPECT_FALSE(queue.kill(pid + 1, SIGKILL));
    EXPECT_TRUE(queue.kill(pid, SIGTERM)) << "which is blocked";
    EXPECT_EQ(queue.dispatch(), 0U);
    EXPECT_TRUE(queue.kill(pid, SIGKILL));
    EXPECT_EQ(queue.wait(), 1U);
    EXPECT_EQ(child.wait().signal(), SIGKILL);
    EXPECT_FALSE(queue.kill(pid, SIGKILL));
}

// Whether a wait that another thread makes ends; if it does not, nothing can be done but
// to end this process.
std::size_t wait_in_a_thread(CompletionQueue& queue, const std::function<void()>& meanwhile) {
    auto waiting = std::async(std::launch::async, [&] { return queue.wait(); });
    EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout) << "it does not wait";
    meanwhile();
    if (waiting.wait_for(30s) != std::future_status::ready) {
        std::fputs("CompletionQueue::wait() hangs\n", stderr);
        std::abort();
    }
    return waiting.get();
}

TEST_F(Asynchronous, WaitEndsWithTheQueue) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "through libc a start waits until the program has been executed";
    const kit::Scratch scratch;
    const auto fifo = scratch.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    auto queue = std::make_unique<CompletionQueue>();
    const pid_t pid = Command("true")
                          .stdin_from(Stdio::file(fifo, O_RDONLY))
                          .spawn_async(*queue, [](const SpawnResult&) {});
    EXPECT_EQ(wait_in_a_thread(*queue, [&] { queue.reset(); }), 0U);
    EXPECT_EQ(::kill(pid, SIGKILL), 0);
}

// Through libc it fails when the wait has begun; the kernel tells of that by an event.
TEST_F(Asynchronous, WaitEndsWhenTheOnlyStartHasFailed) {
    const kit::Scratch scratch;
    const auto fifo = scratch.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    CompletionQueue queue;
    std::jthread starter{[&] {
        std::error_code error;
        Command("true")
            .stdin_from(Stdio::file(fifo, O_RDONLY))
            .current_dir("/no/such")
            .spawn_async(
                queue, [](const SpawnResult&) {}, error);
    }};
    while (queue.pending() == 0)
        std::this_thread::yield();
    wait_in_a_thread(queue, [&] {
        const kspawn::FileDescriptor writer{::open(fifo.c_str(), O_WRONLY | O_CLOEXEC)};
    });
    EXPECT_EQ(queue.pending(), 0U);
}

TEST_F(Asynchronous, AllWhoWaitAreToldOfTheLast) {
    constexpr int waiters = 4;
    for (int round = 0; round < 20; ++round) {
        CompletionQueue queue;
        std::atomic<int> called = 0;
        shell("true").spawn_async(queue, [&](SpawnResult result) {
            std::move(result).value().wait();
            ++called;
        });
        std::vector<std::future<std::size_t>> all;
        for (int i = 0; i < waiters; ++i)
            all.push_back(std::async(std::launch::async, [&] { return queue.wait(); }));
        std::size_t dispatched = 0;
        for (auto& one : all) {
            if (one.wait_for(30s) != std::future_status::ready) {
                std::fputs("CompletionQueue::wait() hangs\n", stderr);
                std::abort();
            }
            dispatched += one.get();
        }
        EXPECT_EQ(dispatched, 1U);
        EXPECT_EQ(called, 1);
    }
}

// Somebody else has reaped the first, and its number is the second's.
TEST_F(Asynchronous, KillReachesTheOneThatHasTheNumber) {
    CompletionQueue queue;
    std::vector<Child> children;
    const auto keep = [&](SpawnResult result) { children.push_back(std::move(result).value()); };
    const pid_t first = shell("exit 0").spawn_async(queue, keep);
    ASSERT_EQ(::waitpid(first, nullptr, 0), first);
    pid_t second = 0;
    for (int attempt = 0; attempt < 50 && second != first; ++attempt) {
        std::ofstream last{"/proc/sys/kernel/ns_last_pid"};
        if (!(last << first - 1 << std::flush))
            GTEST_SKIP() << "only root says which number is next";
        second = shell("exec sleep 60").spawn_async(queue, keep);
        if (second != first) {
            EXPECT_TRUE(queue.kill(second, SIGKILL));
        }
    }
    ASSERT_EQ(second, first);
    EXPECT_TRUE(queue.kill(second, SIGKILL));
    dispatch_all(queue);
    for (auto& child : children) {
        std::error_code reaped;
        child.wait(reaped);
    }
}

TEST_F(Asynchronous, EmptyHandlerLetsTheChildGo) {
    CompletionQueue queue;
    shell("true").spawn_async(queue, nullptr);
    EXPECT_EQ(queue.wait(), 1U);
    while (kspawn::reap_abandoned() != 0) {
    }
}

TEST_F(Asynchronous, SeveralThreadsStartAndDispatch) {
    constexpr int starters = 3;
    constexpr int each = 20;
    CompletionQueue queue(8);
    std::atomic<int> started = 0;
    std::atomic<int> ended = 0;
    std::vector<std::jthread> threads;
    threads.reserve(starters + 2);
    for (int i = 0; i < starters; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < each;) {
                std::error_code error;
                const Command command = shell("exit 3");
                command.spawn_async(
                    queue,
                    [&](SpawnResult result) {
                        if (std::move(result).value().wait().code() == 3)
                            ++ended;
                    },
                    error);
                if (!error) {
                    ++j;
                    ++started;
                } else {
                    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
                    std::this_thread::yield();
                }
            }
        });
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            while (ended < starters * each)
                if (queue.dispatch() == 0)
                    std::this_thread::yield();
        });
    threads.clear();
    EXPECT_EQ(started, starters * each);
    EXPECT_EQ(ended, starters * each);
    EXPECT_EQ(queue.pending(), 0U);
}

/// A coroutine that begins at once, and belongs to its object.
class Task {
public:
    // The names are the language's.
    // NOLINTBEGIN(readability-convert-member-functions-to-static)
    struct promise_type {
        Task get_return_object() {
            return Task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { exception = std::current_exception(); }
        std::exception_ptr exception;
    };
    // NOLINTEND(readability-convert-member-functions-to-static)

    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_)
            handle_.destroy();
    }

    [[nodiscard]] bool done() const { return handle_.done(); }
    void rethrow() const {
        if (handle_.promise().exception)
            std::rethrow_exception(handle_.promise().exception);
    }

private:
    explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

// A coroutine's parameters outlive the call, and so are values.
// NOLINTBEGIN(performance-unnecessary-value-param,
//             readability-static-accessed-through-instance)
Task run(CompletionQueue& queue, std::string script, int& code) {
    Child child = co_await shell(script).spawn_async(queue);
    code = child.wait().code().value_or(-1);
    // Once more, from where the first has led.
    code += (co_await shell("exit 1").spawn_async(queue)).wait().code().value_or(-1);
}

TEST_F(Asynchronous, CoroutineGetsTheChild) {
    CompletionQueue queue;
    int code = 0;
    const Task task = run(queue, "exit 40", code);
    EXPECT_FALSE(task.done());
    EXPECT_EQ(queue.pending(), 1U);
    dispatch_all(queue);
    EXPECT_TRUE(task.done());
    task.rethrow();
    EXPECT_EQ(code, 41);
}

Task start(CompletionQueue& queue, Command command) {
    (void)co_await command.spawn_async(queue);
}
// NOLINTEND(performance-unnecessary-value-param,
//           readability-static-accessed-through-instance)

TEST_F(Asynchronous, FailureIsThrownInTheCoroutine) {
    CompletionQueue queue;
    const Task early = start(queue, Command("/no/such/program"));
    EXPECT_TRUE(early.done());
    EXPECT_THROW(early.rethrow(), SpawnError);
    const Task late = start(queue, Command("true").current_dir("/no/such"));
    dispatch_all(queue);
    EXPECT_TRUE(late.done());
    try {
        late.rethrow();
        ADD_FAILURE() << "no exception";
    } catch (const SpawnError& error) {
        EXPECT_EQ(error.step(), kspawn::Step::action);
        EXPECT_STREQ(error.what(), "file action 0: chdir /no/such: No such file or directory");
    }
}

TEST_F(Asynchronous, CoroutineThatGoesIsNotResumed) {
    CompletionQueue queue;
    {
        const Task task = start(queue, shell("exit 0"));
        EXPECT_FALSE(task.done());
    }
    EXPECT_EQ(queue.pending(), 1U) << "the event is still to come";
    dispatch_all(queue);
    while (kspawn::reap_abandoned() != 0) {
    }
}

TEST_F(Asynchronous, AwaitableThatIsNotAwaitedStartsNothing) {
    CompletionQueue queue;
    { const auto awaitable = Command("true").spawn_async(queue); }
    EXPECT_EQ(queue.pending(), 0U);
}

} // namespace
