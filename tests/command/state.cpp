// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits, ids and the rest of the state that a Command gives its program.
#include <kspawn/backend.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "kit.hpp"

namespace {

using kspawn::Command;

class State : public kit::Tidy {
protected:
    void SetUp() override {
        Tidy::SetUp();
        if (kspawn_effective_backend() == KSPAWN_BACKEND_LIBC)
            GTEST_SKIP() << "through libc: no libc has this";
    }
    // The output of a script.
    static std::string says(const Command& command, const char* script) {
        return Command(command).args({"-c", script}).output().out;
    }
};

TEST_F(State, Numbers) {
    const auto shell = Command("sh")
                           .umask(0027)
                           .limit(RLIMIT_CORE, 0, 0)
                           .nice(5)
                           .oom_score(77)
                           .no_new_privileges();
    EXPECT_EQ(says(shell, "umask; ulimit -H -c; nice; cat /proc/self/oom_score_adj"),
              "0027\n0\n5\n77\n");
    EXPECT_EQ(says(shell, "grep NoNewPrivs /proc/self/status"), "NoNewPrivs:\t1\n");
}

TEST_F(State, InTheOrderInWhichItIsSaid) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    EXPECT_EQ(says(Command("sh").groups({7, 8}).group(12).user(34), "id -u; id -g; id -G"),
              "34\n12\n12 7 8\n");
    std::error_code error;
    (void)Command("true").user(34).group(12).spawn(error);
    EXPECT_EQ(error, std::errc::operation_not_permitted);
}

TEST_F(State, Failures) {
    std::error_code error;
    (void)Command("true").oom_score(5000).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    (void)Command("true").root("/no/such/directory").spawn(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    (void)Command("true").root(std::string("/\0x", 3)).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument);
}

TEST_F(State, RootComesBeforeTheDirectory) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    EXPECT_EQ(Command("pwd").arg("-P").root("/").current_dir("/usr").output().out, "/usr\n");
    std::error_code error;
    (void)Command("true").root("/usr").current_dir("/usr/bin").spawn(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST_F(State, Stopped) {
    auto child = Command("true").stopped().spawn();
    int status = 0;
    ASSERT_EQ(::waitpid(child.pid(), &status, WUNTRACED), child.pid());
    EXPECT_TRUE(WIFSTOPPED(status));
    ASSERT_EQ(::kill(child.pid(), SIGCONT), 0);
    EXPECT_TRUE(child.wait().success());
}

TEST_F(State, ParentDeathSignal) {
    // A process in between, which ends and leaves its child to this one.
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    const pid_t between = ::fork();
    if (between == 0) {
        auto child = Command("sleep").arg("1000").parent_death_signal(SIGKILL).spawn();
        ::_exit(::kill(child.pid(), 0) == 0 ? 3 : 4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(between, &status, 0), between);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    ASSERT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

TEST_F(State, NewNamespaces) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const auto here = Command("readlink").arg("/proc/self/ns/uts").output().out;
    const auto there =
        Command("readlink").arg("/proc/self/ns/uts").new_namespaces(CLONE_NEWUTS).output().out;
    EXPECT_NE(here, there);
}

} // namespace
