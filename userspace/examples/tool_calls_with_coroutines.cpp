// SPDX-License-Identifier: LGPL-2.1-or-later
// A thousand tool calls, or as many as are asked for, sixteen at a time, from one thread: sixteen
// coroutines make them, one after the other.
#include <chrono>
#include <coroutine>
#include <exception>
#include <iostream>
#include <string>

#include <kspawn/capture.hpp>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t at_a_time = 16;

struct Coroutine {
    struct promise_type {
        Coroutine get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

kspawn::Command tool(const std::string& input) {
    return kspawn::Command("/bin/cat").input(input).time_limit(60s).close_other_descriptors();
}

Coroutine work(kspawn::CaptureQueue& queue, std::size_t calls, std::size_t& next,
               std::size_t& right) try {
    while (next < calls) {
        const std::string input = "call " + std::to_string(next++);
        const kspawn::Output output = co_await tool(input).capture_async(queue);
        if (output.status.success() && output.out == input)
            ++right;
    }
} catch (const kspawn::SpawnError& error) {
    std::cerr << error.what() << '\n';
}

} // namespace

int main(int count, char** arguments) {
    const std::size_t calls = count > 1 ? std::stoul(arguments[1]) : 1000;
    kspawn::CaptureQueue queue;
    std::size_t next = 0;
    std::size_t right = 0;
    for (std::size_t i = 0; i < at_a_time; ++i)
        work(queue, calls, next, right);
    while (queue.pending() != 0)
        queue.wait();
    std::cout << right << " of " << calls << " calls are right\n";
    return right == calls ? 0 : 1;
}
