// SPDX-License-Identifier: LGPL-2.1-or-later
// A child in an event loop of Boost.Asio (the same with Asio alone, of namespace
// asio): its output is read and its end awaited asynchronously, and a timer kills it.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <utility> // which Boost 1.74 uses and does not include

#include <boost/asio.hpp>

#include <kspawn/command.hpp>

namespace asio = boost::asio;
using boost::system::error_code;

static void run() {
    auto child = kspawn::Command("sh")
                     .args({"-c", "echo working; exec sleep 60"})
                     .stdout_to(kspawn::Stdio::pipe())
                     .process_group()
                     .spawn();

    asio::io_context loop;
    // Asio closes the descriptors that it is given, whatever is thrown: the pipe is given
    // away, and of the pidfd a duplicate.
    asio::posix::stream_descriptor output(loop, child.stdout_pipe().release());
    asio::posix::stream_descriptor end(loop, ::fcntl(child.pidfd(), F_DUPFD_CLOEXEC, 0));
    asio::steady_timer limit(loop, std::chrono::milliseconds(500));

    std::array<char, 256> line{};
    output.async_read_some(asio::buffer(line), [&](const error_code& error, std::size_t n) {
        if (!error)
            std::printf("it says: %.*s", static_cast<int>(n), line.data());
    });
    end.async_wait(asio::posix::stream_descriptor::wait_read, [&](const error_code& error) {
        if (error)
            return;
        std::printf("it ended: %s\n", child.wait().to_string().c_str());
        limit.cancel();
    });
    limit.async_wait([&](const error_code& error) {
        if (!error)
            child.kill(SIGTERM);
    });
    loop.run();
}

int main() {
    try {
        run();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
