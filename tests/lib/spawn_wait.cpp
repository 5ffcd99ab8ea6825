// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and wait in one call.
#include <kspawn/spawn_wait.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

// Set for the handlers below, or by them.
volatile sig_atomic_t seen_pid = 0;
volatile sig_atomic_t seen_pidfd = -1;
pid_t stored_pid = 0;
int stored_pidfd = -1;

extern "C" void note_alarm(int) {
    seen_pid = stored_pid;
    seen_pidfd = stored_pidfd;
}

extern "C" void pass_on(int signal) {
    ::syscall(SYS_pidfd_send_signal, stored_pidfd, signal, nullptr, 0);
}

extern "C" void let_go_of_the_child(int) {
    seen_pid = stored_pid;
    seen_pidfd = stored_pidfd;
    stored_pid = 0;
    stored_pidfd = -1;
}

void handle(int signal, void (*handler)(int), int flags = 0) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ASSERT_EQ(::sigaction(signal, &action, nullptr), 0);
}

void alarm_in_ms(int milliseconds) {
    const itimerval timer{.it_interval = {},
                          .it_value = {.tv_sec = 0, .tv_usec = suseconds_t{milliseconds} * 1000}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &timer, nullptr), 0);
}

class SpawnWait : public Spawner {
protected:
    void SetUp() override {
        Spawner::SetUp();
        stored_pid = 0;
        stored_pidfd = -1;
        seen_pid = 0;
        seen_pidfd = -1;
    }
    void TearDown() override {
        ::signal(SIGALRM, SIG_DFL);
        ::signal(SIGCHLD, SIG_DFL);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    }

    int start_and_wait(const std::vector<std::string>& arguments, bool with_pidfd = false) {
        std::vector<std::string> all{"child"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Strings argv{all};
        const int error =
            kspawn_spawn_wait_np(&stored_pid, with_pidfd ? &stored_pidfd : nullptr, &status, &usage,
                                 helper("child").c_str(), nullptr, actions.get(), attributes.get(),
                                 argv.get(), environment.get());
        pidfd = Descriptor{stored_pidfd};
        return error;
    }

    int status = -1;
    struct rusage usage {};
    Descriptor pidfd;
};

TEST_F(SpawnWait, TellsHowTheChildEnded) {
    ASSERT_EQ(start_and_wait({"exit", "42"}), 0);
    EXPECT_EQ(status, 42 << 8);
    EXPECT_GT(stored_pid, 0);
    EXPECT_GT(usage.ru_maxrss, 0);
    ASSERT_EQ(start_and_wait({"kill", std::to_string(SIGTERM)}), 0);
    EXPECT_EQ(status, SIGTERM);
}

TEST_F(SpawnWait, NothingNeedBeWanted) {
    const Strings argv{"child", "exit", "3"};
    EXPECT_EQ(kspawn_spawn_wait_np(nullptr, nullptr, nullptr, nullptr, helper("child").c_str(),
                                   nullptr, nullptr, nullptr, argv.get(), environment.get()),
              0);
}

TEST_F(SpawnWait, ProgramIsSearchedFor) {
    const auto directory = helper("child").substr(0, helper("child").rfind('/'));
    const Strings argv{"child", "exit", "7"};
    // A list that is not PATH, without a file action: libc's search can do it, too.
    ASSERT_EQ(kspawn_spawn_wait_np(nullptr, nullptr, &status, nullptr, "child", directory.c_str(),
                                   nullptr, nullptr, argv.get(), environment.get()),
              0);
    EXPECT_EQ(status, 7 << 8);
}

TEST_F(SpawnWait, PidfdIsThatOfTheEndedChild) {
    ASSERT_EQ(start_and_wait({"exit", "0"}, true), 0);
    ASSERT_TRUE(pidfd);
    EXPECT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

TEST_F(SpawnWait, FailuresAreThoseOfAnyStart) {
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such/directory"), 0);
    EXPECT_EQ(start_and_wait({"exit", "0"}, true), ENOENT);
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_ACTION, 0,
                       "file action 0: chdir /no/such/directory: No such file or directory"}));
    EXPECT_EQ(stored_pid, 0);
    EXPECT_EQ(stored_pidfd, -1);
    EXPECT_EQ(status, -1);
}

TEST_F(SpawnWait, SignalEndsTheWaitAndNotTheChild) {
    handle(SIGALRM, note_alarm);
    alarm_in_ms(300);
    ASSERT_EQ(start_and_wait({"pause"}, true), EINTR);
    EXPECT_EQ(last_failure(),
              (Failure{EINTR, KSPAWN_STEP_WAIT, 0, "wait for the child: Interrupted system call"}));
    EXPECT_EQ(status, -1);
    // The handler could see both.
    EXPECT_EQ(seen_pid, stored_pid);
    EXPECT_EQ(seen_pidfd, pidfd.get());
    EXPECT_EQ(::waitpid(stored_pid, nullptr, WNOHANG), 0);
    EXPECT_EQ(::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0), 0);
    int wait_status = 0;
    EXPECT_EQ(::waitpid(stored_pid, &wait_status, 0), stored_pid);
    EXPECT_EQ(wait_status, SIGTERM);
}

// Once the library has stored the child in the caller's variables, it does not store again.
TEST_F(SpawnWait, WhatAHandlerClearsStaysCleared) {
    handle(SIGCHLD, let_go_of_the_child, SA_RESTART);
    const int error = start_and_wait({"exit", "7"}, true);
    const Descriptor seen{seen_pidfd};
    EXPECT_EQ(error, 0);
    EXPECT_EQ(status, 7 << 8);
    EXPECT_GT(seen_pid, 0);
    EXPECT_GE(seen_pidfd, 0);
    EXPECT_EQ(stored_pid, 0);
    EXPECT_EQ(stored_pidfd, -1);
    EXPECT_FALSE(pidfd);
}

TEST_F(SpawnWait, HandlerCanPassTheSignalOn) {
    handle(SIGALRM, pass_on, SA_RESTART);
    alarm_in_ms(300);
    int error = start_and_wait({"signal", std::to_string(SIGALRM), "17"}, true);
    // The handler has restarted the rest of libc's wait.
    if (error == EINTR) {
        while (::waitpid(stored_pid, &status, 0) < 0 && errno == EINTR) {
        }
        error = 0;
    }
    EXPECT_EQ(error, 0);
    EXPECT_EQ(status, 17 << 8);
}

TEST_F(SpawnWait, CallerThatIgnoresSigchldIsToldOfTheEndOnly) {
    ::signal(SIGCHLD, SIG_IGN);
    EXPECT_EQ(start_and_wait({"exit", "3"}), ECHILD);
    EXPECT_EQ(last_failure().step, KSPAWN_STEP_WAIT);
    EXPECT_EQ(status, -1);
}

TEST_F(SpawnWait, MaskOfTheProgramIsTheCallers) {
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    ASSERT_EQ(start_and_wait({"report", scratch.file("report")}), 0);
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, &before, &after);
    EXPECT_EQ(sigismember(&after, SIGUSR2), 1);
    EXPECT_EQ(sigismember(&after, SIGUSR1), 0);
    EXPECT_EQ(signal_bits(read_report(scratch.read("report")), "SigBlk"), bit(SIGUSR2));
}

TEST_F(SpawnWait, AnotherMaskCanBeAskedFor) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGHUP);
    ASSERT_EQ(kspawn_spawnattr_setsigmask(attributes.get(), &wanted), 0);
    flags(KSPAWN_SPAWN_SETSIGMASK);
    ASSERT_EQ(start_and_wait({"report", scratch.file("report")}), 0);
    EXPECT_EQ(signal_bits(read_report(scratch.read("report")), "SigBlk"), bit(SIGHUP));
}

TEST_F(SpawnWait, ThreadsWaitForTheirOwnChildren) {
    constexpr int count = 6;
    std::array<int, count> statuses{};
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            const Strings argv{"child", "exit", std::to_string(i)};
            for (int round = 0; round < 5; ++round) {
                const int error =
                    kspawn_spawn_wait_np(nullptr, nullptr, &statuses[static_cast<std::size_t>(i)],
                                         nullptr, helper("child").c_str(), nullptr, nullptr,
                                         nullptr, argv.get(), environment.get());
                EXPECT_EQ(error, 0);
                EXPECT_EQ(statuses[static_cast<std::size_t>(i)], i << 8);
            }
        });
}

} // namespace

} // namespace kspawn::test
