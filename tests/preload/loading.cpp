// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the dynamic linker does not put the library, programs work without it.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

#include "kit.hpp"

namespace {

// A copy of a program in a directory of its own that runs as another user.
class SetUserId {
public:
    explicit SetUserId(const std::filesystem::path& program)
        : path_(scratch_.file(program.filename().string())) {
        std::filesystem::copy_file(program, path_);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    bool become(uid_t user) const {
        return ::chown(path_.c_str(), user, user) == 0 && ::chmod(path_.c_str(), 04755) == 0;
    }

private:
    Scratch scratch_;
    std::string path_;
};

constexpr uid_t other_user = 65534;

TEST(SetUserIdProgram, StartsItsProgramsThroughLibc) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const SetUserId program{program_path("scenario")};
    const auto command = "exec 2>&1; KSPAWN_STATS=1 exec " + program.path() + " exit";
    const auto before = run_shell(command);
    EXPECT_EQ(before.status, 0);
    EXPECT_NE(before.output.find("posix_spawn=1\n"), std::string::npos) << before.output;
    ASSERT_TRUE(program.become(other_user));
    const auto said = run_shell(command);
    EXPECT_EQ(said.status, 0);
    // Not counted, and no complaint of the dynamic linker either.
    EXPECT_EQ(said.output, "");
}

// Its children are as if there had never been a preload.
TEST(SetUserIdProgram, HasNoPreloadToPassOn) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const SetUserId program{"/usr/bin/env"};
    EXPECT_NE(run_shell("exec " + program.path()).output.find("LD_PRELOAD="), std::string::npos);
    ASSERT_TRUE(program.become(other_user));
    const auto said = run_shell("exec " + program.path());
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(said.output.find("LD_PRELOAD="), std::string::npos) << said.output;
}

// A C++ library in every process would cost ten times as much as ours.
TEST(Library, BringsNoOtherAlong) {
    const auto maps = run_shell("exec cat /proc/self/maps").output;
    EXPECT_NE(maps.find(preload_path()), std::string::npos) << maps;
    for (const char* const name : {"libstdc++", "libgcc_s", "libm.so"})
        EXPECT_EQ(maps.find(name), std::string::npos) << maps;
}

// The environment of `env` when it is started by a program that is given this LD_PRELOAD.
std::string seen_by_child(const std::string& environment, const std::string& list) {
    const auto said = run_shell("export " + environment + " LD_PRELOAD=" + list + "; exec " +
                                program_path("scenario") + " environment");
    EXPECT_EQ(said.status, 0);
    std::istringstream lines{said.output};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("LD_PRELOAD="))
            return line;
    }
    return "none";
}

TEST(Inherit, UnlessToldNotTo) {
    const auto& ours = preload_path();
    EXPECT_EQ(seen_by_child("OTHER=0", ours), "LD_PRELOAD=" + ours);
    EXPECT_EQ(seen_by_child("KSPAWN_INHERIT=1", ours), "LD_PRELOAD=" + ours);
    EXPECT_EQ(seen_by_child("KSPAWN_INHERIT=0", ours), "none");
}

TEST(Inherit, OthersAreLeftInTheirOrder) {
    const auto& ours = preload_path();
    EXPECT_EQ(seen_by_child("KSPAWN_INHERIT=0", "libm.so.6:" + ours + ":libc.so.6"),
              "LD_PRELOAD=libm.so.6:libc.so.6");
    EXPECT_EQ(seen_by_child("KSPAWN_INHERIT=0", "'" + ours + " libm.so.6'"),
              "LD_PRELOAD=libm.so.6");
}

// A namespace has a libc of its own, and no preload.
TEST(Namespace, StartsItsProgramsThroughItsLibc) {
    const std::unique_ptr<void, int (*)(void*)> plugin{
        ::dlmopen(LM_ID_NEWLM, program_path("plugin.so").c_str(), RTLD_NOW), ::dlclose};
    ASSERT_NE(plugin, nullptr) << ::dlerror();
    auto* const run = reinterpret_cast<int (*)(int)>(::dlsym(plugin.get(), "plugin_run_exit"));
    ASSERT_NE(run, nullptr);
    const std::string counter = "/sys/class/misc/kspawn/stats/spawns";
    const auto before = have_kernel() ? read_file(counter) : "";
    EXPECT_EQ(run(7), 7);
    EXPECT_EQ(have_kernel() ? read_file(counter) : "", before);
    EXPECT_EQ(run_shell("echo ours").output, "ours\n");
    if (have_kernel()) {
        EXPECT_NE(read_file(counter), before) << "ours is the kernel's";
    }
}

} // namespace
