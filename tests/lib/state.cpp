// SPDX-License-Identifier: LGPL-2.1-or-later
// The state of the child, as file actions: from the child's own view.
#include <fcntl.h>
#include <kspawn/state.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class State : public Spawner {
protected:
    void SetUp() override {
        Spawner::SetUp();
        KSPAWN_NOT_THROUGH_LIBC("no libc has these actions");
    }
};

TEST_F(State, NumbersReachTheProgram) {
    const rlimit limit{.rlim_cur = 10, .rlim_max = 20};
    ASSERT_EQ(kspawn_spawn_file_actions_addumask_np(actions.get(), 07077), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addrlimit_np(actions.get(), RLIMIT_CORE, &limit), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addnonewprivs_np(actions.get()), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addpdeathsig_np(actions.get(), SIGTERM), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addnice_np(actions.get(), 9), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addoomscore_np(actions.get(), 55), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addprctl_np(actions.get(), PR_SET_TIMERSLACK, 4321, 0), 0);
    const auto seen = report();
    EXPECT_EQ(seen["status"]["Umask"], "0077");
    EXPECT_EQ(seen["status"]["NoNewPrivs"], "1");
    EXPECT_EQ(seen["oom_score_adj"], "55\n");
    EXPECT_EQ(seen["scheduling"]["nice"], 9);
    EXPECT_EQ(seen["prctl"]["pdeathsig"], SIGTERM);
    EXPECT_EQ(seen["prctl"]["timerslack"], 4321);
    EXPECT_NE(seen["limits"].get<std::string>().find(
                  "Max core file size        10                   20 "),
              std::string::npos);
}

TEST_F(State, DataIsCopied) {
    std::array<gid_t, 3> groups{7, 8, 9};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    if (::geteuid() == 0) {
        ASSERT_EQ(kspawn_spawn_file_actions_addgroups_np(actions.get(), 3, groups.data()), 0);
        ASSERT_EQ(kspawn_spawn_file_actions_addresgid_np(actions.get(), 11, 12, 13), 0);
        ASSERT_EQ(kspawn_spawn_file_actions_addresuid_np(actions.get(), 21, 0, 0), 0);
    }
    ASSERT_EQ(kspawn_spawn_file_actions_addaffinity_np(actions.get(), sizeof(cpus), &cpus), 0);
    groups = {};
    CPU_ZERO(&cpus);
    const auto seen = report();
    EXPECT_EQ(seen["status"]["Cpus_allowed_list"], "0");
    if (::geteuid() == 0) {
        EXPECT_EQ(seen["status"]["Groups"].get<std::string>().substr(0, 5), "7 8 9");
        // As ever, execve() makes the saved ID the effective one.
        EXPECT_EQ(seen["ids"]["gid"], Json({11, 12, 12}));
        EXPECT_EQ(seen["ids"]["uid"], Json({21, 0, 0}));
    }
}

TEST_F(State, FailureNamesTheAction) {
    ASSERT_EQ(kspawn_spawn_file_actions_addumask_np(actions.get(), 0), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addoomscore_np(actions.get(), 2000), 0);
    EXPECT_EQ(start_child({"exit", "0"}), EINVAL);
    EXPECT_EQ(last_failure(), (Failure{EINVAL, KSPAWN_STEP_ACTION, 1,
                                       "file action 1: oom_score: Invalid argument"}));
}

TEST_F(State, DescriptorsButForSome) {
    const std::array kept{31, 2, 30, 0, 31, 1};
    const Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int number : {29, 30, 31, 32})
        ASSERT_EQ(kspawn_spawn_file_actions_adddup2(actions.get(), null.get(), number), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_except_np(actions.get(), 5, INT_MAX, kept.data(),
                                                           kept.size()),
              0);
    const auto seen = report();
    EXPECT_FALSE(seen["descriptors"].contains("29"));
    EXPECT_TRUE(seen["descriptors"].contains("30"));
    EXPECT_TRUE(seen["descriptors"].contains("31"));
    EXPECT_FALSE(seen["descriptors"].contains("32"));
}

TEST_F(State, StopsBeforeItsFirstInstruction) {
    ASSERT_EQ(kspawn_spawn_file_actions_addstop_np(actions.get()), 0);
    ASSERT_EQ(start_child({"exit", "6"}), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
    EXPECT_TRUE(WIFSTOPPED(status));
    ASSERT_EQ(::kill(pid, SIGCONT), 0);
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 6);
}

TEST_F(State, RootAndNamespaces) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const Descriptor here{::open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC)};
    ASSERT_EQ(kspawn_spawn_file_actions_addunshare_np(actions.get(), CLONE_NEWUTS | CLONE_NEWNS),
              0);
    ASSERT_EQ(kspawn_spawn_file_actions_addsetns_np(actions.get(), here.get(), CLONE_NEWUTS), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addchroot_np(actions.get(), "/"), 0);
    const auto seen = report();
    std::array<char, 64> uts{};
    ASSERT_GT(::readlink("/proc/self/ns/uts", uts.data(), uts.size() - 1), 0);
    EXPECT_EQ(seen["namespaces"]["uts"], uts.data());
    std::array<char, 64> mnt{};
    ASSERT_GT(::readlink("/proc/self/ns/mnt", mnt.data(), mnt.size() - 1), 0);
    EXPECT_NE(seen["namespaces"]["mnt"], mnt.data());
}

TEST(StateObjects, Refusals) {
    internal::FileActions actions;
    auto* const object = actions.get();
    const std::array kept{1, -1};
    EXPECT_EQ(kspawn_spawn_file_actions_addumask_np(nullptr, 0), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addrlimit_np(object, RLIMIT_CORE, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addgroups_np(object, 1, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addgroups_np(object, 65537, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addgroups_np(object, 0, nullptr), 0);
    EXPECT_EQ(kspawn_spawn_file_actions_addctty_np(object, -1, 0), EBADF);
    EXPECT_EQ(kspawn_spawn_file_actions_addctty_np(object, 0, 2), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addchroot_np(object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addaffinity_np(object, 0, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addaffinity_np(object, 4097, &kept), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addsetns_np(object, -1, 0), EBADF);
    EXPECT_EQ(kspawn_spawn_file_actions_addcapabilities_np(object, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addsched_np(object, nullptr, 48), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addsched_np(object, &kept, 3), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addmempolicy_np(object, 0, nullptr, 1), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addmempolicy_np(object, 0, nullptr, 0), 0);
    EXPECT_EQ(kspawn_spawn_file_actions_addclose_except_np(object, 3, 9, kept.data(), 2), EBADF);
    EXPECT_EQ(kspawn_spawn_file_actions_addclose_except_np(object, 9, 3, kept.data(), 1), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addclose_except_np(object, 3, 9, nullptr, 1), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addclose_except_np(object, 3, 9, nullptr, 0), 0);
}

class StateThroughLibc : public Spawner {};

TEST_F(StateThroughLibc, IsNotSupported) {
    if (!through_libc()) {
        ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    }
    ASSERT_EQ(kspawn_spawn_file_actions_addumask_np(actions.get(), 0), 0);
    EXPECT_EQ(start_child({"exit", "0"}), ENOTSUP);
    EXPECT_EQ(last_failure().step, static_cast<unsigned>(KSPAWN_STEP_ACTION));
}

} // namespace

} // namespace kspawn::test
