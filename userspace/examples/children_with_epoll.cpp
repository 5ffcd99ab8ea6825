// SPDX-License-Identifier: LGPL-2.1-or-later
// Wait for whichever child ends first, with epoll: a pidfd becomes readable when
// its process ends.  No SIGCHLD, no thread, and other descriptors fit in as well.
#include <sys/epoll.h>

#include <cstdio>
#include <string>
#include <vector>

#include <kspawn/command.hpp>

int main() {
    std::vector<kspawn::Child> children;
    const kspawn::FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
    for (const char* const seconds : {"0.3", "0.2", "0.1"}) {
        children.push_back(kspawn::Command("sleep").arg(seconds).spawn());
        epoll_event event{.events = EPOLLIN, .data = {.u64 = children.size() - 1}};
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, children.back().pidfd(), &event) != 0) {
            std::perror("epoll_ctl");
            return 1;
        }
    }
    for (auto left = children.size(); left > 0;) {
        epoll_event event{};
        if (epoll_wait(epoll.get(), &event, 1, -1) != 1)
            continue;
        auto& child = children[event.data.u64];
        const auto status = child.wait(); // does not block
        std::printf("child %zu: %s\n", static_cast<std::size_t>(event.data.u64),
                    status.to_string().c_str());
        child = {}; // closes the pidfd, which takes it out of the epoll set
        --left;
    }
    return 0;
}
