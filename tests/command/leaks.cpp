// SPDX-License-Identifier: LGPL-2.1-or-later
// Processes that other threads fork meanwhile have no child's end of a pipe.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "kit.hpp"

namespace {

using kspawn::Command;
using kspawn::Stdio;

class Leaks : public kit::Tidy {};

constexpr int highest = 64;
constexpr int rounds = 100;

// In a process that was forked: whether it has the end of a pipe that a child of ours uses.
bool has_end(int access) {
    for (int number = 3; number < highest; ++number) {
        struct stat status {};
        if (::fstat(number, &status) == 0 && S_ISFIFO(status.st_mode) &&
            (::fcntl(number, F_GETFL) & O_ACCMODE) == access)
            return true;
    }
    return false;
}

/// Threads that fork without end; each process looks at what it has been given.
class Forkers {
public:
    explicit Forkers(int access) {
        for (int i = 0; i < 2; ++i)
            threads_.emplace_back([this, access] {
                while (!stop_) {
                    const pid_t pid = ::fork();
                    if (pid == 0)
                        ::_exit(has_end(access) ? 1 : 0);
                    int status = 0;
                    if (pid > 0 && ::waitpid(pid, &status, 0) == pid) {
                        ++forks_;
                        leaks_ += status == 0 ? 0 : 1;
                    }
                }
            });
    }
    Forkers(const Forkers&) = delete;
    Forkers& operator=(const Forkers&) = delete;
    Forkers(Forkers&&) = delete;
    Forkers& operator=(Forkers&&) = delete;
    ~Forkers() { stop(); }

    void stop() {
        stop_ = true;
        threads_.clear();
    }
    [[nodiscard]] int forks() const { return forks_; }
    [[nodiscard]] int leaks() const { return leaks_; }

private:
    std::atomic<bool> stop_ = false;
    std::atomic<int> forks_ = 0;
    std::atomic<int> leaks_ = 0;
    std::vector<std::jthread> threads_;
};

// Our ends, from which we read, are there for all to fork; those that write are the child's.
TEST_F(Leaks, OutputWhileOtherThreadsFork) {
    Forkers forkers(O_WRONLY);
    for (int i = 0; i < rounds || forkers.forks() < rounds; ++i)
        ASSERT_EQ(Command("/bin/echo").arg("x").output().out, "x\n");
    forkers.stop();
    if (kit::by_kernel())
        EXPECT_EQ(forkers.leaks(), 0) << "of " << forkers.forks();
    else
        EXPECT_GT(forkers.leaks(), 0) << "the test sees leaks, where there are";
}

TEST_F(Leaks, InputWhileOtherThreadsFork) {
    Forkers forkers(O_RDONLY);
    for (int i = 0; i < rounds || forkers.forks() < rounds; ++i) {
        auto child = Command("/bin/true").stdin_from(Stdio::pipe()).spawn();
        ASSERT_TRUE(child.wait().success());
    }
    forkers.stop();
    if (kit::by_kernel())
        EXPECT_EQ(forkers.leaks(), 0) << "of " << forkers.forks();
    else
        EXPECT_GT(forkers.leaks(), 0) << "the test sees leaks, where there are";
}

} // namespace
