// SPDX-License-Identifier: LGPL-2.1-or-later
// When a trace ends: with its process, at a signal; and when it does not begin.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "background.hpp"
#include "kit/process.hpp"
#include "kit/scratch.hpp"
#include "tracer.hpp"

namespace {

using kspawn::test::Background;
using kspawn::test::comes_to_contain;
using kspawn::test::contents;
using kspawn::test::run;
using kspawn::test::Scratch;
using kspawn::test::subject;
using kspawn::test::tracer;
using nlohmann::json;
using namespace std::chrono_literals;

/// Enough on a busy machine.
constexpr auto long_enough = 60s;

/// A trace that is attached once the object is there.
class Tracing {
public:
    explicit Tracing(const std::vector<std::string>& arguments)
        : process_(command_of(arguments), out(), err()) {
        EXPECT_TRUE(comes_to_contain(out(), "\"kind\":\"start\"")) << contents(err());
    }
    void kill(int signal) const { process_.kill(signal); }
    std::optional<int> end(std::chrono::seconds limit = long_enough) { return process_.end(limit); }
    [[nodiscard]] std::string said() const { return contents(err()); }
    /// The last line.
    [[nodiscard]] json summary() const {
        const auto text = contents(out());
        return json::parse(text.substr(text.rfind('\n', text.size() - 2) + 1));
    }

private:
    static std::vector<std::string> command_of(const std::vector<std::string>& arguments) {
        std::vector<std::string> command{tracer(), "--json", "--kinds", "windows"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    }
    [[nodiscard]] std::string out() const { return scratch_.file("out"); }
    [[nodiscard]] std::string err() const { return scratch_.file("err"); }

    Scratch scratch_;
    Background process_;
};

TEST(Process, thatIsNotThereIsAnError) {
    const pid_t gone = ::fork();
    if (gone == 0)
        ::_exit(0);
    const auto number = std::to_string(gone);
    const auto zombie = run({tracer(), "-k", "windows", "-d", "1", "-p", number});
    EXPECT_EQ(zombie.status, 125);
    EXPECT_EQ(zombie.err, "kspawn-trace: --pid " + number + ": this process has ended\n");
    ::waitpid(gone, nullptr, 0);
    const auto ended = run({tracer(), "-k", "windows", "-d", "1", "-p", number});
    EXPECT_EQ(ended.status, 125);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err, "kspawn-trace: --pid " + number + ": there is no such process\n");
    // Greater than any that there can be.
    const auto great = run({tracer(), "-d", "1", "-p", "4194305"});
    EXPECT_EQ(great.status, 125);
    EXPECT_EQ(great.err, "kspawn-trace: --pid 4194305: there is no such process\n");
}

TEST(Process, ofAThreadIsNone) {
    std::string tid;
    std::thread{[&tid] {
        tid = std::to_string(::gettid());
        const auto ended = run({tracer(), "-d", "1", "-p", tid});
        EXPECT_EQ(ended.status, 125);
        EXPECT_EQ(ended.err, "kspawn-trace: --pid " + tid + ": that is a thread, of process " +
                                 std::to_string(::getpid()) + "\n");
    }}.join();
}

TEST(Process, takesTheTraceWithIt) {
    Background spawner{{subject(), "forever"}};
    Tracing trace{{"--pid", std::to_string(spawner.pid())}};
    std::this_thread::sleep_for(1s);
    EXPECT_FALSE(trace.end(0s)) << "it goes on as long as the process does";
    spawner.kill(SIGKILL);
    EXPECT_EQ(trace.end(), 0);
    EXPECT_GT(trace.summary().at("counts").at("windows"), 0);
    EXPECT_NE(trace.said().find("process " + std::to_string(spawner.pid()) + " has ended\n"),
              std::string::npos)
        << trace.said();
}

TEST(Process, takesTheTraceWithItOnceItsDescendantsHaveEnded) {
    const Scratch scratch;
    // It starts one that stays for long enough to be seen without it, and ends.
    const auto fifo = scratch.file("fifo");
    ASSERT_EQ(run({"/usr/bin/mkfifo", fifo}).status, 0);
    Background parent{{"/bin/sh", "-c",
                       "read go <" + fifo + "; (" + subject() + " wait wait wait wait; " +
                           subject() + " vfork; :) & exit 0"}};
    Tracing trace{{"--children", "--pid", std::to_string(parent.pid())}};
    ASSERT_EQ(run({"/bin/sh", "-c", "echo go >" + fifo}).status, 0);
    EXPECT_EQ(parent.end(long_enough), 0);
    EXPECT_EQ(trace.end(), 0);
    // The shell's child, its two, and the last one's.
    EXPECT_EQ(trace.summary().at("counts").at("windows"), 4) << trace.summary();
}

TEST(Signal, toTheTracerAloneEndsTraceAndCommand) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        Tracing trace{{"--", subject(), "forever"}};
        std::this_thread::sleep_for(500ms);
        trace.kill(signal);
        EXPECT_EQ(trace.end(), 0) << signal;
        EXPECT_EQ(trace.summary().at("command_status"), 128 + signal) << "it is told too";
    }
}

TEST(Signal, leavesACommandThatDoesNotHeedIt) {
    const Scratch scratch;
    const auto pid = scratch.file("pid");
    Tracing trace{{"--", "/bin/sh", "-c", "trap '' INT; echo $$. >" + pid + "; exec sleep 600"}};
    ASSERT_TRUE(comes_to_contain(pid, "."));
    trace.kill(SIGINT);
    EXPECT_EQ(trace.end(), 0);
    EXPECT_TRUE(trace.summary().at("command_status").is_null());
    EXPECT_NE(trace.said().find("/bin/sh has not ended and goes on\n"), std::string::npos)
        << trace.said();
    EXPECT_EQ(::kill(std::stoi(contents(pid)), SIGKILL), 0) << "it was there";
}

TEST(Signal, aSecondOneEndsTheTraceAtOnce) {
    const Scratch scratch;
    const auto pid = scratch.file("pid");
    Tracing trace{{"--", "/bin/sh", "-c", "trap '' INT; echo $$. >" + pid + "; exec sleep 600"}};
    ASSERT_TRUE(comes_to_contain(pid, "."));
    const auto begun = std::chrono::steady_clock::now();
    trace.kill(SIGINT);
    std::this_thread::sleep_for(300ms);
    trace.kill(SIGTERM);
    EXPECT_EQ(trace.end(), 0);
    EXPECT_TRUE(trace.summary().at("command_status").is_null());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, long_enough);
    ::kill(std::stoi(contents(pid)), SIGKILL);
}

} // namespace
