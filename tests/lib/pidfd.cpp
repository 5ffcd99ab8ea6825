// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts that yield a pidfd.
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

constexpr auto p_pidfd = static_cast<idtype_t>(3); // P_PIDFD, which some headers lack

class Pidfd : public Spawner {
protected:
    int start_with_pidfd(const std::vector<std::string>& arguments) {
        std::vector<std::string> all{"child"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Strings argv{all};
        int number = -1;
        const int error = kspawn_pidfd_spawn(&number, helper("child").c_str(), actions.get(),
                                             attributes.get(), argv.get(), environment.get());
        pidfd = Descriptor{number};
        return error;
    }
    // The process that the kernel says it stands for.
    pid_t process() {
        std::ifstream stream{"/proc/self/fdinfo/" + std::to_string(pidfd.get())};
        for (std::string line; std::getline(stream, line);) {
            if (line.starts_with("Pid:"))
                return std::stoi(line.substr(4));
        }
        return -1;
    }
    int exit_code() {
        siginfo_t ended{};
        if (::waitid(p_pidfd, static_cast<id_t>(pidfd.get()), &ended, WEXITED | __WALL) != 0)
            return -errno;
        return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
    }

    Descriptor pidfd;
};

TEST_F(Pidfd, StandsForTheChild) {
    ASSERT_EQ(start_with_pidfd({"report", scratch.file("report")}), 0);
    const pid_t shown = process();
    EXPECT_EQ(exit_code(), 0);
    EXPECT_EQ(read_report(scratch.read("report"))["pid"], shown);
}

TEST_F(Pidfd, IsCloseOnExecAndNotInTheChild) {
    ASSERT_EQ(start_with_pidfd({"report", scratch.file("report")}), 0);
    EXPECT_EQ(::fcntl(pidfd.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(exit_code(), 0);
    const auto report = read_report(scratch.read("report"));
    EXPECT_FALSE(report["descriptors"].contains(std::to_string(pidfd.get())));
}

TEST_F(Pidfd, BecomesReadableWhenTheChildEnds) {
    ASSERT_EQ(start_with_pidfd({"pause"}), 0);
    pollfd watched{pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&watched, 1, 50), 0);
    EXPECT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0), 0);
    EXPECT_EQ(::poll(&watched, 1, -1), 1);
    EXPECT_EQ(exit_code(), 128 + SIGTERM);
}

TEST_F(Pidfd, OnlyOneDescriptorIsMade) {
    const auto before = open_descriptors().size();
    ASSERT_EQ(start_with_pidfd({"exit", "3"}), 0);
    EXPECT_EQ(open_descriptors().size(), before + 1);
    EXPECT_EQ(exit_code(), 3);
}

TEST_F(Pidfd, OfAProgramThatWasSearchedFor) {
    int number = -1;
    const Strings argv{"sh", "-c", "exit 21"};
    ASSERT_EQ(kspawn_pidfd_spawnp(&number, "sh", nullptr, nullptr, argv.get(), nullptr), 0);
    pidfd = Descriptor{number};
    EXPECT_EQ(exit_code(), 21);
    EXPECT_EQ(
        kspawn_pidfd_spawnp(&number, "no-such-program", nullptr, nullptr, argv.get(), nullptr),
        ENOENT);
    EXPECT_EQ(number, pidfd.get());
}

TEST_F(Pidfd, FailureLeavesTheNumberFree) {
    const Descriptor next{::dup(0)};
    const int expected = next.get();
    ::close(Descriptor{::dup(0)}.release());
    const Strings argv{"x"};
    int number = 4711;
    EXPECT_EQ(kspawn_pidfd_spawn(&number, "/no/such", nullptr, nullptr, argv.get(), nullptr),
              ENOENT);
    EXPECT_EQ(number, 4711);
    const Descriptor after{::dup(0)};
    EXPECT_EQ(after.get(), expected + 1);
}

volatile std::sig_atomic_t children_ended = 0;

TEST_F(Pidfd, WithoutRoomThereIsNoChild) {
    const auto wrong = in_a_fork([this]() -> std::string {
        std::signal(SIGCHLD, [](int) { children_ended = 1; });
        limit_descriptors(60);
        use_up_descriptors();
        if (start_with_pidfd({"exit", "0"}) != EMFILE)
            return "no EMFILE";
        return children_ended == 0 ? "" : "there was a child";
    });
    EXPECT_EQ(wrong, "");
}

// Both are wanted by whoever wraps this.
TEST_F(Pidfd, TogetherWithThePid) {
    const Strings argv{"child", "exit", "6"};
    int number = -1;
    ASSERT_EQ(kspawn_spawn_search_np(&pid, &number, helper("child").c_str(), nullptr, nullptr,
                                     nullptr, argv.get(), nullptr),
              0);
    pidfd = Descriptor{number};
    EXPECT_EQ(process(), pid);
    EXPECT_EQ(exit_code(), 6);
}

} // namespace

} // namespace kspawn::test
