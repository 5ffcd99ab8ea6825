// SPDX-License-Identifier: LGPL-2.1-or-later
#include "waker.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <system_error>

namespace fuzz {

namespace {

// Above all numbers that inputs name.  The first free ones are the fuzzer's, which closes
// what it finds there.
constexpr int lowest = 100;

int open_children() {
    const auto path = "/proc/self/task/" + std::to_string(::gettid()) + "/children";
    const int low = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int high = low < 0 ? -1 : ::fcntl(low, F_DUPFD_CLOEXEC, lowest);
    const int error = errno;
    if (low >= 0)
        ::close(low);
    if (high < 0)
        throw std::system_error(error, std::generic_category(), path);
    return high;
}

void wake(int children) {
    std::array<char, 4096> text{};
    const auto size = ::pread(children, text.data(), text.size(), 0);
    if (size <= 0)
        return;
    std::istringstream pids(std::string(text.data(), static_cast<std::size_t>(size)));
    for (pid_t pid = 0; pids >> pid;)
        ::kill(pid, SIGCONT);
}

} // namespace

Waker::Waker() : children_(open_children()) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            wake(children_);
        }
    });
}

Waker::~Waker() {
    thread_.request_stop();
    thread_.join();
    ::close(children_);
}

} // namespace fuzz
