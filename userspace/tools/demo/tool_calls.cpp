// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <kspawn/capture.hpp>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>

#include "tools/demo/steps.hpp"

namespace kspawn::tool {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t at_a_time = 16;
constexpr std::size_t shown_every = 20;

std::string question(std::size_t number) {
    return fmt::format("call {}", number);
}

Command tool(std::size_t number) {
    return Command("/bin/cat").input(question(number)).time_limit(60s).close_other_descriptors();
}

/// How many calls were answered as they should be.
std::size_t make_calls(Tour& tour, std::size_t calls) {
    CaptureQueue queue;
    std::size_t right = 0;
    for (std::size_t started = 0, over = 0; over < calls;) {
        for (; started < calls && queue.pending() < at_a_time; ++started)
            queue.start(tool(started), [&right, &over, started](Capture capture) {
                const auto output = capture.output();
                if (output.status.success() && output.out == question(started))
                    ++right;
                ++over;
            });
        const auto before = over;
        queue.wait();
        if (over / shown_every != before / shown_every)
            tour.progress(fmt::format("{} of {} calls are over", over, calls));
    }
    return right;
}

std::ptrdiff_t threads() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

} // namespace

void show_tool_calls(Tour& tour) {
    const auto calls = tour.tool_calls();
    tour.say(fmt::format("An agent calls tools: it starts a program, hands it its input, and takes "
                         "all that the program writes, within a limit of time. Now {} such calls, "
                         "{} at a time, made by one thread that waits for all of them at once:",
                         calls, at_a_time));
    const auto began = Clock::now();
    const auto right = make_calls(tour, calls);
    const std::chrono::duration<double> seconds = Clock::now() - began;
    tour.quote(fmt::format("{} calls in {:.1f} s: {:.1f} ms for each", calls, seconds.count(),
                           seconds.count() * 1000 / static_cast<double>(calls)));
    tour.check(right == calls,
               fmt::format("{} of {} calls have brought the right answer.", right, calls));
    tour.check(threads() == 1 && ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD,
               "This process still has one thread, and no child is left.");
}

} // namespace kspawn::tool
