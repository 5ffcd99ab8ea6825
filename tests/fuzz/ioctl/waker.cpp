// SPDX-License-Identifier: LGPL-2.1-or-later
#include "waker.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>

namespace fuzz {

Waker::Waker() {
    const auto children = "/proc/self/task/" + std::to_string(::gettid()) + "/children";
    thread_ = std::jthread([children](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            std::ifstream file(children);
            for (pid_t pid = 0; file >> pid;)
                ::kill(pid, SIGCONT);
        }
    });
}

} // namespace fuzz
