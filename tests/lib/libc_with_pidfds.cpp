// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts through a libc that has pidfd_spawn(), as glibc from 2.39 on.  This program has
// the three functions, in place of libc's: pidfd_getpid() fails when a test says so, as
// without /proc or without a descriptor for its file.
#include <gtest/gtest.h>
#include <kspawn/backend.h>
#include <kspawn/spawn.h>
#include <kspawn/spawn_wait.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "kit/owners.hpp"
#include "kit/process.hpp"

namespace {

int getpid_error = 0;      // what pidfd_getpid() fails with; 0: nothing
int getpids_that_work = 0; // before that
int pidfd_spawns = 0;      // how often one of them was called

using Start = decltype(&::posix_spawn);

int start_by(Start start, int* pidfd, const char* path,
             const posix_spawn_file_actions_t* file_actions, const posix_spawnattr_t* attributes,
             char* const argv[], char* const envp[]) {
    ++pidfd_spawns;
    pid_t pid = 0;
    const int error = start(&pid, path, file_actions, attributes, argv, envp);
    if (error == 0)
        *pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    return error;
}

} // namespace

// A libc that has them declares them.
#pragma GCC diagnostic ignored "-Wmissing-declarations"

extern "C" {

KSPAWN_API int pidfd_spawn(int* pidfd, const char* path,
                           const posix_spawn_file_actions_t* file_actions,
                           const posix_spawnattr_t* attributes, char* const argv[],
                           char* const envp[]) {
    return start_by(::posix_spawn, pidfd, path, file_actions, attributes, argv, envp);
}

KSPAWN_API int pidfd_spawnp(int* pidfd, const char* file,
                            const posix_spawn_file_actions_t* file_actions,
                            const posix_spawnattr_t* attributes, char* const argv[],
                            char* const envp[]) {
    return start_by(::posix_spawnp, pidfd, file, file_actions, attributes, argv, envp);
}

KSPAWN_API pid_t pidfd_getpid(int pidfd) {
    if (getpid_error != 0 && getpids_that_work-- <= 0) {
        errno = getpid_error;
        return -1;
    }
    std::ifstream stream{"/proc/self/fdinfo/" + std::to_string(pidfd)};
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with("Pid:") && std::stoi(line.substr(4)) > 0)
            return std::stoi(line.substr(4));
    }
    errno = ESRCH;
    return -1;
}

} // extern "C"

namespace kspawn::test {

namespace {

class LibcWithPidfds : public ::testing::Test {
protected:
    void SetUp() override {
        getpid_error = 0;
        getpids_that_work = 0;
        pidfd_spawns = 0;
        ASSERT_EQ(kspawn_set_backend(KSPAWN_BACKEND_LIBC), 0);
    }
    void TearDown() override {
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1) << "a child is left";
        EXPECT_EQ(errno, ECHILD);
    }
    int start_and_wait(const char* script = "exit 7") {
        const Strings argv{"sh", "-c", script};
        int number = -1;
        const int error = kspawn_spawn_wait_np(&pid, &number, &status, nullptr, "/bin/sh", nullptr,
                                               nullptr, nullptr, argv.get(), nullptr);
        pidfd = Descriptor{number};
        return error;
    }

    pid_t pid = 0;
    Descriptor pidfd;
    int status = -1;
};

TEST_F(LibcWithPidfds, BothAreStored) {
    EXPECT_EQ(start_and_wait(), 0) << kspawn_strfailure();
    EXPECT_EQ(pidfd_spawns, 1);
    EXPECT_GT(pid, 0);
    EXPECT_TRUE(pidfd);
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(LibcWithPidfds, NumberIsKnownWhereLibcCannotTellIt) {
    for (const int error : {ENOENT, EMFILE, ENOSYS}) {
        getpid_error = error;
        EXPECT_EQ(start_and_wait(), 0) << kspawn_strfailure();
        EXPECT_GT(pid, 0);
        EXPECT_TRUE(pidfd);
        EXPECT_EQ(WEXITSTATUS(status), 7);
    }
    EXPECT_EQ(pidfd_spawns, 0);
}

// Another thread has taken the last descriptor meanwhile.
TEST_F(LibcWithPidfds, ChildWithoutANumberIsEnded) {
    getpid_error = EMFILE;
    getpids_that_work = 1;
    EXPECT_EQ(start_and_wait("exec sleep 20"), EMFILE);
    EXPECT_EQ(kspawn_last_failure()->step, static_cast<unsigned>(KSPAWN_STEP_PIDFD));
    EXPECT_EQ(pid, 0);
    EXPECT_FALSE(pidfd);
}

TEST_F(LibcWithPidfds, OneThatSomebodyElseHasReapedHasNoNumber) {
    getpid_error = ESRCH;
    getpids_that_work = 1;
    EXPECT_EQ(start_and_wait(), ESRCH);
    EXPECT_EQ(kspawn_last_failure()->step, static_cast<unsigned>(KSPAWN_STEP_PIDFD));
    EXPECT_EQ(pid, 0) << "-1 would be all processes";
    EXPECT_FALSE(pidfd);
    EXPECT_GT(::waitpid(-1, nullptr, 0), 0) << "we have not, in fact";
}

// For a pidfd alone nobody asks for the number.
TEST_F(LibcWithPidfds, PidfdNeedsNoNumber) {
    getpid_error = ENOENT;
    const Strings argv{"true"};
    int number = -1;
    EXPECT_EQ(kspawn_pidfd_spawnp(&number, "true", nullptr, nullptr, argv.get(), nullptr), 0)
        << kspawn_strfailure();
    pidfd = Descriptor{number};
    EXPECT_EQ(pidfd_spawns, 1);
    EXPECT_EQ(::waitid(static_cast<idtype_t>(3), static_cast<id_t>(number), nullptr, WEXITED), 0);
}

} // namespace

} // namespace kspawn::test
