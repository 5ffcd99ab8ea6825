// SPDX-License-Identifier: LGPL-2.1-or-later
// Process group, session, signals, scheduling, credentials, cgroup, terminal.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

#include "kit.hpp"

namespace {

using kspawn::Command;
using kspawn::SignalSet;
using kspawn::Stdio;

class Attributes : public kit::Tidy {
protected:
    // A line of the child's /proc/self/status.
    static unsigned long long mask_of(const Command& command, const std::string& name) {
        std::istringstream lines(command.output().out);
        for (std::string word; lines >> word;)
            if (word == name + ":") {
                lines >> word;
                return std::stoull(word, nullptr, 16);
            }
        ADD_FAILURE() << "no " << name;
        return 0;
    }
    static unsigned long long bit(int signal) { return 1ULL << (signal - 1); }
    // Without a shell, which would set signals itself.
    static Command status() { return Command("cat").arg("/proc/self/status"); }

    // The process group and session of the child.
    static std::pair<pid_t, pid_t> group_and_session(kspawn::Child& child) {
        return {::getpgid(child.pid()), ::getsid(child.pid())};
    }
};

TEST_F(Attributes, ProcessGroup) {
    auto plain = Command("cat").stdin_from(Stdio::pipe()).spawn();
    EXPECT_EQ(group_and_session(plain).first, ::getpgrp());
    auto leader = Command("cat").stdin_from(Stdio::pipe()).process_group().spawn();
    EXPECT_EQ(group_and_session(leader).first, leader.pid());
    auto member = Command("cat").stdin_from(Stdio::pipe()).process_group(leader.pid()).spawn();
    EXPECT_EQ(group_and_session(member).first, leader.pid());
    for (auto* child : {&plain, &member, &leader})
        EXPECT_TRUE(child->wait().success());
}

TEST_F(Attributes, Session) {
    auto child = Command("cat").stdin_from(Stdio::pipe()).new_session().spawn();
    EXPECT_EQ(group_and_session(child), std::make_pair(child.pid(), child.pid()));
    EXPECT_TRUE(child.wait().success());
    auto other = Command("cat").stdin_from(Stdio::pipe()).new_session().new_session(false).spawn();
    EXPECT_EQ(group_and_session(other).second, ::getsid(0));
    EXPECT_TRUE(other.wait().success());
}

TEST_F(Attributes, SignalMask) {
    EXPECT_EQ(mask_of(status().signal_mask({SIGUSR1, SIGTERM}), "SigBlk"),
              bit(SIGUSR1) | bit(SIGTERM));
    const SignalSet ours{SIGUSR2};
    ::pthread_sigmask(SIG_BLOCK, &ours.get(), nullptr);
    EXPECT_EQ(mask_of(status(), "SigBlk"), bit(SIGUSR2)) << "inherited";
    EXPECT_EQ(mask_of(status().signal_mask({}), "SigBlk"), 0U);
    EXPECT_EQ(mask_of(status().reset_signals(), "SigBlk"), 0U);
    ::pthread_sigmask(SIG_UNBLOCK, &ours.get(), nullptr);
}

TEST_F(Attributes, Dispositions) {
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    ASSERT_EQ(::sigaction(SIGUSR1, &ignore, &before), 0);
    EXPECT_NE(mask_of(status(), "SigIgn") & bit(SIGUSR1), 0U) << "inherited";
    EXPECT_EQ(mask_of(status().default_signals({SIGUSR1}), "SigIgn") & bit(SIGUSR1), 0U);
    EXPECT_EQ(mask_of(status().reset_signals(), "SigIgn"), 0U);
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Attributes, IgnoredSignals) {
    std::error_code error;
    const auto command = status().ignore_signals({SIGUSR2}).default_signals({SIGUSR2});
    if (!kit::by_kernel()) {
        (void)command.output({}, error);
        EXPECT_EQ(error, std::errc::not_supported);
        return;
    }
    EXPECT_NE(mask_of(command, "SigIgn") & bit(SIGUSR2), 0U);
}

TEST_F(Attributes, Scheduling) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs a privilege";
    auto child = Command("cat").stdin_from(Stdio::pipe()).scheduler(SCHED_FIFO, 3).spawn();
    EXPECT_EQ(::sched_getscheduler(child.pid()), SCHED_FIFO);
    sched_param parameters{};
    ASSERT_EQ(::sched_getparam(child.pid(), &parameters), 0);
    EXPECT_EQ(parameters.sched_priority, 3);
    EXPECT_TRUE(child.wait().success());
    std::error_code error;
    (void)Command("true").priority(3).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument) << "of SCHED_OTHER there is but one, 0";
    EXPECT_TRUE(Command("true").priority(0).status().success());
}

TEST_F(Attributes, ResetIds) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs a privilege";
    // In a process of its own, whose IDs it may change.
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::setresgid(4242, 4243, 0) != 0 || ::setresuid(4242, 4243, 0) != 0)
            ::_exit(2);
        const auto inherited = Command("id").arg("-u").output().out;
        const auto reset = Command("id").arg("-u").reset_ids().output().out;
        const auto group = Command("id").arg("-g").reset_ids().output().out;
        ::_exit(inherited == "4243\n" && reset == "4242\n" && group == "4242\n" ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

TEST_F(Attributes, Cgroup) {
    const std::filesystem::path group = "/sys/fs/cgroup/kspawn-command-test";
    std::error_code error;
    if (!kit::by_kernel() || !std::filesystem::create_directory(group, error))
        GTEST_SKIP() << "no module, or no cgroup to make one in";
    auto command = Command("cat").arg("/proc/self/cgroup");
    EXPECT_NE(Command(command).cgroup(group).output().out.find("kspawn-command-test"),
              std::string::npos);
    const kspawn::FileDescriptor open(::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_NE(Command(command).cgroup(open.get()).output().out.find("kspawn-command-test"),
              std::string::npos);
    EXPECT_EQ(command.output().out.find("kspawn-command-test"), std::string::npos);
    EXPECT_TRUE(std::filesystem::remove(group, error)) << error.message();
}

TEST_F(Attributes, ForegroundOfATerminal) {
    // In a session of its own, to which a terminal is given.
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setsid();
        const kspawn::FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
            ::_exit(2);
        const kspawn::FileDescriptor terminal(::open(::ptsname(master.get()), O_RDWR | O_CLOEXEC));
        if (::tcgetpgrp(terminal.get()) != ::getpgrp())
            ::_exit(3);
        auto child = Command("cat")
                         .stdin_from(Stdio::pipe())
                         .stdout_to(Stdio::null())
                         .process_group()
                         .foreground(terminal.get())
                         .spawn();
        const bool good = ::tcgetpgrp(terminal.get()) == child.pid();
        child.wait();
        ::_exit(good ? 0 : 4);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

} // namespace
