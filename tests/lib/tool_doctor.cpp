// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn doctor and kspawn stats.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

std::string tool() {
    return (build_directory() / "kspawn").string();
}

class ToolDoctor : public Spawner {
protected:
    static std::string release() {
        utsname names{};
        ::uname(&names);
        return static_cast<const char*>(names.release);
    }
    // Its last words, and a line that must be among the others.
    static std::string wrong_diagnosis(const std::string& line) {
        const auto ended = run({tool(), "doctor"});
        if (ended.status != 1)
            return "status " + std::to_string(ended.status);
        if (ended.out.find(line) == std::string::npos ||
            !ended.out.ends_with("\nPrograms cannot be started through the kernel.\n"))
            return ended.out;
        return "";
    }
};

TEST_F(ToolDoctor, FindsAllWell) {
    const auto ended = run({tool(), "doctor"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    EXPECT_EQ(ended.err, "");
    EXPECT_NE(ended.out.find("kernel     " + release() + "\n"), std::string::npos) << ended.out;
    for (const auto* const line :
         {"ok    module     loaded\n", "ok    device     /dev/kspawn, mode 0666, owner 0:0\n",
          "ok    ABI        2\n", "ok    seccomp    this process is not under seccomp\n",
          "ok    trial      started process ", "\nPrograms can be started through the kernel.\n"})
        EXPECT_NE(ended.out.find(line), std::string::npos) << line << "not in\n" << ended.out;
    EXPECT_EQ(ended.out.find("FAIL"), std::string::npos);
}

TEST_F(ToolDoctor, MissesTheDevice) {
    const auto wrong = in_a_fork([]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0)
            return std::strerror(errno);
        return wrong_diagnosis(
            "FAIL  device     /dev/kspawn: No such file or directory (is the module kspawn loaded?)"
            "\n                 -> the device is not in this /dev (a container?)");
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, MissesTheModule) {
    const auto built = build_directory() / "module" / release() / "kspawn.ko";
    const std::string advice =
        std::filesystem::exists(built) ? "as root: insmod " + built.string() + "\n" : "";
    const auto wrong = in_a_fork([&advice]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0 ||
            ::mount("none", "/sys", "tmpfs", 0, nullptr) != 0)
            return std::strerror(errno);
        return wrong_diagnosis("FAIL  module     not loaded\n                 -> " + advice);
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, DoubtsAnImpostor) {
    const auto wrong = in_a_fork([]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("/dev/null", "/dev/kspawn", nullptr, MS_BIND, nullptr) != 0)
            return std::strerror(errno);
        return wrong_diagnosis(
            "FAIL  ABI        the module does not speak that of this library, 2\n");
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, SeesMissingPermission) {
    std::filesystem::permissions("/dev/kspawn", std::filesystem::perms::owner_read);
    const auto wrong = in_a_fork([]() -> std::string {
        if (::setresuid(2001, 2001, 2001) != 0)
            return std::strerror(errno);
        return wrong_diagnosis(
            "FAIL  device     /dev/kspawn: Permission denied (this user may not use it)\n");
    });
    std::filesystem::permissions("/dev/kspawn", static_cast<std::filesystem::perms>(0666));
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, SeesSeccomp) {
    const auto wrong = in_a_fork([]() -> std::string {
        sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const sock_fprog program{1, &allow};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            return std::strerror(errno);
        return wrong_diagnosis("FAIL  seccomp    this process is under seccomp");
    });
    EXPECT_EQ(wrong, "");
}

class ToolStats : public Spawner {
protected:
    static Json counters() {
        const auto ended = run({tool(), "stats", "--json"});
        EXPECT_EQ(ended.status, 0) << ended.err;
        return Json::parse(ended.out);
    }
};

TEST_F(ToolStats, CountsStartsAndFailures) {
    const auto before = counters();
    ASSERT_EQ(start_child({"exit", "0"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(start("/no/such/program"), ENOENT);
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), "/no/such"), 0);
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    const auto after = counters();
    const auto more = [&](const char* name) {
        return after.at(name).get<long>() - before.at(name).get<long>();
    };
    EXPECT_EQ(more("spawns"), 3);
    EXPECT_EQ(more("clones"), 2);
    EXPECT_EQ(more("fail_exec"), 1);
    EXPECT_EQ(more("fail_lookup"), 1);
    EXPECT_EQ(more("fail_action"), 1);
    EXPECT_EQ(more("fail_clone"), 0);
    EXPECT_EQ(after.at("in_flight"), 0);
}

TEST_F(ToolStats, TableHasWhatJsonHas) {
    const auto expected = counters();
    const auto ended = run({tool(), "stats"});
    EXPECT_EQ(ended.status, 0);
    for (const auto& [name, unused] : expected.items())
        EXPECT_TRUE(ended.out.starts_with(name + " ") ||
                    ended.out.find("\n" + name + " ") != std::string::npos)
            << name;
}

TEST(ToolStatsAnywhere, ReadsWhateverFilesThereAre) {
    const Scratch scratch;
    scratch.write("clones", "100\n");
    scratch.write("spawns", "7\n");
    scratch.write("later", "18446744073709551615\n");
    const auto table = run({tool(), "stats", "--directory", scratch.path().string()});
    EXPECT_EQ(table.status, 0) << table.err;
    EXPECT_EQ(table.out, "spawns                     7  starts asked for\n"
                         "clones                   100  children created\n"
                         "later   18446744073709551615\n");
    const auto json = run({tool(), "stats", "--json", "--directory", scratch.path().string()});
    EXPECT_EQ(json.out, "{\n  \"spawns\": 7,\n  \"clones\": 100,\n  \"later\": "
                        "18446744073709551615\n}\n");
}

TEST(ToolStatsAnywhere, SaysWhatIsWrong) {
    const Scratch scratch;
    auto ended = run({tool(), "stats", "--directory", scratch.file("absent")});
    EXPECT_EQ(ended.status, 125);
    EXPECT_EQ(ended.err, "kspawn: no counters in " + scratch.file("absent") +
                             ": No such file or directory (try kspawn doctor)\n");
    scratch.write("spawns", "many\n");
    ended = run({tool(), "stats", "--directory", scratch.path().string()});
    EXPECT_EQ(ended.status, 125);
    EXPECT_EQ(ended.err, "kspawn: " + scratch.file("spawns") + ": no number could be read\n");
}

TEST(ToolUsage, OfTheWhole) {
    EXPECT_EQ(run({tool()}).err, "kspawn: COMMAND is required (see kspawn --help)\n");
    EXPECT_EQ(run({tool()}).status, 125);
    EXPECT_EQ(run({tool(), "frob"}).err, "kspawn: there is no command frob (see kspawn --help)\n");
    EXPECT_EQ(run({tool(), "frob"}).status, 125);
    EXPECT_EQ(run({tool(), "doctor", "--frob"}).status, 125);
    EXPECT_EQ(run({tool(), "--version"}).out, std::string("kspawn ") + kspawn_version() + "\n");
    EXPECT_EQ(run({tool(), "--help"}).status, 0);
}

} // namespace

} // namespace kspawn::test
