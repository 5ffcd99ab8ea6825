// SPDX-License-Identifier: LGPL-2.1-or-later
// A thousand tool calls, or as many as are asked for, sixteen at a time, from one thread: each has
// its input and its limit of time, and epoll says which of them has something to do.
#include <sys/epoll.h>

#include <chrono>
#include <iostream>
#include <map>
#include <string>

#include <kspawn/capture.hpp>

using namespace std::chrono_literals;

static kspawn::Command tool(std::size_t number) {
    return kspawn::Command("/bin/cat")
        .input("call " + std::to_string(number))
        .time_limit(60s)
        .close_other_descriptors();
}

int main(int count, char** arguments) {
    const std::size_t calls = count > 1 ? std::stoul(arguments[1]) : 1000;
    constexpr std::size_t at_a_time = 16;
    const kspawn::FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
    std::map<std::size_t, kspawn::Capture> running;
    std::size_t right = 0;
    try {
        for (std::size_t started = 0; started < calls || !running.empty();) {
            for (; started < calls && running.size() < at_a_time; ++started) {
                auto capture = tool(started).start_capture();
                epoll_event event{.events = EPOLLIN, .data = {.u64 = started}};
                if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, capture.descriptor(), &event) != 0)
                    return 1;
                running.emplace(started, std::move(capture));
            }
            epoll_event event{};
            if (epoll_wait(epoll.get(), &event, 1, -1) != 1)
                continue;
            const auto call = running.find(event.data.u64);
            if (!call->second.handle())
                continue; // it goes on
            const auto output = call->second.output();
            if (output.status.success() && output.out == "call " + std::to_string(call->first))
                ++right;
            running.erase(call);
        }
    } catch (const kspawn::SpawnError& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    std::cout << right << " of " << calls << " calls are right\n";
    return right == calls ? 0 : 1;
}
