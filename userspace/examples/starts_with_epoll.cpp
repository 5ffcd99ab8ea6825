// SPDX-License-Identifier: LGPL-2.1-or-later
// Start programs without waiting for them to be executed: the event loop is told when
// each has been, or why it could not be, and when each ends.
#include <sys/epoll.h>

#include <cstdio>
#include <map>

#include <kspawn/command.hpp>

namespace {

class Loop {
public:
    void start(const kspawn::Command& command) {
        try {
            command.spawn_async(queue_, [this](kspawn::SpawnResult result) {
                if (result)
                    watch(std::move(result).value());
                else
                    std::printf("failed: %s\n", result.error()->what());
            });
        } catch (const kspawn::SpawnError& error) {
            std::printf("failed at once: %s\n", error.what());
        }
    }

    void run() {
        add(queue_.descriptor());
        while (queue_.pending() != 0 || !children_.empty()) {
            epoll_event event{};
            if (epoll_wait(epoll_.get(), &event, 1, -1) != 1)
                continue;
            if (event.data.fd == queue_.descriptor()) {
                queue_.dispatch(); // calls the functions above
                continue;
            }
            const auto ended = children_.find(event.data.fd);
            std::printf("ended: %s\n", ended->second.wait().to_string().c_str());
            children_.erase(ended); // closes the pidfd, which takes it out of the epoll set
        }
    }

private:
    void add(int descriptor) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
        if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0)
            std::perror("epoll_ctl");
    }
    void watch(kspawn::Child child) {
        add(child.pidfd());
        const int pidfd = child.pidfd();
        children_.emplace(pidfd, std::move(child));
    }

    kspawn::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
    kspawn::CompletionQueue queue_;
    std::map<int, kspawn::Child> children_;
};

} // namespace

int main() {
    Loop loop;
    loop.start(kspawn::Command("sleep").arg("0.1"));
    loop.start(kspawn::Command("no-such-program"));
    loop.start(kspawn::Command("sleep").arg("0.1").current_dir("/no/such/directory"));
    loop.run();
    return 0;
}
