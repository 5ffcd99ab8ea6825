// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts in an event loop of Boost.Asio: the completion queue's descriptor is watched
// for as long as one of them is under way.
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <utility> // which Boost 1.74 uses and does not include

#include <boost/asio.hpp>

#include <kspawn/command.hpp>

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A completion queue whose handlers run in a loop of Asio.
class AsioQueue {
public:
    explicit AsioQueue(asio::io_context& loop) : descriptor_(loop, queue_.descriptor()) {}
    AsioQueue(const AsioQueue&) = delete;
    AsioQueue& operator=(const AsioQueue&) = delete;
    AsioQueue(AsioQueue&&) = delete;
    AsioQueue& operator=(AsioQueue&&) = delete;
    ~AsioQueue() { descriptor_.release(); } // the queue closes it

    void start(const kspawn::Command& command, kspawn::SpawnHandler handler) {
        command.spawn_async(queue_, std::move(handler));
        watch();
    }

private:
    // While nothing is under way the descriptor is not watched, so that the loop can end.
    void watch() {
        if (queue_.pending() == 0 || std::exchange(watched_, true))
            return;
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](const error_code& error) {
                                   watched_ = false;
                                   if (!error)
                                       dispatch();
                               });
    }

    // If a handler throws, so does the loop; its next run() goes on with the other starts.
    void dispatch() {
        try {
            queue_.dispatch();
        } catch (...) {
            watch();
            throw;
        }
        watch();
    }

    kspawn::CompletionQueue queue_;
    asio::posix::stream_descriptor descriptor_;
    bool watched_ = false;
};

void run() {
    asio::io_context loop;
    AsioQueue queue(loop);
    int ticks = 0;
    asio::steady_timer timer(loop, std::chrono::milliseconds(10));
    timer.async_wait([&](const error_code&) { ++ticks; }); // the loop goes on meanwhile

    for (const char* const word : {"one", "two", "three"})
        queue.start(kspawn::Command("echo").arg(word).stdout_to(kspawn::Stdio::pipe()),
                    [](kspawn::SpawnResult result) {
                        if (!result) {
                            std::printf("failed: %s\n", result.error()->what());
                            return;
                        }
                        const auto output = std::move(result).value().wait_with_output();
                        std::printf("it said: %s", output.out.c_str());
                    });
    loop.run();
    std::printf("%d tick\n", ticks);
}

} // namespace

int main() {
    try {
        run();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
