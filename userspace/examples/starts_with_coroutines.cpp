// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts awaited by coroutines: each reads as if it blocked, and none does.
#include <poll.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <kspawn/async_spawn.hpp>

namespace {

// The names, and how they are called, are the language's.
// NOLINTBEGIN(readability-convert-member-functions-to-static,
//             readability-static-accessed-through-instance)

/// The loop: starts that are under way, and coroutines that wait for a descriptor.
class Loop {
public:
    /// `co_await loop.readable(descriptor)`
    auto readable(int descriptor) {
        struct Awaitable {
            Loop& loop;
            int descriptor;
            [[nodiscard]] bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> waiting) {
                loop.waiting_.emplace(descriptor, waiting);
            }
            void await_resume() const noexcept {}
        };
        return Awaitable{*this, descriptor};
    }

    kspawn::CompletionQueue& starts() { return starts_; }

    void run() {
        while (starts_.pending() != 0 || !waiting_.empty()) {
            std::vector<pollfd> entries{{starts_.descriptor(), POLLIN, 0}};
            for (const auto& [descriptor, handle] : waiting_)
                entries.push_back({descriptor, POLLIN, 0});
            if (poll(entries.data(), entries.size(), -1) < 0)
                continue;
            if (entries[0].revents != 0)
                starts_.dispatch();
            for (std::size_t i = 1; i < entries.size(); ++i)
                if (entries[i].revents != 0)
                    waiting_.extract(entries[i].fd).mapped().resume();
        }
    }

private:
    kspawn::CompletionQueue starts_;
    std::map<int, std::coroutine_handle<>> waiting_;
};

/// A coroutine that runs until its first co_await and is then its own.
struct Detached {
    struct promise_type {
        Detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

Detached run(Loop& loop, std::string name, kspawn::Command command) {
    try {
        kspawn::Child child = co_await command.spawn_async(loop.starts());
        std::printf("%s: started\n", name.c_str());
        co_await loop.readable(child.pidfd());
        std::printf("%s: %s\n", name.c_str(), child.wait().to_string().c_str());
    } catch (const kspawn::SpawnError& error) {
        std::printf("%s: %s\n", name.c_str(), error.what());
    }
}

// NOLINTEND(readability-convert-member-functions-to-static,
//           readability-static-accessed-through-instance)

} // namespace

int main() {
    Loop loop;
    run(loop, "long", kspawn::Command("sleep").arg("0.3"));
    run(loop, "short", kspawn::Command("sh").args({"-c", "exit 3"}));
    run(loop, "none", kspawn::Command("true").current_dir("/no/such/directory"));
    loop.run();
    return 0;
}
