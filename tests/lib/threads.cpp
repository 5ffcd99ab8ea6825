// SPDX-License-Identifier: LGPL-2.1-or-later
// Many threads at once, and what they leave behind.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

constexpr int thread_count = 8;

class Threads : public Spawner {
protected:
    // Runs one body in each thread, which throws or reports its failures.
    template <typename Body>
    static void in_threads(Body body) {
        std::vector<std::jthread> threads;
        threads.reserve(thread_count);
        for (int number = 0; number < thread_count; ++number)
            threads.emplace_back([body, number] { body(number); });
    }
};

TEST_F(Threads, EachGetsItsOwnChild) {
    in_threads([](int number) {
        for (int round = 0; round < 25; ++round) {
            const int code = number * 25 + round;
            const Strings argv{"child", "exit", std::to_string(code)};
            pid_t own = -1;
            ASSERT_EQ(
                kspawn_spawn(&own, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
                0)
                << kspawn_strfailure();
            ASSERT_EQ(exit_code_of(own), code);
        }
    });
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
    EXPECT_EQ(errno, ECHILD);
}

// One object, used by all; each thread's failure is its own.
TEST_F(Threads, MixedSuccessesAndFailuresLeaveNothing) {
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 1, "/dev/null", O_WRONLY, 0), 0);
    internal::FileActions failing;
    ASSERT_EQ(kspawn_spawn_file_actions_addclose(failing.get(), 30), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(failing.get(), "/no/such/directory"), 0);
    const auto before = open_descriptors();
    in_threads([&](int number) {
        const Strings argv{"child", "exit", "1"};
        const auto absent = "/no/such/program" + std::to_string(number);
        for (int round = 0; round < 20; ++round) {
            pid_t own = -1;
            int pidfd = -1;
            ASSERT_EQ(
                kspawn_spawn(&own, absent.c_str(), actions.get(), nullptr, argv.get(), nullptr),
                ENOENT);
            ASSERT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                               "exec " + absent + ": No such file or directory"}));
            ASSERT_EQ(kspawn_spawn(&own, helper("child").c_str(), failing.get(), nullptr,
                                   argv.get(), nullptr),
                      ENOENT);
            ASSERT_EQ(last_failure().index, 1U);
            ASSERT_EQ(kspawn_pidfd_spawn(&pidfd, helper("child").c_str(), actions.get(),
                                         attributes.get(), argv.get(), nullptr),
                      0);
            const Descriptor owned{pidfd};
            siginfo_t ended{};
            ASSERT_EQ(::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd), &ended, WEXITED),
                      0);
            ASSERT_EQ(ended.si_status, 1);
        }
    });
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
}

// A descriptor that is close-on-exec from birth is in no child, however many
// threads open and start at once.
TEST_F(Threads, CloseOnExecIsNeverLate) {
    std::atomic<bool> enough{false};
    std::jthread opener{[&enough] {
        while (!enough) {
            const Descriptor descriptor{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
        }
    }};
    in_threads([this](int number) {
        const auto file = scratch.file("report" + std::to_string(number));
        const Strings argv{"child", "report", file};
        for (int round = 0; round < 10; ++round) {
            pid_t own = -1;
            ASSERT_EQ(
                kspawn_spawn(&own, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
                0);
            ASSERT_EQ(exit_code_of(own), 0);
            const auto report = read_report(scratch.read("report" + std::to_string(number)));
            for (const auto& [name, descriptor] : report["descriptors"].items())
                ASSERT_NE(descriptor["target"], "/dev/zero");
        }
    });
    enough = true;
}

// The first start of a process opens the device: of many at once, one stays.
TEST_F(Threads, FirstStartsOpenOneDescriptor) {
    KSPAWN_NOT_THROUGH_LIBC("there is no device");
    const auto wrong = in_a_fork([]() -> std::string {
        for (const int descriptor : device_descriptors())
            ::close(descriptor);
        std::atomic<int> failed{0};
        in_threads([&failed](int) {
            const Strings argv{"child", "exit", "0"};
            pid_t own = -1;
            if (kspawn_spawn(&own, helper("child").c_str(), nullptr, nullptr, argv.get(),
                             nullptr) != 0 ||
                exit_code_of(own) != 0)
                ++failed;
        });
        if (failed != 0)
            return std::to_string(failed) + " starts failed";
        const auto count = device_descriptors().size();
        return count == 1 ? "" : std::to_string(count) + " descriptors";
    });
    EXPECT_EQ(wrong, "");
}

// Somebody closes our descriptor all the time.
TEST_F(Threads, SurviveTheLossOfTheDescriptor) {
    KSPAWN_NOT_THROUGH_LIBC("there is no device");
    ASSERT_EQ(device_descriptors().size(), 1U);
    const int number = device_descriptors().front();
    std::atomic<bool> enough{false};
    std::atomic<int> closed{0};
    std::jthread closer{[&] {
        while (!enough) {
            // Those that race to open it may leave it a little higher.
            for (int near = number; near < number + thread_count; ++near) {
                if (::close(near) == 0)
                    ++closed;
            }
            ::usleep(3000);
        }
    }};
    in_threads([](int) {
        const Strings argv{"child", "exit", "0"};
        for (int round = 0; round < 20; ++round) {
            pid_t own = -1;
            ASSERT_EQ(
                kspawn_spawn(&own, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
                0)
                << kspawn_strfailure();
            ASSERT_EQ(exit_code_of(own), 0);
        }
    });
    enough = true;
    closer.join();
    EXPECT_GT(closed, 1);
    EXPECT_LE(device_descriptors().size(), 1U);
}

// Too few descriptors for all of them: who has none for a pidfd lets go of the library's,
// which another thread is opening.
TEST_F(Threads, NearTheLimitOnDescriptorsASuccessHasAChild) {
    const auto wrong = in_a_fork([]() -> std::string {
        kspawn_set_backend(KSPAWN_BACKEND_AUTO);
        for (const int descriptor : device_descriptors())
            ::close(descriptor);
        leave_descriptors_free(4);
        std::atomic<int> without_child{0};
        std::atomic<int> good{0};
        in_threads([&](int number) {
            const Strings argv{"child", "exit", "0"};
            for (int round = 0; round < 40; ++round) {
                pid_t own = -1;
                int pidfd = -1;
                const auto program = helper("child");
                const int error = number % 2 == 0
                                      ? kspawn_pidfd_spawn(&pidfd, program.c_str(), nullptr,
                                                           nullptr, argv.get(), nullptr)
                                      : kspawn_spawn(&own, program.c_str(), nullptr, nullptr,
                                                     argv.get(), nullptr);
                const Descriptor owned{pidfd};
                if (error != 0)
                    continue;
                const bool ended = pidfd >= 0
                                       ? ::waitid(static_cast<idtype_t>(3),
                                                  static_cast<id_t>(pidfd), nullptr, WEXITED) == 0
                                       : own > 0 && exit_code_of(own) == 0;
                ++(ended ? good : without_child);
            }
        });
        if (without_child != 0)
            return std::to_string(without_child) + " starts have succeeded without a child";
        return good != 0 ? "" : "nothing was started";
    });
    EXPECT_EQ(wrong, "");
}

} // namespace

} // namespace kspawn::test
