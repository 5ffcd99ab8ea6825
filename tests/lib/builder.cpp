// SPDX-License-Identifier: LGPL-2.1-or-later
// Builders through the C functions.
#include <fcntl.h>
#include <kspawn/builder.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class Builder : public Spawner {
protected:
    void SetUp() override {
        KSPAWN_NOT_THROUGH_LIBC("libc has no builders");
        Spawner::SetUp();
        if (HasFatalFailure() || IsSkipped())
            return;
        int created = -1;
        ASSERT_EQ(kspawn_builder_create_np(&created, &child, nullptr, nullptr), 0)
            << kspawn_strfailure();
        builder = Descriptor{created};
        ASSERT_GT(child, 0);
    }
    // The actions and attributes of this test, applied once.
    int apply() {
        const int error = kspawn_builder_apply_np(builder.get(), actions.get(), attributes.get());
        kspawn_spawn_file_actions_destroy(actions.get());
        kspawn_spawn_file_actions_init(actions.get());
        return error;
    }
    int start(std::vector<std::string> arguments, int* pidfd = nullptr) {
        arguments.insert(arguments.begin(), "child");
        const Strings argv{arguments};
        return kspawn_builder_start_np(builder.get(), &started, pidfd, helper("child").c_str(),
                                       nullptr, nullptr, nullptr, argv.get(), environment.get());
    }
    int wait() const {
        int status = -1;
        EXPECT_EQ(::waitpid(started, &status, 0), started);
        return status;
    }
    [[nodiscard]] std::string link(const std::string& name) const {
        std::error_code none;
        return std::filesystem::read_symlink("/proc/" + std::to_string(child) + '/' + name, none);
    }

    Descriptor builder;
    pid_t child = 0;
    pid_t started = 0;
};

TEST_F(Builder, IsMadeAndStarted) {
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/proc"), 0);
    ASSERT_EQ(apply(), 0);
    EXPECT_EQ(link("cwd"), "/proc");
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "it is nobody's child";
    int pidfd = -1;
    ASSERT_EQ(start({"exit", "7"}, &pidfd), 0);
    const Descriptor owned{pidfd};
    EXPECT_TRUE(owned);
    EXPECT_EQ(started, child);
    EXPECT_EQ(wait(), 7 << 8);
    EXPECT_EQ(start({"exit", "7"}), ESRCH);
    EXPECT_EQ(last_failure(),
              (Failure{ESRCH, KSPAWN_STEP_BUILDER, 0,
                       "builder: No such process (its child has been started or has ended, or "
                       "the process that made it has)"}));
}

TEST_F(Builder, TakesDescriptorsOfTheMoment) {
    const Descriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    ASSERT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), full.get(), 40, 0), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), full.get(), 41, O_CLOEXEC), 0);
    EXPECT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), full.get(), 42, O_APPEND),
              EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), -1, 42, 0), EBADF);
    ASSERT_EQ(apply(), 0);
    EXPECT_EQ(link("fd/40"), "/dev/full");
    EXPECT_EQ(link("fd/41"), "/dev/full");
    ASSERT_EQ(start({"exit", "0"}), 0);
    EXPECT_EQ(wait(), 0);
}

TEST_F(Builder, FailureLeavesItAsItWas) {
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 40, "/no/such/file", O_RDONLY, 0),
              0);
    EXPECT_EQ(apply(), ENOENT);
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_ACTION, 0,
                       "file action 0: open /no/such/file: No such file or directory"}));
    const Strings argv{{"program"}};
    EXPECT_EQ(kspawn_builder_start_np(builder.get(), &started, nullptr, "/no/such/program", nullptr,
                                      nullptr, nullptr, argv.get(), environment.get()),
              ENOENT);
    EXPECT_EQ(started, 0);
    ASSERT_EQ(start({"exit", "3"}), 0);
    EXPECT_EQ(wait(), 3 << 8);
}

TEST_F(Builder, IsClosed) {
    builder = Descriptor{};
    for (int i = 0; i < 1000 && ::kill(child, 0) == 0; ++i)
        ::usleep(10'000);
    EXPECT_EQ(::kill(child, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Builder, IsNoOtherDescriptor) {
    const Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int wrong : {null.get(), -1, 1000}) {
        EXPECT_EQ(kspawn_builder_apply_np(wrong, nullptr, nullptr), EBADF);
        EXPECT_EQ(last_failure(), (Failure{EBADF, KSPAWN_STEP_BUILDER, 0,
                                           "builder: Bad file descriptor (it is no builder)"}));
    }
}

TEST_F(Builder, IsNotToBePassed) {
    ASSERT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), builder.get(), 40, 0), 0);
    EXPECT_EQ(apply(), EINVAL);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_ACTION, 0,
                                       "file action 0: pass " + std::to_string(builder.get()) +
                                           " to 40: Invalid argument"}));
}

TEST_F(Builder, AttributesTakeEffectAtOnce) {
    ASSERT_EQ(kspawn_spawnattr_setflags(attributes.get(), KSPAWN_SPAWN_SETSID), 0);
    ASSERT_EQ(apply(), 0);
    EXPECT_EQ(::getsid(child), child);
    EXPECT_EQ(apply(), EPERM) << "it leads a session already";
    EXPECT_EQ(last_failure().step, KSPAWN_STEP_ATTRIBUTE);
    EXPECT_EQ(last_failure().index, static_cast<unsigned>(KSPAWN_SPAWN_SETSID));
}

TEST_F(Builder, AttributesOfTheCreationAreRefusedLater) {
    ASSERT_EQ(kspawn_spawnattr_setflags(attributes.get(), KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP), 0);
    EXPECT_EQ(apply(), EINVAL);
    EXPECT_EQ(last_failure().step, KSPAWN_STEP_COPY);
    EXPECT_EQ(last_failure().index, static_cast<unsigned>(KSPAWN_ARG_ATTRIBUTES));
}

TEST_F(Builder, IsMadeWithActionsAndAttributes) {
    const Descriptor full{::open("/dev/full", O_WRONLY)};
    ASSERT_EQ(kspawn_spawnattr_setflags(attributes.get(), KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), 40, "/dev/zero", O_RDONLY, 0), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), 0), 0);
    int created = -1;
    ASSERT_EQ(kspawn_builder_create_np(&created, &child, actions.get(), attributes.get()), 0);
    builder = Descriptor{created};
    EXPECT_EQ(link("fd/40"), "/dev/zero");
    EXPECT_NE(link("fd/0"), "");
    EXPECT_EQ(link("fd/1"), "");
    EXPECT_EQ(link("fd/" + std::to_string(full.get())), "");
}

TEST_F(Builder, FailureOfItsCreationLeavesNothing) {
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such/directory"), 0);
    int created = -1;
    pid_t none = -1;
    EXPECT_EQ(kspawn_builder_create_np(&created, &none, actions.get(), nullptr), ENOENT);
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_ACTION, 0,
                       "file action 0: chdir /no/such/directory: No such file or directory"}));
    EXPECT_EQ(created, -1);
    EXPECT_EQ(none, -1);
}

TEST_F(Builder, SearchesFromTheChild) {
    const Strings argv{{"true"}};
    EXPECT_EQ(kspawn_builder_start_np(builder.get(), &started, nullptr, "true", "/proc:/dev",
                                      nullptr, nullptr, argv.get(), environment.get()),
              ENOENT);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/"), 0);
    ASSERT_EQ(kspawn_builder_start_np(builder.get(), &started, nullptr, "true", "usr/bin",
                                      actions.get(), nullptr, argv.get(), environment.get()),
              0)
        << kspawn_strfailure();
    EXPECT_EQ(wait(), 0);
}

TEST_F(Builder, IsPolled) {
    const auto events = [this] {
        pollfd entry{.fd = builder.get(), .events = POLLIN | POLLOUT, .revents = 0};
        return ::poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
    };
    EXPECT_EQ(events(), POLLOUT);
    ASSERT_EQ(start({"exit", "0"}), 0);
    EXPECT_EQ(events(), POLLHUP);
    EXPECT_EQ(wait(), 0);
}

TEST_F(Builder, KeepsErrnoAndForgetsNoFailure) {
    errno = E2BIG;
    EXPECT_EQ(kspawn_builder_apply_np(-1, nullptr, nullptr), EBADF);
    EXPECT_EQ(kspawn_builder_apply_np(builder.get(), nullptr, nullptr), 0);
    EXPECT_EQ(errno, E2BIG);
    EXPECT_EQ(last_failure().error, EBADF);
}

TEST_F(Builder, PidfdIsThatOfTheChild) {
    const Descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    ASSERT_TRUE(pidfd);
    ASSERT_EQ(kspawn_builder_apply_np(builder.get(), nullptr, nullptr), 0);
    ASSERT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0), 0);
    pollfd entry{.fd = builder.get(), .events = 0, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, 30'000), 1);
    EXPECT_EQ(entry.revents, POLLHUP);
    EXPECT_EQ(kspawn_builder_apply_np(builder.get(), nullptr, nullptr), ESRCH);
}

TEST_F(Builder, ObjectsMustBeInitialised) {
    kspawn_spawn_file_actions_t no_actions{};
    kspawn_spawnattr_t no_attributes{};
    int created = -1;
    EXPECT_EQ(kspawn_builder_create_np(&created, nullptr, &no_actions, nullptr), EINVAL);
    EXPECT_EQ(kspawn_builder_apply_np(builder.get(), nullptr, &no_attributes), EINVAL);
    EXPECT_EQ(created, -1);
}

TEST(BuilderWithoutModule, IsNotThere) {
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    int created = -1;
    EXPECT_EQ(kspawn_builder_create_np(&created, nullptr, nullptr, nullptr), ENOSYS);
    EXPECT_EQ(created, -1);
    EXPECT_EQ(last_failure(), (Failure{ENOSYS, KSPAWN_STEP_BUILDER, 0,
                                       "builder: Function not implemented (libc has none)"}));
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_AUTO), 0);
}

} // namespace

} // namespace kspawn::test
