// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits, ids and the rest of the state that a Command gives its program.
#include <fcntl.h>
#include <kspawn/backend.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "kit.hpp"

namespace {

using kspawn::Command;
using kspawn::FileDescriptor;
using kspawn::Stdio;

class State : public kit::Tidy {
protected:
    void SetUp() override {
        Tidy::SetUp();
        if (kspawn_effective_backend() == KSPAWN_BACKEND_LIBC)
            GTEST_SKIP() << "through libc: no libc has this";
    }
    // As readlink(1) prints it.
    static std::string name_of_uts(pid_t process) {
        const auto file = "/proc/" + std::to_string(process) + "/ns/uts";
        return std::filesystem::read_symlink(file).string() + "\n";
    }
    // The output of a script.
    static std::string says(const Command& command, const std::string& script) {
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

TEST_F(State, NamespacesOfAnother) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const FileDescriptor ours(::open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
    const auto name = Command("readlink").arg("/proc/self/ns/uts");
    auto other = Command("sleep").arg("1000").new_namespaces(CLONE_NEWUTS).spawn();
    const auto theirs = name_of_uts(other.pid());
    EXPECT_EQ(Command(name).enter_namespace(other.pidfd(), CLONE_NEWUTS).output().out, theirs);
    // In the order in which it is said; and a number that something else is put on.
    EXPECT_EQ(Command(name)
                  .enter_namespace(other.pidfd(), CLONE_NEWUTS)
                  .enter_namespace(ours.get())
                  .descriptor(ours.get(), Stdio::null())
                  .output()
                  .out,
              name.output().out);
    std::error_code error;
    (void)Command("true").enter_namespace(other.pidfd()).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument) << "of a process, but not which";
    ASSERT_EQ(::kill(other.pid(), SIGKILL), 0);
    (void)other.wait();
}

TEST_F(State, RootByDescriptor) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const FileDescriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(Command("pwd")
                  .arg("-P")
                  .root(root.get())
                  .descriptor(root.get(), Stdio::null())
                  .current_dir("/usr")
                  .output()
                  .out,
              "/usr\n");
    const FileDescriptor usr(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::error_code error;
    (void)Command("true").root(usr.get()).current_dir("/usr/bin").spawn(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST_F(State, Priorities) {
    const auto shell = Command("sh")
                           .affinity({0})
                           .io_priority(3)
                           .memory_policy(MPOL_BIND, {0})
                           .personality(ADDR_NO_RANDOMIZE)
                           .timer_slack(54321)
                           .child_subreaper();
    EXPECT_EQ(says(shell, "grep Cpus_allowed_list /proc/self/status; cat /proc/$$/personality; "
                          "ionice"),
              "Cpus_allowed_list:\t0\n00040000\nidle\n");
    EXPECT_EQ(says(shell, "grep -c bind /proc/self/numa_maps | sed 's/[1-9][0-9]*/some/'"),
              "some\n");
    EXPECT_EQ(says(shell, "cat /proc/self/timerslack_ns"), "54321\n");
}

TEST_F(State, SubreaperGetsOrphans) {
    EXPECT_EQ(says(Command("sh").child_subreaper(),
                   "orphan=$(sh -c 'sleep 5 >/dev/null & echo $!'); "
                   "test $(cut -d ' ' -f 4 /proc/$orphan/stat) = $$ && echo ours; kill $orphan"),
              "ours\n");
}

TEST_F(State, SchedulingWithDeadlines) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    kspawn::SchedulingAttributes attributes;
    attributes.policy = 6; // SCHED_DEADLINE
    attributes.flags = 1;  // SCHED_FLAG_RESET_ON_FORK
    attributes.runtime = 1'000'000;
    attributes.deadline = 50'000'000;
    EXPECT_EQ(says(Command("sh").scheduler(attributes), "cut -d ' ' -f 41 /proc/$$/stat"), "6\n");
    attributes = {};
    attributes.policy = SCHED_BATCH;
    attributes.nice = 7;
    EXPECT_EQ(says(Command("sh").scheduler(attributes), "nice; cut -d ' ' -f 41 /proc/$$/stat"),
              "7\n3\n");
}

TEST_F(State, Capabilities) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    constexpr std::uint64_t kill_and_setpcap =
        1U << CAP_KILL | 1U << CAP_SETPCAP | 1U << CAP_SETUID;
    const auto shell = Command("sh")
                           .drop_bounding_capability(CAP_CHOWN)
                           .capabilities({kill_and_setpcap, kill_and_setpcap, 1U << CAP_KILL})
                           .keep_capabilities()
                           .user(2001)
                           .clear_ambient_capabilities()
                           .ambient_capability(CAP_KILL);
    EXPECT_EQ(says(shell, "grep -E 'Cap(Inh|Eff|Amb)' /proc/self/status"),
              "CapInh:\t0000000000000020\nCapEff:\t0000000000000020\nCapAmb:\t"
              "0000000000000020\n");
    EXPECT_EQ(says(shell, "grep -c 'CapBnd.*e$' /proc/self/status"), "1\n");
    EXPECT_EQ(
        says(Command(shell).ambient_capability(CAP_KILL, false), "grep CapAmb /proc/self/status"),
        "CapAmb:\t0000000000000000\n");
    EXPECT_EQ(says(Command("sh").secure_bits(1), "grep CapEff /proc/self/status"),
              "CapEff:\t0000000000000000\n");
}

TEST_F(State, ControllingTerminal) {
    const FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(master);
    ASSERT_EQ(::unlockpt(master.get()), 0);
    const FileDescriptor terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal);
    // By a descriptor that the program does not have.
    const auto shell = Command("sh").new_session().controlling_terminal(terminal.get());
    EXPECT_EQ(says(shell, "test -e /proc/self/fd/" + std::to_string(terminal.get()) +
                              " || { exec 9</dev/tty; tty <&9; }"),
              "/dev/tty\n");
    std::error_code error;
    (void)Command("true").controlling_terminal(terminal.get()).spawn(error);
    EXPECT_EQ(error, std::errc::operation_not_permitted) << "it leads no session";
    (void)Command("true").new_session().controlling_terminal(-1).spawn(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

TEST_F(State, ClosesButForSome) {
    const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const auto shell = Command("sh")
                           .descriptor(7, Stdio::descriptor(null.get()))
                           .descriptor(8, Stdio::descriptor(null.get()))
                           .descriptor(9, Stdio::descriptor(null.get()))
                           .close_from_except(3, {9, 7});
    EXPECT_EQ(says(shell, "for n in 7 8 9; do test -e /proc/$$/fd/$n && echo $n; done"), "7\n9\n");
    std::error_code error;
    (void)Command("true").close_from_except(3, {-1}).spawn(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

TEST_F(State, WhatCannotBe) {
    const std::pair<Command, std::string> wrong[] = {
        {Command("true").affinity({}), "affinity"},
        {Command("true").affinity({32768}), "affinity"},
        {Command("true").affinity({~0U}), "affinity"},
        {Command("true").memory_policy(MPOL_BIND, {32768}), "memory policy"},
        {Command("true").io_priority(8), "priority of input and output"},
        {Command("true").io_priority(1, 1 << 13), "priority of input and output"},
        {Command("true").root(-1), "root directory, negative or above the limit (RLIMIT_NOFILE)"},
        {Command("true").enter_namespace(-1),
         "namespace, negative or above the limit (RLIMIT_NOFILE)"},
    };
    for (const auto& [command, words] : wrong) {
        try {
            (void)command.spawn();
            ADD_FAILURE() << words;
        } catch (const kspawn::SpawnError& error) {
            EXPECT_EQ(error.step(), kspawn::Step::prepare) << words;
            EXPECT_EQ(std::string(error.what()).substr(0, words.size()), words);
        }
    }
}

class StateThroughLibc : public kit::Tidy {};

TEST_F(StateThroughLibc, IsNotSupported) {
    const int before = kspawn_get_backend();
    ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const std::pair<Command, std::string> all[] = {
        {Command("true").affinity({0}), "affinity"},
        {Command("true").enter_namespace(null.get()), "setns " + std::to_string(null.get())},
        {Command("true").root(null.get()), "chroot . in descriptor " + std::to_string(null.get())},
        {Command("true").scheduler(kspawn::SchedulingAttributes{}), "sched"},
        {Command("true").io_priority(2), "ioprio"},
        {Command("true").memory_policy(MPOL_DEFAULT), "mempolicy"},
        {Command("true").personality(0), "personality"},
        {Command("true").capabilities({}), "capabilities"},
        {Command("true").keep_capabilities(), "prctl"},
        {Command("true").controlling_terminal(0), "ctty 0"},
        {Command("true").close_from_except(3, {5}), "close_except 3 to 2147483647"},
    };
    for (const auto& [command, words] : all) {
        try {
            (void)command.spawn();
            ADD_FAILURE() << words;
        } catch (const kspawn::SpawnError& error) {
            EXPECT_EQ(error.code(), std::errc::not_supported) << words;
            EXPECT_EQ(std::string(error.what()).substr(0, 15 + words.size()),
                      "file action 0: " + words);
            EXPECT_NE(std::string(error.what()).find("(libc cannot do this"), std::string::npos);
        }
    }
    ASSERT_EQ(kspawn_set_backend(before), 0);
}

} // namespace
