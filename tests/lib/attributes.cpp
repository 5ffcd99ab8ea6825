// SPDX-License-Identifier: LGPL-2.1-or-later
// Every attribute, from the child's own view.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    return set;
}

class Attributes : public Spawner {
protected:
    void expect_failure(int error, unsigned attribute, const std::string& words) {
        EXPECT_EQ(start_child({"exit", "0"}), error);
        EXPECT_EQ(last_failure(), (Failure{error, KSPAWN_STEP_ATTRIBUTE, attribute, words}));
    }
    void priority(int value) {
        sched_param parameters{};
        parameters.sched_priority = value;
        ASSERT_EQ(kspawn_spawnattr_setschedparam(attributes.get(), &parameters), 0);
    }
};

TEST_F(Attributes, ValuesWithoutFlagsMeanNothing) {
    const sigset_t all = set_of({SIGINT, SIGUSR1});
    kspawn_spawnattr_setpgroup(attributes.get(), 1);
    kspawn_spawnattr_setsigmask(attributes.get(), &all);
    kspawn_spawnattr_setsigdefault(attributes.get(), &all);
    kspawn_spawnattr_setsigignore_np(attributes.get(), &all);
    kspawn_spawnattr_setschedpolicy(attributes.get(), SCHED_FIFO);
    kspawn_spawnattr_setcgroup_np(attributes.get(), 999);
    priority(50);
    const auto report = this->report();
    EXPECT_EQ(report["pgid"], ::getpgrp());
    EXPECT_EQ(signal_bits(report, "SigBlk"), 0U);
    EXPECT_EQ(signal_bits(report, "SigIgn") & bit(SIGUSR1), 0U);
    EXPECT_EQ(report["scheduling"]["policy"], SCHED_OTHER);
}

TEST_F(Attributes, UsevforkMeansNothing) {
    flags(KSPAWN_SPAWN_USEVFORK);
    EXPECT_EQ(report()["pgid"], ::getpgrp());
}

TEST_F(Attributes, ResetidsTakesTheRealOnes) {
    KSPAWN_NEED_ROOT();
    const auto wrong = in_a_fork([this]() -> std::string {
        if (::setresgid(1001, 1002, 1002) != 0 || ::setresuid(2001, 2002, 2002) != 0)
            return "setresuid";
        const auto kept = report()["ids"];
        if (kept != Json({{"uid", {2001, 2002, 2002}}, {"gid", {1001, 1002, 1002}}}))
            return "without the flag: " + kept.dump();
        flags(KSPAWN_SPAWN_RESETIDS);
        // exec sets the saved ones to the effective ones.
        const auto reset = report()["ids"];
        return reset == Json({{"uid", {2001, 2001, 2001}}, {"gid", {1001, 1001, 1001}}})
                   ? ""
                   : "with it: " + reset.dump();
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(Attributes, SetpgroupMakesAGroup) {
    flags(KSPAWN_SPAWN_SETPGROUP);
    const auto report = this->report();
    EXPECT_EQ(report["pgid"], pid);
    EXPECT_EQ(report["sid"], ::getsid(0));
}

TEST_F(Attributes, SetpgroupJoinsAGroup) {
    flags(KSPAWN_SPAWN_SETPGROUP);
    ASSERT_EQ(start_child({"pause"}), 0);
    const pid_t leader = pid;
    ASSERT_EQ(kspawn_spawnattr_setpgroup(attributes.get(), leader), 0);
    EXPECT_EQ(report()["pgid"], leader);
    ::kill(leader, SIGKILL);
    EXPECT_EQ(exit_code_of(leader), -1);
}

TEST_F(Attributes, SetpgroupThatIsNotThere) {
    flags(KSPAWN_SPAWN_SETPGROUP);
    kspawn_spawnattr_setpgroup(attributes.get(), 4194303);
    expect_failure(EPERM, KSPAWN_SPAWN_SETPGROUP,
                   "attribute SETPGROUP (4194303): Operation not permitted");
    kspawn_spawnattr_setpgroup(attributes.get(), -1);
    expect_failure(EINVAL, KSPAWN_SPAWN_SETPGROUP, "attribute SETPGROUP (-1): Invalid argument");
}

TEST_F(Attributes, SetsidMakesASession) {
    flags(KSPAWN_SPAWN_SETSID);
    const auto report = this->report();
    EXPECT_EQ(report["sid"], pid);
    EXPECT_EQ(report["pgid"], pid);
}

TEST_F(Attributes, SetsidThenSetpgroupFails) {
    // In glibc's order: a session leader cannot change its group to another.
    flags(KSPAWN_SPAWN_SETSID | KSPAWN_SPAWN_SETPGROUP);
    kspawn_spawnattr_setpgroup(attributes.get(), ::getpgrp());
    EXPECT_EQ(start_child({"exit", "0"}), EPERM);
    EXPECT_EQ(last_failure().index, static_cast<unsigned>(KSPAWN_SPAWN_SETPGROUP));
}

TEST_F(Attributes, SetsigmaskReplacesTheMask) {
    const sigset_t ours = set_of({SIGUSR2});
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &ours, &before);
    const sigset_t theirs = set_of({SIGINT, SIGRTMIN, SIGRTMAX, SIGKILL, SIGSTOP});
    kspawn_spawnattr_setsigmask(attributes.get(), &theirs);
    flags(KSPAWN_SPAWN_SETSIGMASK);
    const auto report = this->report();
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(signal_bits(report, "SigBlk"), bit(SIGINT) | bit(SIGRTMIN) | bit(SIGRTMAX));
}

TEST_F(Attributes, SetsigdefUndoesIgnoring) {
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);
    const sigset_t set = set_of({SIGUSR1});
    kspawn_spawnattr_setsigdefault(attributes.get(), &set);
    flags(KSPAWN_SPAWN_SETSIGDEF);
    const auto ignored = signal_bits(report(), "SigIgn");
    ::signal(SIGUSR1, SIG_DFL);
    ::signal(SIGUSR2, SIG_DFL);
    EXPECT_EQ(ignored & bit(SIGUSR1), 0U);
    EXPECT_NE(ignored & bit(SIGUSR2), 0U);
}

TEST_F(Attributes, SetsigdefOfAllSignals) {
    sigset_t all;
    sigfillset(&all); // SIGKILL and SIGSTOP among them
    kspawn_spawnattr_setsigdefault(attributes.get(), &all);
    flags(KSPAWN_SPAWN_SETSIGDEF);
    ::signal(SIGUSR1, SIG_IGN);
    const auto report = this->report();
    ::signal(SIGUSR1, SIG_DFL);
    // glibc ignores the signals of its threads in every child.
    EXPECT_EQ(signal_bits(report, "SigIgn"), through_libc() ? bit(32) | bit(33) : 0U);
}

TEST_F(Attributes, SetsigignIgnores) {
    const sigset_t set = set_of({SIGUSR1, SIGRTMIN, SIGKILL, SIGSTOP});
    kspawn_spawnattr_setsigignore_np(attributes.get(), &set);
    flags(KSPAWN_SPAWN_SETSIGIGN_NP);
    if (cannot_through_libc("attribute SETSIGIGN_NP"))
        return;
    const auto report = this->report();
    EXPECT_EQ(signal_bits(report, "SigIgn"), bit(SIGUSR1) | bit(SIGRTMIN));
}

TEST_F(Attributes, SetsigignWinsOverSetsigdef) {
    const sigset_t set = set_of({SIGUSR1, SIGUSR2});
    const sigset_t one = set_of({SIGUSR1});
    kspawn_spawnattr_setsigdefault(attributes.get(), &set);
    kspawn_spawnattr_setsigignore_np(attributes.get(), &one);
    flags(KSPAWN_SPAWN_SETSIGIGN_NP | KSPAWN_SPAWN_SETSIGDEF);
    if (cannot_through_libc("attribute SETSIGIGN_NP"))
        return;
    EXPECT_EQ(signal_bits(report(), "SigIgn"), bit(SIGUSR1));
}

TEST_F(Attributes, SetschedulerSetsPolicyAndPriority) {
    KSPAWN_NEED_ROOT();
    flags(KSPAWN_SPAWN_SETSCHEDULER);
    const std::pair<int, int> wanted[] = {
        {SCHED_FIFO, 10}, {SCHED_RR, 99}, {SCHED_BATCH, 0}, {SCHED_IDLE, 0}, {SCHED_OTHER, 0}};
    // POSIX has the other three.
    const std::string batch = "attribute SETSCHEDULER (SCHED_BATCH, priority 0)";
    const std::string idle = "attribute SETSCHEDULER (SCHED_IDLE, priority 0)";
    for (const auto& [policy, value] : wanted) {
        ASSERT_EQ(kspawn_spawnattr_setschedpolicy(attributes.get(), policy), 0);
        priority(value);
        if ((policy == SCHED_BATCH && cannot_through_libc(batch)) ||
            (policy == SCHED_IDLE && cannot_through_libc(idle)))
            continue;
        const auto seen = report()["scheduling"];
        EXPECT_EQ(seen["policy"], policy);
        EXPECT_EQ(seen["priority"], value);
    }
}

TEST_F(Attributes, SetschedparamKeepsThePolicy) {
    KSPAWN_NEED_ROOT();
    const auto wrong = in_a_fork([this]() -> std::string {
        sched_param parameters{};
        parameters.sched_priority = 20;
        if (::sched_setscheduler(0, SCHED_RR, &parameters) != 0)
            return "sched_setscheduler";
        flags(KSPAWN_SPAWN_SETSCHEDPARAM);
        priority(30);
        const auto seen = report()["scheduling"];
        return seen["policy"] == SCHED_RR && seen["priority"] == 30 ? "" : seen.dump();
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(Attributes, PrioritiesThatDoNotSuit) {
    flags(KSPAWN_SPAWN_SETSCHEDULER);
    kspawn_spawnattr_setschedpolicy(attributes.get(), SCHED_FIFO);
    priority(100);
    expect_failure(EINVAL, KSPAWN_SPAWN_SETSCHEDULER,
                   "attribute SETSCHEDULER (SCHED_FIFO, priority 100): Invalid argument");
    flags(KSPAWN_SPAWN_SETSCHEDPARAM);
    priority(1);
    expect_failure(EINVAL, KSPAWN_SPAWN_SETSCHEDPARAM,
                   "attribute SETSCHEDPARAM (priority 1): Invalid argument");
}

TEST_F(Attributes, RealTimeNeedsPrivilege) {
    KSPAWN_NEED_ROOT();
    const auto wrong = in_a_fork([this]() -> std::string {
        if (::setresuid(2001, 2001, 2001) != 0)
            return "setresuid";
        flags(KSPAWN_SPAWN_SETSCHEDULER);
        kspawn_spawnattr_setschedpolicy(attributes.get(), SCHED_FIFO);
        priority(10);
        start_child({"exit", "0"});
        return last_failure().words;
    });
    EXPECT_EQ(wrong,
              (Failure{EPERM, KSPAWN_STEP_ATTRIBUTE, KSPAWN_SPAWN_SETSCHEDULER,
                       "attribute SETSCHEDULER (SCHED_FIFO, priority 10): Operation not permitted"})
                  .words);
}

// A cgroup of its own, with the file system mounted where nobody else looks.
class CgroupAttribute : public Attributes {
protected:
    void SetUp() override {
        Attributes::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        mount_ = scratch.directory("cgroup");
        if (::mount("none", mount_.c_str(), "cgroup2", 0, nullptr) != 0)
            GTEST_SKIP() << "no cgroup2: " << std::strerror(errno);
        group_ = mount_ + "/kspawn-test";
        ASSERT_EQ(::mkdir(group_.c_str(), 0755), 0) << std::strerror(errno);
    }
    void TearDown() override {
        if (!group_.empty())
            ::rmdir(group_.c_str());
        if (!mount_.empty())
            ::umount2(mount_.c_str(), MNT_DETACH);
    }
    [[nodiscard]] const std::string& group() const { return group_; }
    bool cannot(int descriptor) {
        // glibc can since 2.39.
        return ::dlsym(RTLD_DEFAULT, "posix_spawnattr_setcgroup_np") == nullptr &&
               cannot_through_libc("attribute SETCGROUP (descriptor " + std::to_string(descriptor) +
                                   ")");
    }

private:
    std::string mount_;
    std::string group_;
};

TEST_F(CgroupAttribute, ChildIsCreatedThere) {
    const Descriptor directory{::open(group().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    kspawn_spawnattr_setcgroup_np(attributes.get(), directory.get());
    flags(KSPAWN_SPAWN_SETCGROUP);
    if (cannot(directory.get()))
        return;
    EXPECT_EQ(report()["cgroup"], "0::/kspawn-test\n");
    std::ifstream ours{"/proc/self/cgroup"};
    std::string line;
    std::getline(ours, line);
    EXPECT_EQ(line.find("kspawn-test"), std::string::npos) << "we stay where we are";
}

TEST_F(CgroupAttribute, DescriptorsThatAreNoCgroup) {
    flags(KSPAWN_SPAWN_SETCGROUP);
    kspawn_spawnattr_setcgroup_np(attributes.get(), 99);
    if (cannot(99))
        return;
    expect_failure(EBADF, KSPAWN_SPAWN_SETCGROUP,
                   "attribute SETCGROUP (descriptor 99): Bad file descriptor");
    const Descriptor directory{::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    kspawn_spawnattr_setcgroup_np(attributes.get(), directory.get());
    EXPECT_EQ(start_child({"exit", "0"}), EBADF);
}

TEST_F(Attributes, CloexecDefaultInheritsWhatIsNamed) {
    const Descriptor kept{::open("/dev/null", O_RDONLY)};
    const Descriptor named{::open("/dev/zero", O_RDONLY)};
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    kspawn_spawn_file_actions_adddup2(actions.get(), named.get(), named.get());
    kspawn_spawn_file_actions_addopen(actions.get(), 1, "/dev/null", O_WRONLY, 0);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors.size(), 2U) << descriptors.dump();
    EXPECT_TRUE(descriptors.contains(std::to_string(named.get())));
    EXPECT_TRUE(descriptors.contains("1"));
}

TEST_F(Attributes, CloexecDefaultWithoutActionsInheritsNothing) {
    const Descriptor low{::open("/dev/null", O_RDONLY)};
    const Descriptor high{::dup2(low.get(), 700)};
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    EXPECT_EQ(report()["descriptors"], Json::object());
}

// Far apart, so that not every number between them can be closed unseen.
TEST_F(Attributes, CloexecDefaultWithNumbersFarApart) {
    const auto wrong = in_a_fork([this]() -> std::string {
        const rlimit limit{20'000, 20'000};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return "setrlimit";
        const Descriptor low{::open("/dev/null", O_RDONLY)};
        for (const int number : {40, 9'000, 9'001, 9'002, 19'000, 19'999})
            (void)Descriptor{::dup2(low.get(), number)}.release();
        flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
        kspawn_spawn_file_actions_adddup2(actions.get(), 19'000, 19'000);
        kspawn_spawn_file_actions_adddup2(actions.get(), 9'001, 9'001);
        kspawn_spawn_file_actions_adddup2(actions.get(), 40, 3);
        std::string names;
        const auto descriptors = report()["descriptors"];
        for (const auto& [name, unused] : descriptors.items())
            names += name + " ";
        return names;
    });
    EXPECT_EQ(wrong, "19000 3 40 9001 ") << "40 is named, and not close-on-exec";
}

// A descriptor that an action gives up is not kept because another action has named it.
TEST_F(Attributes, CloexecDefaultWithActionsThatTakeBack) {
    const Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    kspawn_spawn_file_actions_adddup2(actions.get(), file.get(), 20);
    kspawn_spawn_file_actions_adddup2(actions.get(), 20, 21);
    kspawn_spawn_file_actions_addclose(actions.get(), 20);
    EXPECT_EQ(report()["descriptors"].size(), 1U);
    kspawn_spawn_file_actions_addclosefrom_np(actions.get(), 0);
    EXPECT_EQ(report()["descriptors"], Json::object());
}

TEST_F(Attributes, CloexecDefaultKeepsTheOrderOfFailures) {
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    kspawn_spawn_file_actions_addclose(actions.get(), 5);
    kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such");
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_ACTION, 1,
                                       "file action 1: chdir /no/such: No such file or "
                                       "directory"}));
}

TEST_F(Attributes, ActionsComeAfterAttributes) {
    KSPAWN_NEED_ROOT();
    // Group 0 may not open the file; only after RESETIDS are we somebody who may.
    const auto file = scratch.write("file", "", 0600);
    ASSERT_EQ(::chown(file.c_str(), 2001, 2001), 0);
    kspawn_spawn_file_actions_addopen(actions.get(), 30, file.c_str(), O_RDONLY, 0);
    const auto wrong = in_a_fork([this]() -> std::string {
        if (::setresuid(2001, 2002, 2002) != 0)
            return "setresuid";
        if (start_child({"exit", "0"}) != EACCES)
            return "opened by the wrong user";
        flags(KSPAWN_SPAWN_RESETIDS);
        if (start_child({"exit", "0"}) != 0)
            return kspawn_strfailure();
        return exit_code_of(pid) == 0 ? "" : "no exit";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(Attributes, AllAtOnce) {
    const sigset_t mask = set_of({SIGINT});
    const sigset_t ignored = set_of({SIGUSR1});
    const sigset_t defaults = set_of({SIGUSR2});
    kspawn_spawnattr_setsigmask(attributes.get(), &mask);
    kspawn_spawnattr_setsigignore_np(attributes.get(), &ignored);
    kspawn_spawnattr_setsigdefault(attributes.get(), &defaults);
    kspawn_spawnattr_setschedpolicy(attributes.get(), SCHED_RR);
    priority(3);
    flags(KSPAWN_SPAWN_SETSIGMASK | KSPAWN_SPAWN_SETSIGIGN_NP | KSPAWN_SPAWN_SETSIGDEF |
          KSPAWN_SPAWN_SETSCHEDULER | KSPAWN_SPAWN_SETSID | KSPAWN_SPAWN_RESETIDS |
          KSPAWN_SPAWN_USEVFORK);
    if (cannot_through_libc("attribute SETSIGIGN_NP"))
        return;
    ::signal(SIGUSR2, SIG_IGN);
    const auto report = this->report();
    ::signal(SIGUSR2, SIG_DFL);
    EXPECT_EQ(signal_bits(report, "SigBlk"), bit(SIGINT));
    EXPECT_EQ(signal_bits(report, "SigIgn"), bit(SIGUSR1));
    EXPECT_EQ(report["scheduling"]["policy"], SCHED_RR);
    EXPECT_EQ(report["sid"], pid);
}

} // namespace

} // namespace kspawn::test
