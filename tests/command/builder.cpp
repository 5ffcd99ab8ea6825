// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn::Builder: each operation, seen in /proc as soon as it has been done.
#include <kspawn/backend.h>
#include <kspawn/builder.hpp>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>

#include "kit.hpp"

namespace {

using kspawn::Builder;
using kspawn::FileDescriptor;
using kspawn::SignalSet;
using kspawn::SpawnError;
using kspawn::Step;
namespace fs = std::filesystem;

class BuilderTest : public kit::Tidy {
protected:
    void SetUp() override {
        Tidy::SetUp();
        if (!kit::by_kernel())
            GTEST_SKIP() << "libc has no builders";
    }
};

fs::path proc(const Builder& builder) {
    return "/proc/" + std::to_string(builder.pid());
}

// The target of a link below /proc/PID; "" if it is not there.
std::string link(const Builder& builder, const std::string& name) {
    std::error_code none;
    return fs::read_symlink(proc(builder) / name, none);
}

// A field of /proc/PID/status.
std::string status(const Builder& builder, const std::string& field) {
    std::ifstream stream(proc(builder) / "status");
    for (std::string line; std::getline(stream, line);)
        if (line.starts_with(field + ":\t"))
            return line.substr(field.size() + 2);
    return "";
}

unsigned long long signals(const Builder& builder, const std::string& field) {
    return std::stoull(status(builder, field), nullptr, 16);
}

constexpr unsigned long long bit(int signal) {
    return 1ULL << static_cast<unsigned>(signal - 1);
}

int exit_code(kspawn::Child child) {
    return child.wait().code().value_or(-1);
}

bool has_ended(int builder) {
    pollfd entry{.fd = builder, .events = 0, .revents = 0};
    return ::poll(&entry, 1, 30'000) == 1 && entry.revents == POLLHUP;
}

// The error of a call, with its step.
template <class Function>
std::pair<int, Step> error_of(Function function) {
    try {
        function();
    } catch (const SpawnError& error) {
        return {error.code().value(), error.step()};
    }
    return {0, Step::none};
}

using Failed = std::pair<int, Step>;

TEST_F(BuilderTest, IsMadeAndStarted) {
    const Builder builder;
    EXPECT_GT(builder.pid(), 0);
    EXPECT_NE(::fcntl(builder.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_FALSE(kit::has_children()) << "no wait finds it";
    kspawn::Child child = builder.start("sh", {"-c", "exit 7"});
    EXPECT_EQ(child.pid(), builder.pid());
    EXPECT_GE(child.pidfd(), 0);
    EXPECT_TRUE(has_ended(builder.descriptor())) << "it is built no more";
    EXPECT_EQ(child.wait().code(), 7);
    EXPECT_EQ(error_of([&] { builder.close(5); }), (Failed{ESRCH, Step::builder}));
}

TEST_F(BuilderTest, Descriptors) {
    const Builder builder;
    const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    builder.open(40, "/dev/zero", O_RDONLY).dup2(40, 41).dup2(40, 42).dup2(40, 44);
    builder.pass(full.get(), 43).pass(full.get(), 50, true);
    for (const int number : {40, 41, 42, 44})
        EXPECT_EQ(link(builder, "fd/" + std::to_string(number)), "/dev/zero");
    EXPECT_EQ(link(builder, "fd/43"), "/dev/full");
    EXPECT_EQ(link(builder, "fd/50"), "/dev/full");
    builder.close(41);
    EXPECT_EQ(link(builder, "fd/41"), "");
    builder.close_range(42, 43);
    EXPECT_EQ(link(builder, "fd/42"), "");
    EXPECT_EQ(link(builder, "fd/43"), "");
    EXPECT_EQ(link(builder, "fd/44"), "/dev/zero");
    builder.close_from(44);
    EXPECT_EQ(link(builder, "fd/44"), "");
    EXPECT_EQ(link(builder, "fd/50"), "");
    EXPECT_EQ(link(builder, "fd/40"), "/dev/zero");
}

TEST_F(BuilderTest, CloseOnExec) {
    const Builder builder;
    const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int number : {40, 41, 42})
        builder.pass(null.get(), number, true);
    builder.inherit(41).dup2(42, 42).inherit(43);
    EXPECT_EQ(exit_code(builder.start("sh", {"-c", "cd /proc/self/fd && ! test -e 40 && "
                                                   "test -e 41 && test -e 42 && ! test -e 43"})),
              0);
}

TEST_F(BuilderTest, HasNoOtherDescriptors) {
    const FileDescriptor null(::open("/dev/null", O_RDWR));
    const auto name = "fd/" + std::to_string(null.get());
    EXPECT_EQ(link(Builder(), name), "/dev/null");
    const Builder builder({.close_other_descriptors = true});
    EXPECT_EQ(link(builder, name), "");
    EXPECT_NE(link(builder, "fd/2"), "");
}

TEST_F(BuilderTest, WorkingDirectory) {
    const kit::Scratch scratch;
    const auto directory = fs::canonical(scratch.directory("below"));
    const Builder builder;
    builder.chdir("/proc");
    EXPECT_EQ(link(builder, "cwd"), "/proc");
    builder.open(40, directory, O_RDONLY | O_DIRECTORY).chdir(40);
    EXPECT_EQ(link(builder, "cwd"), directory);
    builder.chdir("..");
    EXPECT_EQ(link(builder, "cwd"), directory.parent_path());
}

TEST_F(BuilderTest, GroupAndSession) {
    const Builder builder;
    builder.process_group();
    EXPECT_EQ(::getpgid(builder.pid()), builder.pid());
    builder.process_group(::getpgrp());
    EXPECT_EQ(::getpgid(builder.pid()), ::getpgrp());
    builder.new_session();
    EXPECT_EQ(::getsid(builder.pid()), builder.pid());
    EXPECT_EQ(error_of([&] { builder.new_session(); }), (Failed{EPERM, Step::attribute}));
}

TEST_F(BuilderTest, ForegroundNeedsATerminal) {
    int master = -1;
    int terminal = -1;
    ASSERT_EQ(::openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
    const FileDescriptor first(master);
    const FileDescriptor second(terminal);
    const Builder builder;
    // A leader of a session without a terminal gets the one that it opens.
    builder.new_session().open(40, fs::read_symlink("/proc/self/fd/" + std::to_string(terminal)),
                               O_RDWR);
    builder.foreground(40);
    int group = 0;
    ASSERT_EQ(::ioctl(master, TIOCGPGRP, &group), 0);
    EXPECT_EQ(group, builder.pid());
    builder.open(41, "/dev/null", O_RDWR);
    EXPECT_EQ(error_of([&] { builder.foreground(41); }), (Failed{ENOTTY, Step::action}));
}

TEST_F(BuilderTest, Signals) {
    const Builder builder;
    builder.ignore_signals({SIGUSR1, SIGUSR2});
    EXPECT_EQ(signals(builder, "SigIgn") & (bit(SIGUSR1) | bit(SIGUSR2)),
              bit(SIGUSR1) | bit(SIGUSR2));
    builder.default_signals({SIGUSR1});
    EXPECT_EQ(signals(builder, "SigIgn") & (bit(SIGUSR1) | bit(SIGUSR2)), bit(SIGUSR2));
    builder.signal_mask({SIGHUP});
    EXPECT_EQ(exit_code(builder.start("sh", {"-c", "kill -HUP $$; kill -USR2 $$; exit 3"})), 3);
}

TEST_F(BuilderTest, ResetSignals) {
    const Builder builder;
    builder.ignore_signals({SIGUSR1}).signal_mask(SignalSet::all()).reset_signals();
    EXPECT_EQ(signals(builder, "SigIgn"), 0U);
    auto child = builder.start("sh", {"-c", "kill -TERM $$"});
    EXPECT_EQ(child.wait().signal(), SIGTERM);
}

TEST_F(BuilderTest, Scheduling) {
    const Builder builder;
    builder.scheduler(SCHED_BATCH, 0);
    EXPECT_EQ(::sched_getscheduler(builder.pid()), SCHED_BATCH);
    builder.priority(0);
    EXPECT_EQ(error_of([&] { builder.priority(50); }), (Failed{EINVAL, Step::attribute}));
    EXPECT_EQ(error_of([&] { builder.scheduler(-1, 0); }), (Failed{EINVAL, Step::prepare}));
}

TEST_F(BuilderTest, ResetsIds) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "not root";
    ASSERT_EQ(::seteuid(65534), 0);
    const Builder builder;
    ASSERT_EQ(::seteuid(0), 0);
    EXPECT_EQ(status(builder, "Uid"), "0\t65534\t0\t65534");
    EXPECT_EQ(error_of([&] { builder.reset_ids(); }), (Failed{0, Step::none}));
    EXPECT_EQ(status(builder, "Uid").substr(0, 4), "0\t0\t");
}

TEST_F(BuilderTest, IsMadeInACgroup) {
    const fs::path group = "/sys/fs/cgroup/kspawn-builder-test";
    std::error_code error;
    if (!fs::create_directory(group, error))
        GTEST_SKIP() << "no cgroup: " << error.message();
    {
        const Builder builder({.cgroup = group});
        EXPECT_EQ(kit::read_file(proc(builder) / "cgroup"), "0::/kspawn-builder-test\n");
    }
    for (int i = 0; i < 1000 && ::rmdir(group.c_str()) != 0; ++i)
        ::usleep(10'000);
    EXPECT_FALSE(fs::exists(group)) << "its child is still there";
    EXPECT_EQ(error_of([&] { const Builder none({.cgroup = group}); }),
              (Failed{ENOENT, Step::prepare}));
}

TEST_F(BuilderTest, AppliesAList) {
    const Builder builder;
    kspawn_spawn_file_actions_t actions;
    ASSERT_EQ(kspawn_spawn_file_actions_init(&actions), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(&actions, "/proc"), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(&actions, "no/such"), 0);
    try {
        builder.apply(&actions);
        ADD_FAILURE() << "nothing was thrown";
    } catch (const SpawnError& error) {
        EXPECT_EQ(error.step(), Step::action);
        EXPECT_EQ(error.index(), 1U);
        EXPECT_STREQ(error.what(), "file action 1: chdir no/such: No such file or directory");
    }
    EXPECT_EQ(link(builder, "cwd"), "/proc") << "those before it hold";
    std::error_code code;
    builder.apply(&actions, nullptr, code);
    EXPECT_EQ(code.value(), ENOENT);
    builder.apply(nullptr, nullptr, code);
    EXPECT_FALSE(code);
    kspawn_spawn_file_actions_destroy(&actions);
}

TEST_F(BuilderTest, IsMendedAndStartedAgain) {
    const kit::Scratch scratch;
    const Builder builder;
    builder.chdir(scratch.path());
    try {
        static_cast<void>(builder.start("./tool"));
        ADD_FAILURE() << "nothing was thrown";
    } catch (const SpawnError& error) {
        EXPECT_EQ(error.step(), Step::exec);
        EXPECT_STREQ(error.what(), "exec ./tool: No such file or directory");
    }
    std::error_code code;
    EXPECT_FALSE(builder.start("no-such-tool", {}, {}, code));
    EXPECT_EQ(code.value(), ENOENT);
    static_cast<void>(scratch.write("tool", "#!/bin/sh\nexit 9\n", 0755));
    auto child = builder.start("./tool", {}, {}, code);
    EXPECT_FALSE(code);
    EXPECT_EQ(child.pid(), builder.pid());
    EXPECT_EQ(exit_code(std::move(child)), 9);
}

TEST_F(BuilderTest, ArgumentsAndEnvironment) {
    const kit::Scratch scratch;
    const auto file = scratch.file("seen");
    const Builder builder;
    builder.open(1, file, O_WRONLY | O_CREAT);
    EXPECT_EQ(exit_code(builder.start("/bin/sh", {"-c", "echo \"$1 $A\"; env | wc -l", "-", "x y"},
                                      Builder::Variables{{"A", "b"}})),
              0);
    EXPECT_TRUE(scratch.read("seen").starts_with("x y b\n")) << scratch.read("seen");
    const Builder other;
    // There is no program in this PATH.
    EXPECT_EQ(error_of([&] {
                  static_cast<void>(other.start("true", {}, Builder::Variables{{"PATH", "/proc"}}));
              }),
              (Failed{ENOENT, Step::exec}));
    EXPECT_EQ(error_of([&] {
                  static_cast<void>(other.start("true", {}, Builder::Variables{{"A=", "b"}}));
              }),
              (Failed{EINVAL, Step::prepare}));
}

TEST_F(BuilderTest, RefusesWhatCannotBeSaid) {
    const Builder builder;
    const std::string nul("a\0b", 3);
    EXPECT_EQ(error_of([&] { builder.chdir(nul); }), (Failed{EINVAL, Step::prepare}));
    EXPECT_EQ(error_of([&] { builder.open(40, nul, 0); }), (Failed{EINVAL, Step::prepare}));
    EXPECT_EQ(error_of([&] { builder.close(-1); }), (Failed{EBADF, Step::prepare}));
    EXPECT_EQ(error_of([&] { builder.pass(1000, 40); }), (Failed{EBADF, Step::action}));
    EXPECT_EQ(error_of([&] { builder.pass(builder.descriptor(), 40); }),
              (Failed{EINVAL, Step::action}));
    EXPECT_EQ(error_of([&] { static_cast<void>(builder.start(nul)); }),
              (Failed{EINVAL, Step::prepare}));
}

TEST_F(BuilderTest, IsDiscarded) {
    Builder builder;
    const FileDescriptor pidfd = builder.pidfd();
    builder.discard();
    EXPECT_EQ(builder.descriptor(), -1);
    EXPECT_EQ(builder.pid(), 0);
    pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, 30'000), 1) << "the child has ended";
    EXPECT_EQ(error_of([&] { builder.chdir("/"); }), (Failed{EBADF, Step::builder}));
}

TEST_F(BuilderTest, IsMoved) {
    Builder first;
    const pid_t pid = first.pid();
    Builder second(std::move(first));
    EXPECT_EQ(second.pid(), pid);
    Builder third;
    const FileDescriptor pidfd = third.pidfd();
    third = std::move(second);
    EXPECT_EQ(third.pid(), pid);
    pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, 30'000), 1) << "the child that was here before has ended";
    const Builder fourth(third.release(), pid);
    EXPECT_EQ(third.descriptor(), -1);
    EXPECT_EQ(exit_code(fourth.start("true")), 0);
}

TEST_F(BuilderTest, ChildIsKilled) {
    const Builder builder;
    const FileDescriptor pidfd = builder.pidfd();
    ASSERT_EQ(::kill(builder.pid(), SIGKILL), 0);
    EXPECT_TRUE(has_ended(builder.descriptor()));
    EXPECT_EQ(error_of([&] { static_cast<void>(builder.pidfd()); }),
              (Failed{ESRCH, Step::builder}));
    EXPECT_EQ(error_of([&] { static_cast<void>(builder.start("true")); }),
              (Failed{ESRCH, Step::builder}));
}

TEST_F(BuilderTest, SeveralThreadsUseIt) {
    const Builder builder;
    {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&builder, i] {
                for (int round = 0; round < 25; ++round)
                    builder.dup2(0, 40 + i).close(40 + i);
            });
    }
    EXPECT_EQ(exit_code(builder.start("true")), 0);
}

TEST(BuilderThroughLibc, IsNotThere) {
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    EXPECT_EQ(error_of([] { const Builder none; }), (Failed{ENOSYS, Step::builder}));
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_AUTO), 0);
}

} // namespace
