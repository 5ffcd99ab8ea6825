// SPDX-License-Identifier: LGPL-2.1-or-later
// The objects of <spawn.h>, whoever made them and however they got where they are.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>

#include "kit.hpp"

namespace {

using kspawn::test::Library;

template <class Function>
Function* named(const Library& library, const char* name) {
    return reinterpret_cast<Function*>(::dlsym(library.get(), name));
}

template <class Function>
Function* global(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

using Init = int(posix_spawn_file_actions_t*);
using AddDup2 = int(posix_spawn_file_actions_t*, int, int);
using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*);
using PidfdSpawn = int(int*, const char*, const posix_spawn_file_actions_t*,
                       const posix_spawnattr_t*, char* const*, char* const*);

// Not through us: the handle is libc's own.
Library libc_itself() {
    return Library{::dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY)};
}

std::array<char*, 4> exit_with_5() {
    static std::array<char, 3> shell{"sh"};
    static std::array<char, 3> option{"-c"};
    static std::array<char, 7> command{"exit 5"};
    return {shell.data(), option.data(), command.data(), nullptr};
}

TEST(Preload, IsLoadedBeforeLibc) {
    Dl_info info{};
    ASSERT_NE(::dladdr(::dlsym(RTLD_DEFAULT, "posix_spawn"), &info), 0);
    EXPECT_EQ(preload_path(), info.dli_fname);
}

// All of <spawn.h> of glibc 2.41, the names of POSIX.1-2024, and what goes with it.
TEST(Preload, HasTheWholeHeader) {
    for (const char* const name : {"posix_spawn",
                                   "posix_spawnp",
                                   "pidfd_spawn",
                                   "pidfd_spawnp",
                                   "posix_spawnattr_init",
                                   "posix_spawnattr_destroy",
                                   "posix_spawnattr_getflags",
                                   "posix_spawnattr_setflags",
                                   "posix_spawnattr_getpgroup",
                                   "posix_spawnattr_setpgroup",
                                   "posix_spawnattr_getsigdefault",
                                   "posix_spawnattr_setsigdefault",
                                   "posix_spawnattr_getsigmask",
                                   "posix_spawnattr_setsigmask",
                                   "posix_spawnattr_getschedpolicy",
                                   "posix_spawnattr_setschedpolicy",
                                   "posix_spawnattr_getschedparam",
                                   "posix_spawnattr_setschedparam",
                                   "posix_spawnattr_getcgroup_np",
                                   "posix_spawnattr_setcgroup_np",
                                   "posix_spawn_file_actions_init",
                                   "posix_spawn_file_actions_destroy",
                                   "posix_spawn_file_actions_addopen",
                                   "posix_spawn_file_actions_addclose",
                                   "posix_spawn_file_actions_adddup2",
                                   "posix_spawn_file_actions_addchdir",
                                   "posix_spawn_file_actions_addfchdir",
                                   "posix_spawn_file_actions_addchdir_np",
                                   "posix_spawn_file_actions_addfchdir_np",
                                   "posix_spawn_file_actions_addclosefrom_np",
                                   "posix_spawn_file_actions_addtcsetpgrp_np",
                                   "popen",
                                   "system"}) {
        Dl_info info{};
        void* const function = ::dlsym(RTLD_DEFAULT, name);
        ASSERT_NE(function, nullptr) << name;
        ASSERT_NE(::dladdr(function, &info), 0) << name;
        EXPECT_EQ(preload_path(), info.dli_fname) << name;
    }
}

TEST(FileActions, EveryKindIsDone) {
    const Scratch scratch;
    std::ofstream(scratch.file("in")) << "from the file";
    const int directory = ::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_GE(directory, 0);
    Actions actions;
    auto* const a = actions.get();
    EXPECT_EQ(::posix_spawn_file_actions_addchdir_np(a, "/usr"), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addopen(a, 8, "bin", O_RDONLY | O_DIRECTORY, 0), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addfchdir_np(a, directory), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addopen(a, 0, "in", O_RDONLY, 0), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addopen(a, 9, "out", O_WRONLY | O_CREAT, 0640), 0);
    EXPECT_EQ(::posix_spawn_file_actions_adddup2(a, 9, 5), 0);
    EXPECT_EQ(::posix_spawn_file_actions_adddup2(a, 8, 6), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addclose(a, 2), 0);
    EXPECT_EQ(::posix_spawn_file_actions_adddup2(a, 9, 60), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addclose(a, 8), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addclose(a, 9), 0);
    EXPECT_EQ(::posix_spawn_file_actions_addclosefrom_np(a, 55), 0);
    const auto said = run_shell("cat; echo; pwd; readlink /proc/$$/fd/6; echo five >&5; "
                                "for n in 2 8 9 60; do test -e /proc/$$/fd/$n && echo $n; done; :",
                                a);
    ::close(directory);
    EXPECT_EQ(said.error, 0);
    EXPECT_EQ(said.output, "from the file\n" + scratch.path().string() + "\n/usr/bin\n");
    EXPECT_EQ(read_file(scratch.file("out")), "five\n");
    struct stat status {};
    ASSERT_EQ(::stat(scratch.file("out").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U & ~0027U, 0640U & ~0027U);
}

TEST(FileActions, AThousandInTheirOrder) {
    Actions actions;
    for (int i = 0; i < 1000; ++i) {
        const char* const directory = i % 2 == 0 ? "/usr" : "bin";
        ASSERT_EQ(::posix_spawn_file_actions_addchdir_np(actions.get(), directory), 0);
    }
    EXPECT_EQ(run_shell("pwd", actions.get()).output, "/usr/bin\n");
}

TEST(FileActions, AFailureIsToldAndLeavesNoChild) {
    Actions actions;
    ::posix_spawn_file_actions_addopen(actions.get(), 0, "/no/such/file", O_RDONLY, 0);
    EXPECT_EQ(run_shell("exit 0", actions.get()).error, ENOENT);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(FileActions, ZeroedIsEmpty) {
    static posix_spawn_file_actions_t actions;
    static posix_spawnattr_t attributes;
    const auto argv = exit_with_5();
    pid_t pid = -1;
    ASSERT_EQ(::posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv.data(), ::environ), 0);
    EXPECT_EQ(WEXITSTATUS(wait_status_of(pid)), 5);
}

TEST(FileActions, MayBeMoved) {
    Actions actions;
    ::posix_spawn_file_actions_addchdir_np(actions.get(), "/usr");
    posix_spawn_file_actions_t moved;
    std::memcpy(&moved, actions.get(), sizeof(moved));
    EXPECT_EQ(run_shell("pwd", &moved).output, "/usr\n");
    // Whatever it was moved to has grown; the original is it no more.
    std::memcpy(actions.get(), &moved, sizeof(moved));
}

// Made beside us: by libc's own functions, then used and destroyed by ours, and
// the other way round.
TEST(FileActions, MadeByLibcItself) {
    const auto libc = libc_itself();
    ASSERT_NE(libc, nullptr);
    auto* const init = named<Init>(libc, "posix_spawn_file_actions_init");
    auto* const adddup2 = named<AddDup2>(libc, "posix_spawn_file_actions_adddup2");
    ASSERT_NE(init, &::posix_spawn_file_actions_init);
    posix_spawn_file_actions_t actions;
    ASSERT_EQ(init(&actions), 0);
    ASSERT_EQ(adddup2(&actions, STDIN_FILENO, 7), 0);
    EXPECT_EQ(run_shell("test -e /proc/$$/fd/7 && echo seven", &actions).output, "seven\n");
    EXPECT_EQ(::posix_spawn_file_actions_destroy(&actions), 0);
}

TEST(FileActions, UsedByLibcItself) {
    const auto libc = libc_itself();
    auto* const spawn = named<Spawn>(libc, "posix_spawn");
    ASSERT_NE(spawn, &::posix_spawn);
    Actions actions;
    ::posix_spawn_file_actions_addchdir_np(actions.get(), "/usr");
    std::array<char, 3> shell{"sh"};
    std::array<char, 3> option{"-c"};
    std::array<char, 24> command{"test \"$(pwd)\" = /usr"};
    const std::array<char*, 4> argv{shell.data(), option.data(), command.data(), nullptr};
    pid_t pid = -1;
    ASSERT_EQ(spawn(&pid, "/bin/sh", actions.get(), nullptr, argv.data(), ::environ), 0);
    EXPECT_EQ(wait_status_of(pid), 0);
}

class Plugin : public ::testing::TestWithParam<int> {};

// RTLD_DEEPBIND: the plugin sees libc before it sees us.
TEST_P(Plugin, StartsProgramsAndMakesObjects) {
    const Library plugin{::dlopen(program_path("plugin.so").c_str(), RTLD_NOW | GetParam())};
    ASSERT_NE(plugin, nullptr) << ::dlerror();
    EXPECT_EQ(named<int(int)>(plugin, "plugin_run_exit")(7), 7);
    posix_spawn_file_actions_t actions;
    ASSERT_EQ(named<AddDup2>(plugin, "plugin_fill")(&actions, STDIN_FILENO, 7), 0);
    EXPECT_EQ(run_shell("test -e /proc/$$/fd/7 && echo seven", &actions).output, "seven\n");
    EXPECT_EQ(named<Init>(plugin, "plugin_destroy")(&actions), 0);
}

INSTANTIATE_TEST_SUITE_P(Scopes, Plugin, ::testing::Values(RTLD_LOCAL, RTLD_DEEPBIND));

TEST(Attributes, AreApplied) {
    posix_spawnattr_t attributes;
    sigset_t set;
    ::posix_spawnattr_init(&attributes);
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    ::posix_spawnattr_setsigmask(&attributes, &set);
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR2);
    ::posix_spawnattr_setsigdefault(&attributes, &set);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_USEVFORK);
    auto* const before = ::signal(SIGUSR2, SIG_IGN);
    const auto said =
        run_shell("cat /proc/self/status | grep -E 'Sig(Blk|Ign)' | cut -f 2 | cut -c 10-; "
                  "test $(cut -d ' ' -f 6 /proc/$$/stat) = $$ && echo leader",
                  nullptr, &attributes);
    static_cast<void>(::signal(SIGUSR2, before));
    ::posix_spawnattr_destroy(&attributes);
    EXPECT_EQ(said.error, 0);
    EXPECT_EQ(said.output, "0000200\n0000000\nleader\n");
}

// Before glibc 2.39 the functions are ours, and only the kernel can do it.
TEST(Attributes, Cgroup) {
    auto* const set = global<int(posix_spawnattr_t*, int)>("posix_spawnattr_setcgroup_np");
    auto* const get = global<int(const posix_spawnattr_t*, int*)>("posix_spawnattr_getcgroup_np");
    constexpr short cgroup_flag = 0x100;
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ASSERT_EQ(::posix_spawnattr_setflags(&attributes, cgroup_flag | POSIX_SPAWN_SETSIGDEF), 0);
    short flags = 0;
    ASSERT_EQ(::posix_spawnattr_getflags(&attributes, &flags), 0);
    EXPECT_EQ(flags, cgroup_flag | POSIX_SPAWN_SETSIGDEF);
    ASSERT_EQ(set(&attributes, 1234), 0);
    int cgroup = 0;
    ASSERT_EQ(get(&attributes, &cgroup), 0);
    EXPECT_EQ(cgroup, 1234);
    const int error = run_shell("exit 0", nullptr, &attributes).error;
    EXPECT_EQ(error, have_kernel() ? EBADF : ENOTSUP);
    EXPECT_EQ(::posix_spawnattr_setflags(&attributes, 0x4000), EINVAL);
    ::posix_spawnattr_destroy(&attributes);
}

TEST(Attributes, CgroupOfTheChild) {
    if (!have_kernel() || ::geteuid() != 0)
        GTEST_SKIP() << "needs the module, and root";
    const Scratch scratch;
    const auto mounted = scratch.file("cgroup");
    ASSERT_EQ(::mkdir(mounted.c_str(), 0755), 0);
    ASSERT_EQ(::mount("none", mounted.c_str(), "cgroup2", 0, nullptr), 0);
    const auto group = mounted + "/preload-test";
    ASSERT_EQ(::mkdir(group.c_str(), 0755), 0);
    const int directory = ::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, 0x100);
    global<int(posix_spawnattr_t*, int)>("posix_spawnattr_setcgroup_np")(&attributes, directory);
    EXPECT_EQ(run_shell("cat /proc/self/cgroup", nullptr, &attributes).output,
              "0::/preload-test\n");
    ::posix_spawnattr_destroy(&attributes);
    ::close(directory);
    ::rmdir(group.c_str());
    ::umount2(mounted.c_str(), MNT_DETACH);
    ::rmdir(mounted.c_str());
}

TEST(PidfdSpawn, GivesAPidfd) {
    for (const char* const name : {"pidfd_spawn", "pidfd_spawnp"}) {
        auto* const spawn = global<PidfdSpawn>(name);
        ASSERT_NE(spawn, nullptr);
        const auto argv = exit_with_5();
        int pidfd = -1;
        const char* const program = std::strcmp(name, "pidfd_spawn") == 0 ? "/bin/sh" : "sh";
        ASSERT_EQ(spawn(&pidfd, program, nullptr, nullptr, argv.data(), ::environ), 0);
        EXPECT_EQ(::fcntl(pidfd, F_GETFD), FD_CLOEXEC);
        siginfo_t info{};
        EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED), 0);
        EXPECT_EQ(info.si_status, 5);
        ::close(pidfd);
        pidfd = 4711;
        EXPECT_EQ(spawn(&pidfd, "/no/such/program", nullptr, nullptr, argv.data(), ::environ),
                  ENOENT);
        EXPECT_EQ(pidfd, 4711);
    }
}

TEST(FileActions, NamesOfPosix2024) {
    auto* const addchdir =
        global<int(posix_spawn_file_actions_t*, const char*)>("posix_spawn_file_actions_addchdir");
    auto* const addfchdir =
        global<int(posix_spawn_file_actions_t*, int)>("posix_spawn_file_actions_addfchdir");
    Actions actions;
    const int directory = ::open("/usr/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(addchdir(actions.get(), "/usr"), 0);
    EXPECT_EQ(run_shell("pwd", actions.get()).output, "/usr\n");
    ASSERT_EQ(addfchdir(actions.get(), directory), 0);
    EXPECT_EQ(run_shell("pwd", actions.get()).output, "/usr/bin\n");
    ::close(directory);
}

// A script without #! is one for /bin/sh to those that were linked before 2012,
// and to nobody else.
TEST(Versions, OldProgramsGetAShell) {
    const Scratch scratch;
    const auto script = scratch.file("script");
    std::ofstream(script) << "exit 9\n";
    ASSERT_EQ(::chmod(script.c_str(), 0755), 0);
    auto* const old =
        reinterpret_cast<Spawn*>(::dlvsym(RTLD_DEFAULT, "posix_spawn", "GLIBC_2.2.5"));
    auto* const now = reinterpret_cast<Spawn*>(::dlvsym(RTLD_DEFAULT, "posix_spawn", "GLIBC_2.15"));
    ASSERT_NE(old, nullptr);
    ASSERT_EQ(now, &::posix_spawn);
    ASSERT_NE(old, now);
    std::array<char, 7> name{"script"};
    const std::array<char*, 2> argv{name.data(), nullptr};
    pid_t pid = -1;
    EXPECT_EQ(now(&pid, script.c_str(), nullptr, nullptr, argv.data(), ::environ), ENOEXEC);
    ASSERT_EQ(old(&pid, script.c_str(), nullptr, nullptr, argv.data(), ::environ), 0);
    EXPECT_EQ(WEXITSTATUS(wait_status_of(pid)), 9);
}

} // namespace
