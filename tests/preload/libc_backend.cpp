// SPDX-License-Identifier: LGPL-2.1-or-later
// libkspawn through libc: the same results, and a word for what cannot be done.
#include <gtest/gtest.h>
#include <kspawn/spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace {

class LibcBackend : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
        ::kspawn_spawnattr_init(&attributes);
        ::kspawn_spawn_file_actions_init(&actions);
    }
    void TearDown() override {
        ::kspawn_spawnattr_destroy(&attributes);
        ::kspawn_spawn_file_actions_destroy(&actions);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    }
    int start(const std::string& command) {
        std::string text = command;
        std::array<char, 3> shell{"sh"};
        std::array<char, 3> option{"-c"};
        const std::array<char*, 4> argv{shell.data(), option.data(), text.data(), nullptr};
        return ::kspawn_spawn_search_np(&pid, &pidfd, "sh", "/nowhere:/bin", &actions, &attributes,
                                        argv.data(), ::environ);
    }
    [[nodiscard]] int exit_code() const {
        int status = -1;
        ::close(pidfd);
        return ::waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
    }

    kspawn_spawnattr_t attributes{};
    kspawn_spawn_file_actions_t actions{};
    pid_t pid = 0;
    int pidfd = -1;
};

TEST_F(LibcBackend, StartsWithActionsAttributesAndAPidfd) {
    ::kspawn_spawn_file_actions_addchdir(&actions, "/usr");
    ::kspawn_spawnattr_setflags(&attributes, KSPAWN_SPAWN_SETSID);
    ASSERT_EQ(start("test $(pwd) = /usr && test $(cut -d ' ' -f 6 /proc/$$/stat) = $$ && exit 7"),
              0);
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(exit_code(), 7);
    EXPECT_EQ(::kspawn_last_backend(), KSPAWN_BACKEND_LIBC);
    EXPECT_EQ(::kspawn_effective_backend(), KSPAWN_BACKEND_LIBC);
}

TEST_F(LibcBackend, NamesWhatItCannotDo) {
    ::kspawn_spawnattr_setflags(&attributes, KSPAWN_SPAWN_SETSIGIGN_NP);
    EXPECT_EQ(start("exit 0"), ENOTSUP);
    EXPECT_STREQ(::kspawn_strfailure(),
                 "attribute SETSIGIGN_NP: Operation not supported (libc cannot do this)");
}

TEST_F(LibcBackend, FindsOutTheStep) {
    ::kspawn_spawn_file_actions_addchdir(&actions, "/no/such/directory");
    EXPECT_EQ(start("exit 0"), ENOENT);
    EXPECT_EQ(::kspawn_last_failure()->step, KSPAWN_STEP_ACTION);
}

TEST_F(LibcBackend, NoArgumentsAreOneEmptyString) {
    EXPECT_EQ(::kspawn_spawn(&pid, "/bin/true", nullptr, nullptr, nullptr, nullptr), 0);
    EXPECT_EQ(exit_code(), 0);
    EXPECT_EQ(::kspawn_spawn(&pid, nullptr, nullptr, nullptr, nullptr, nullptr), EFAULT);
}

TEST_F(LibcBackend, IsAskedForByANumberThatExists) {
    EXPECT_EQ(::kspawn_set_backend(4711), EINVAL);
    EXPECT_EQ(::kspawn_get_backend(), KSPAWN_BACKEND_LIBC);
}

TEST_F(LibcBackend, StepsInWhereTheKernelCannot) {
    ASSERT_EQ(::kspawn_set_backend(KSPAWN_BACKEND_AUTO), 0);
    ASSERT_EQ(start("exit 3"), 0);
    EXPECT_EQ(exit_code(), 3);
    EXPECT_EQ(::kspawn_last_backend(), ::kspawn_effective_backend());
    ASSERT_EQ(::kspawn_set_backend(KSPAWN_BACKEND_KERNEL), 0);
    const bool there = ::kspawn_available() != 0;
    const int error = start("exit 3");
    EXPECT_EQ(error, there ? 0 : ENOSYS);
    if (error == 0) {
        EXPECT_EQ(exit_code(), 3);
    }
}

} // namespace
