// SPDX-License-Identifier: LGPL-2.1-or-later
// Starting programs: what the child gets, and what the caller is left with.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>
#include <vector>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class Spawn : public Spawner {};

TEST_F(Spawn, ProgramSeesArgumentsEnvironmentAndDirectory) {
    ASSERT_EQ(start(helper("child"), {"a name", "report", scratch.file("report"), "", "two words"}),
              0);
    EXPECT_EQ(exit_code_of(pid), 0);
    const auto report = read_report(scratch.read("report"));
    EXPECT_EQ(report["argv"],
              Json::array({"a name", "report", scratch.file("report"), "", "two words"}));
    EXPECT_EQ(report["env"], Json::array({"PATH=/usr/bin:/bin", "KSPAWN_TEST=yes"}));
    EXPECT_EQ(report["cwd"], std::filesystem::current_path().string());
    EXPECT_EQ(report["exe"], helper("child"));
    EXPECT_EQ(report["status"]["Name"], "child");
}

TEST_F(Spawn, ProgramIsOurChild) {
    const auto report = this->report();
    EXPECT_EQ(report["pid"], pid);
    EXPECT_EQ(report["ppid"], ::getpid());
    EXPECT_EQ(report["pgid"], ::getpgrp());
    EXPECT_EQ(report["sid"], ::getsid(0));
    EXPECT_EQ(report["status"]["Threads"], "1");
}

TEST_F(Spawn, ProgramInheritsWhatForkWouldGive) {
    const mode_t mask = ::umask(027);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGALRM, [](int) {});
    const auto report = this->report();
    ::signal(SIGUSR1, SIG_DFL);
    ::signal(SIGALRM, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::umask(mask);
    EXPECT_EQ(report["umask"], 027);
    EXPECT_NE(signal_bits(report, "SigBlk") & bit(SIGUSR2), 0U);
    EXPECT_NE(signal_bits(report, "SigIgn") & bit(SIGUSR1), 0U);
    EXPECT_EQ(signal_bits(report, "SigIgn") & bit(SIGALRM), 0U);
    EXPECT_EQ(signal_bits(report, "SigCgt"), 0U) << "handlers are reset";
}

TEST_F(Spawn, ExitCodesAndSignalsComeBack) {
    ASSERT_EQ(start_child({"exit", "42"}), 0);
    EXPECT_EQ(exit_code_of(pid), 42);
    ASSERT_EQ(start_child({"kill", std::to_string(SIGTERM)}), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid) << "a plain wait finds it";
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST_F(Spawn, EverythingOptionalMayBeNull) {
    const Strings argv{"child", "exit", "7"};
    // Without a pid: whoever waits for any child finds it.
    ASSERT_EQ(kspawn_spawn(nullptr, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
              0);
    int status = 0;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(Spawn, NoEnvironmentIsAnEmptyOne) {
    const Strings argv{"child", "report", scratch.file("report")};
    ASSERT_EQ(kspawn_spawn(&pid, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
              0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(read_report(scratch.read("report"))["env"], Json::array());
}

TEST_F(Spawn, NoArgumentsAreOneEmptyString) {
    char* none[] = {nullptr};
    kspawn_spawn_file_actions_addopen(actions.get(), 1, scratch.file("report").c_str(),
                                      O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (char** const list : {static_cast<char**>(nullptr), none}) {
        ASSERT_EQ(kspawn_spawn(&pid, helper("child").c_str(), actions.get(), nullptr, list, list),
                  0);
        EXPECT_EQ(exit_code_of(pid), 0);
        EXPECT_EQ(read_report(scratch.read("report"))["argv"], Json::array({""}));
    }
}

TEST_F(Spawn, ObjectsMayBeUsedAgain) {
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/"), 0);
    for (int round = 0; round < 3; ++round)
        EXPECT_EQ(report()["cwd"], "/");
}

TEST_F(Spawn, EmptyObjectsAreNothing) {
    EXPECT_EQ(report()["cwd"], std::filesystem::current_path().string());
}

TEST_F(Spawn, ScriptsAreRun) {
    const auto script = scratch.write("script", "#!/bin/sh\nexit 33\n", 0755);
    ASSERT_EQ(start(script), 0);
    EXPECT_EQ(exit_code_of(pid), 33);
}

TEST_F(Spawn, CloseOnExecDescriptorsStayHere) {
    const Descriptor kept{::open("/dev/null", O_RDONLY)};
    const Descriptor closed{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto descriptors = report()["descriptors"];
    EXPECT_TRUE(descriptors.contains(std::to_string(kept.get())));
    EXPECT_FALSE(descriptors.contains(std::to_string(closed.get())));
    for (const auto& [number, descriptor] : descriptors.items())
        EXPECT_NE(descriptor["target"], "/dev/kspawn") << "ours must not be inherited";
}

TEST_F(Spawn, DescriptorsAreSharedNotReopened) {
    const auto file = scratch.write("file", "0123456789");
    const Descriptor descriptor{::open(file.c_str(), O_RDONLY)};
    ASSERT_EQ(::lseek(descriptor.get(), 4, SEEK_SET), 4);
    const auto seen = report()["descriptors"][std::to_string(descriptor.get())];
    EXPECT_EQ(seen["target"], file);
    EXPECT_EQ(seen["offset"], 4);
}

// Each way to fail, and nothing is left of it.
struct Failing {
    const char* description;
    int error;
    std::string path;
};

class SpawnFailure : public Spawner {
protected:
    std::vector<Failing> all() {
        scratch.write("not-executable", "#!/bin/sh\n", 0644);
        scratch.write("no-format", "this is no program\n", 0755);
        scratch.write("empty", "", 0755);
        scratch.write("no-interpreter", "#!/no/such/interpreter\n", 0755);
        ::symlink("loop", scratch.file("loop").c_str());
        return {
            {"absent", ENOENT, scratch.file("absent")},
            {"empty name", ENOENT, ""},
            {"in an absent directory", ENOENT, scratch.file("absent/program")},
            {"below a file", ENOTDIR, scratch.file("empty/program")},
            {"directory", EACCES, scratch.path().string()},
            {"not executable", EACCES, scratch.file("not-executable")},
            {"no known format", ENOEXEC, scratch.file("no-format")},
            {"empty file", ENOEXEC, scratch.file("empty")},
            {"absent interpreter", ENOENT, scratch.file("no-interpreter")},
            {"symbolic link to itself", ELOOP, scratch.file("loop")},
            {"name too long", ENAMETOOLONG, "/" + std::string(300, 'x')},
            {"path too long", ENAMETOOLONG, "/" + std::string(5000, 'x')},
        };
    }
};

volatile sig_atomic_t sigchld_count = 0;

TEST_F(SpawnFailure, ErrorsAreThoseOfExecve) {
    for (const auto& failing : all()) {
        EXPECT_EQ(start(failing.path), failing.error) << failing.description;
        // One that is no path at all the module refuses before it is looked for.
        const bool refused = failing.path.size() >= PATH_MAX && !through_libc();
        EXPECT_EQ(last_failure().step, refused ? KSPAWN_STEP_COPY : KSPAWN_STEP_EXEC)
            << failing.description;
    }
}

TEST_F(SpawnFailure, LeavesNothing) {
    // With and without an action: without one, some are found out early.
    for (const bool with_action : {false, true}) {
        if (with_action) {
            ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "."), 0);
        }
        const auto descriptors = open_descriptors();
        sigchld_count = 0;
        ::signal(SIGCHLD, [](int) { sigchld_count = sigchld_count + 1; });
        for (const auto& failing : all()) {
            pid = 4711;
            int pidfd = 4712;
            errno = 4713;
            EXPECT_EQ(start(failing.path), failing.error) << failing.description;
            const Strings argv{"x"};
            EXPECT_EQ(kspawn_pidfd_spawn(&pidfd, failing.path.c_str(), actions.get(), nullptr,
                                         argv.get(), nullptr),
                      failing.error)
                << failing.description;
            EXPECT_EQ(pid, 4711);
            EXPECT_EQ(pidfd, 4712);
            EXPECT_EQ(errno, 4713);
            EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1) << failing.description;
            EXPECT_EQ(errno, ECHILD);
        }
        ::signal(SIGCHLD, SIG_DFL);
        // failure-without-sigchld of kspawn-differences(7)
        if (!through_libc()) {
            EXPECT_EQ(sigchld_count, 0);
        }
        EXPECT_EQ(open_descriptors(), descriptors);
    }
}

TEST_F(SpawnFailure, BusyProgram) {
    const auto program = scratch.file("program");
    std::filesystem::copy_file(helper("child"), program);
    const Descriptor writer{::open(program.c_str(), O_WRONLY)};
    EXPECT_EQ(start(program), ETXTBSY);
}

TEST_F(SpawnFailure, ArgumentsAreLimitedAsByExecve) {
    // A quarter of the stack's limit for all, 128 KiB for one.
    const std::string longest(131'071, 'x');
    EXPECT_EQ(start(helper("child"), {"child", "exit", "0", longest}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(start(helper("child"), {"child", "exit", "0", longest + "x"}), E2BIG);
    EXPECT_EQ(last_failure().words, (through_libc() ? "exec " + helper("child") : "arguments") +
                                        ": Argument list too long");

    rlimit limit{};
    ::getrlimit(RLIMIT_STACK, &limit);
    if (limit.rlim_cur != 8UL << 20U)
        GTEST_SKIP() << "RLIMIT_STACK is not 8 MiB";
    std::vector<std::string> arguments{"child", "exit", "0"};
    arguments.resize(18, std::string(100'000, 'x'));
    EXPECT_EQ(start(helper("child"), arguments), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    arguments.resize(24, std::string(100'000, 'x'));
    EXPECT_EQ(start(helper("child"), arguments), E2BIG);
}

TEST_F(SpawnFailure, PointersAreChecked) {
    const Strings argv{"x"};
    auto* const bad = reinterpret_cast<char*>(1);
    char* bad_list[] = {bad, nullptr};
    const auto path = helper("child");
    EXPECT_EQ(kspawn_spawn(&pid, nullptr, nullptr, nullptr, argv.get(), nullptr), EFAULT);
    EXPECT_EQ(last_failure(),
              (Failure{EFAULT, KSPAWN_STEP_COPY, KSPAWN_ARG_PATH, "path: Bad address"}));
    EXPECT_EQ(kspawn_spawn(&pid, path.c_str(), nullptr, nullptr, bad_list, nullptr), EFAULT);
    const Failure of_exec{EFAULT, KSPAWN_STEP_EXEC, 0, "exec " + path + ": Bad address"};
    EXPECT_EQ(last_failure(), through_libc() ? of_exec
                                             : (Failure{EFAULT, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGV,
                                                        "arguments: Bad address"}));
    EXPECT_EQ(kspawn_spawn(&pid, path.c_str(), nullptr, nullptr, argv.get(), bad_list), EFAULT);
    EXPECT_EQ(last_failure(), through_libc() ? of_exec
                                             : (Failure{EFAULT, KSPAWN_STEP_COPY, KSPAWN_ARG_ENVP,
                                                        "environment: Bad address"}));
}

TEST_F(SpawnFailure, UnusableObjectsAreRefused) {
    const Strings argv{"child", "exit", "0"};
    const auto path = helper("child");
    kspawn_spawn_file_actions_t no_actions{};
    EXPECT_EQ(kspawn_spawn(&pid, path.c_str(), &no_actions, nullptr, argv.get(), nullptr), EINVAL);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS,
                                       "file actions: Invalid argument"}));
    kspawn_spawnattr_t no_attributes{};
    EXPECT_EQ(kspawn_spawn(&pid, path.c_str(), nullptr, &no_attributes, argv.get(), nullptr),
              EINVAL);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES,
                                       "attributes object: Invalid argument"}));
}

TEST_F(SpawnFailure, TooManyProcesses) {
    KSPAWN_NEED_ROOT();
    const auto wrong = in_a_fork([this]() -> std::string {
        // A user that nothing else runs as.
        const rlimit limit{1, 1};
        if (::setrlimit(RLIMIT_NPROC, &limit) != 0 || ::setresuid(54321, 54321, 54321) != 0)
            return "cannot become another user";
        if (start_child({"exit", "0"}) != EAGAIN)
            return "no EAGAIN";
        return last_failure().words;
    });
    EXPECT_EQ(
        wrong,
        (Failure{EAGAIN, KSPAWN_STEP_CLONE, 0,
                 "clone: Resource temporarily unavailable (RLIMIT_NPROC or pids.max reached?)"})
            .words);
}

TEST_F(Spawn, SuccessKeepsErrnoAndDescriptors) {
    const auto descriptors = open_descriptors();
    errno = 4711;
    ASSERT_EQ(start_child({"exit", "0"}), 0);
    EXPECT_EQ(errno, 4711);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_F(Spawn, SigchldComesOnceTheChildEnds) {
    sigchld_count = 0;
    ::signal(SIGCHLD, [](int) { sigchld_count = sigchld_count + 1; });
    ASSERT_EQ(start_child({"exit", "0"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(sigchld_count, 1);
}

} // namespace

} // namespace kspawn::test
