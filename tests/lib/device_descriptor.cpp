// SPDX-License-Identifier: LGPL-2.1-or-later
// The library's own descriptor, and programs that know nothing of it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class DeviceDescriptor : public Spawner {
protected:
    // In a fork, so that no test meets what another has left.
    static void check(const std::function<std::string()>& body) { EXPECT_EQ(in_a_fork(body), ""); }
    std::string try_start() {
        if (const int error = start_child({"exit", "17"}); error != 0)
            return kspawn_strfailure();
        return exit_code_of(pid) == 17 ? "" : "wrong exit code";
    }
    static int the_one() {
        const auto all = device_descriptors();
        return all.size() == 1 ? all.front() : -1;
    }
};

TEST_F(DeviceDescriptor, IsOneAndCloseOnExecAndOutOfTheWay) {
    check([this]() -> std::string {
        for (int round = 0; round < 5; ++round) {
            if (auto wrong = try_start(); !wrong.empty())
                return wrong;
        }
        const int descriptor = the_one();
        if (descriptor < 10)
            return "descriptor " + std::to_string(descriptor);
        return ::fcntl(descriptor, F_GETFD) == FD_CLOEXEC ? "" : "not close-on-exec";
    });
}

TEST_F(DeviceDescriptor, WorksInAForkedChild) {
    ASSERT_EQ(try_start(), "");
    check([this] { return try_start(); });
    // One that never used it before its fork opens it there.
    check([this]() -> std::string {
        ::close(the_one());
        return in_a_fork([this] { return try_start(); });
    });
}

TEST_F(DeviceDescriptor, IsOpenedAgainAfterItWasClosed) {
    check([this]() -> std::string {
        for (int round = 0; round < 3; ++round) {
            if (auto wrong = try_start(); !wrong.empty())
                return wrong;
            const int descriptor = the_one();
            if (descriptor < 0)
                return "not one descriptor";
            ::close(descriptor);
        }
        return try_start();
    });
}

TEST_F(DeviceDescriptor, IsOpenedAgainAfterAllWereClosed) {
    check([this]() -> std::string {
        // A daemon closes all of its descriptors.  The pipe of this test is above them.
        const auto all = open_descriptors();
        for (const auto& [number, target] : all) {
            if (target.starts_with("/"))
                ::close(number);
        }
        auto wrong = try_start();
        if (!wrong.empty())
            return wrong;
        const int descriptor = the_one();
        return descriptor > STDERR_FILENO ? "" : "at " + std::to_string(descriptor);
    });
}

TEST_F(DeviceDescriptor, IsNotTakenForAStranger) {
    const std::pair<const char*, std::function<int()>> strangers[] = {
        {"file", [this] { return ::open(scratch.write("file", "text").c_str(), O_RDWR); }},
        {"directory", [] { return ::open("/", O_RDONLY | O_DIRECTORY); }},
        {"null", [] { return ::open("/dev/null", O_RDWR); }},
        {"zero", [] { return ::open("/dev/zero", O_RDWR); }},
        {"terminal", [] { return ::open("/dev/ptmx", O_RDWR | O_NOCTTY); }},
        {"socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
        {"internet socket", [] { return ::socket(AF_INET, SOCK_DGRAM, 0); }},
        {"eventfd", [] { return ::eventfd(0, 0); }},
        {"path", [] { return ::open("/", O_PATH); }},
        {"pidfd", [] { return static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)); }},
    };
    for (const auto& stranger_kind : strangers) {
        const char* const name = stranger_kind.first;
        const auto& open = stranger_kind.second;
        check([&]() -> std::string {
            if (auto wrong = try_start(); !wrong.empty())
                return wrong;
            const int taken = the_one();
            const Descriptor stranger{open()};
            if (!stranger || ::dup2(stranger.get(), taken) != taken)
                return fmt::format("cannot put there: {}", name);
            const auto before = open_descriptors().at(taken);
            if (auto wrong = try_start(); !wrong.empty())
                return fmt::format("{}: {}", name, wrong);
            if (::fcntl(taken, F_GETFD) < 0 || open_descriptors().at(taken) != before)
                return fmt::format("{}: the stranger was closed", name);
            return the_one() == taken ? "the stranger was taken" : "";
        });
    }
}

TEST_F(DeviceDescriptor, MayBeAnotherOfTheSameDevice) {
    check([this]() -> std::string {
        const int taken = the_one();
        const Descriptor own{::open("/dev/kspawn", O_RDWR | O_CLOEXEC)};
        if (::dup2(own.get(), taken) != taken)
            return "dup2";
        return try_start();
    });
}

TEST_F(DeviceDescriptor, StandardNumbersAreLeftFree) {
    check([this]() -> std::string {
        ::close(the_one());
        for (const int number : {0, 1, 2})
            ::close(number);
        if (auto wrong = try_start(); !wrong.empty())
            return wrong;
        for (const int number : {0, 1, 2}) {
            if (::fcntl(number, F_GETFD) >= 0)
                return std::to_string(number) + " is in use";
        }
        return the_one() > 2 ? "" : "not above 2";
    });
}

TEST_F(DeviceDescriptor, KeepsWithinATightLimit) {
    for (const int most : {40, 12, 8}) {
        check([this, most]() -> std::string {
            ::close(the_one());
            limit_descriptors(most);
            if (auto wrong = try_start(); !wrong.empty())
                return wrong;
            const int descriptor = the_one();
            return descriptor > 2 && descriptor < most ? "" : "at " + std::to_string(descriptor);
        });
    }
}

// With a limit at which so many descriptors are free.
class LastDescriptor : public DeviceDescriptor {
protected:
    static bool can_open() {
        const Descriptor file{::open("/dev/null", O_RDONLY)};
        return static_cast<bool>(file);
    }
    // A program that does not know of the library has the library's descriptor closed.
    void check_starts(int free, int backend) {
        check([&]() -> std::string {
            kspawn_set_backend(KSPAWN_BACKEND_AUTO);
            ::close(the_one());
            leave_descriptors_free(free);
            for (int round = 0; round < 3; ++round) {
                if (auto wrong = try_start(); !wrong.empty())
                    return "kspawn_spawn: " + wrong;
                if (kspawn_last_backend() != backend)
                    return "by another backend";
                if (!can_open())
                    return "its descriptor was kept";
                int pidfd = -1;
                const Strings argv{"child", "exit", "0"};
                if (kspawn_pidfd_spawn(&pidfd, helper("child").c_str(), nullptr, nullptr,
                                       argv.get(), nullptr) != 0)
                    return std::string("kspawn_pidfd_spawn: ") + kspawn_strfailure();
                const Descriptor owned{pidfd};
                if (::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd), nullptr,
                             WEXITED) != 0)
                    return "waitid";
            }
            return "";
        });
    }
};

TEST_F(LastDescriptor, IsNotKept) {
    check_starts(1, KSPAWN_BACKEND_LIBC);
}

TEST_F(LastDescriptor, TwoAreEnough) {
    check_starts(2, KSPAWN_BACKEND_KERNEL);
}

// It has been open since there was room; now a pidfd needs its place.
TEST_F(LastDescriptor, IsGivenAwayForAPidfd) {
    check([this]() -> std::string {
        kspawn_set_backend(KSPAWN_BACKEND_AUTO);
        if (auto wrong = try_start(); !wrong.empty())
            return wrong;
        const int ours = the_one();
        int pidfd = -1;
        const Strings argv{"child", "exit", "0"};
        limit_descriptors(ours + 1);
        if (auto wrong = try_start(); !wrong.empty())
            return wrong;
        use_up_descriptors();
        if (kspawn_pidfd_spawn(&pidfd, helper("child").c_str(), nullptr, nullptr, argv.get(),
                               nullptr) != 0)
            return kspawn_strfailure();
        const Descriptor owned{pidfd};
        return ::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd), nullptr, WEXITED) == 0
                   ? ""
                   : "waitid";
    });
}

TEST_F(DeviceDescriptor, NoRoomIsAnError) {
    check([this]() -> std::string {
        ::close(the_one());
        limit_descriptors(30);
        use_up_descriptors();
        const int error = start_child({"exit", "0"});
        if (error != EMFILE)
            return "error " + std::to_string(error);
        return last_failure() ==
                       Failure{EMFILE, KSPAWN_STEP_DEVICE, EMFILE,
                               "device /dev/kspawn: Too many open files (it could not be opened)"}
                   ? ""
                   : last_failure().words;
    });
}

} // namespace

} // namespace kspawn::test
