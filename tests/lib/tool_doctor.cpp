// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn doctor and kspawn stats.
#include <grp.h>
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
#include <fstream>
#include <functional>
#include <string>
#include <system_error>

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
    // Its last words with the command that is to help, and a line that must be among the others.
    static std::string wrong_diagnosis(const std::string& line, const std::string& command = "",
                                       const std::string& program = tool()) {
        const auto ended = run({program, "doctor"});
        if (ended.status != 1)
            return "status " + std::to_string(ended.status);
        const auto last = "\nPrograms cannot be started through the kernel.\n" +
                          (command.empty() ? "" : "The next step: " + command + "\n");
        if (ended.out.find(line) == std::string::npos || !ended.out.ends_with(last))
            return ended.out;
        const auto json = Json::parse(run({program, "doctor", "--json"}).out);
        if (json.at("usable") != false ||
            json.at("command") != (command.empty() ? Json(nullptr) : Json(command)))
            return json.dump(2);
        return "";
    }
    static bool hide(const char* directory) {
        std::error_code error;
        std::filesystem::create_directories(directory, error); // a guest may have no modules
        return ::mount("none", directory, "tmpfs", 0, nullptr) == 0;
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
    ASSERT_TRUE(std::filesystem::exists(built)) << built;
    const std::string advice = "insmod " + built.string();
    const auto wrong = in_a_fork([&advice]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 || !hide("/lib/modules") || !hide("/dev") || !hide("/sys"))
            return std::strerror(errno);
        return wrong_diagnosis("FAIL  module     not loaded\n                 -> " + advice + "\n",
                               advice);
    });
    EXPECT_EQ(wrong, "");
}

/// A machine without the module, with kernels' files, a build of kspawn and a Debian that are
/// made up.
class ToolDoctorWithoutModule : public ToolDoctor {
protected:
    void SetUp() override {
        ToolDoctor::SetUp();
        if (HasFatalFailure() || IsSkipped())
            return;
        program = scratch.file("kspawn-tree/build/kspawn");
        std::filesystem::create_directories(std::filesystem::path(program).parent_path());
        std::filesystem::copy_file(tool(), program);
        scratch.write("os-release", "NAME=\"Some Debian\"\nID=debian\n");
    }
    /// "" if the diagnosis of that machine is right.
    std::string wrong_on_machine(const std::function<void()>& make_up, const std::string& line,
                                 const std::string& command) {
        return in_a_fork([&]() -> std::string {
            if (::unshare(CLONE_NEWNS) != 0 || !hide("/lib/modules") || !hide("/dev") ||
                !hide("/sys") || !hide("/var/lib") ||
                ::mount(scratch.file("os-release").c_str(), "/etc/os-release", nullptr, MS_BIND,
                        nullptr) != 0)
                return std::strerror(errno);
            make_up();
            return wrong_diagnosis(line, command, program);
        });
    }
    static void file(const std::filesystem::path& path, const std::string& text = "") {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path} << text;
    }
    void source_tree() const {
        file(scratch.file("kspawn-tree/Kbuild"));
        file(scratch.file("kspawn-tree/scripts/module-own"));
    }
    static std::filesystem::path modules(const std::string& name) {
        return std::filesystem::path("/lib/modules") / release() / name;
    }
    static std::string for_kernel(const std::string& which) {
        return "\x7f"
               "ELF vermagic=" +
               which + " SMP preempt mod_unload \n";
    }

    std::string program;
};

TEST_F(ToolDoctorWithoutModule, WantsTheHeaders) {
    const auto command = "apt-get install linux-headers-" + release();
    const auto make_up = [this] {
        source_tree();
        file(modules("modules.order"));
    };
    EXPECT_EQ(wrong_on_machine(make_up,
                               "FAIL  module     not loaded\n                 -> " + command + "\n",
                               command),
              "");
}

TEST_F(ToolDoctorWithoutModule, KnowsAKernelThatIsNotOfThisMachine) {
    EXPECT_EQ(
        wrong_on_machine([this] { source_tree(); },
                         "-> Linux " + release() +
                             " is not installed on this machine, so no package has its headers",
                         ""),
        "");
}

TEST_F(ToolDoctorWithoutModule, BuildsTheModuleInItsTree) {
    const auto make_up = [this] {
        source_tree();
        file(modules("build/Makefile"));
    };
    EXPECT_EQ(wrong_on_machine(make_up, "FAIL  module     not loaded\n",
                               "make -C " + scratch.file("kspawn-tree") + " module-own"),
              "");
}

TEST_F(ToolDoctorWithoutModule, LoadsWhatIsBuiltForThisKernel) {
    const auto module = scratch.file("kspawn-tree/build/own/kspawn.ko");
    EXPECT_EQ(wrong_on_machine([&] { file(module, for_kernel(release())); },
                               "FAIL  module     not loaded\n", "insmod " + module),
              "");
}

TEST_F(ToolDoctorWithoutModule, SeesAModuleForAnotherKernel) {
    const auto module = scratch.file("kspawn-tree/build/own/kspawn.ko");
    const auto make_up = [&] {
        source_tree();
        file(modules("build/Makefile"));
        file(module, for_kernel("5.4.0-9-amd64"));
    };
    EXPECT_EQ(
        wrong_on_machine(make_up,
                         "FAIL  module     not loaded; " + module + " is for Linux 5.4.0-9-amd64\n",
                         "make -C " + scratch.file("kspawn-tree") + " module-own"),
        "");
}

TEST_F(ToolDoctorWithoutModule, SeesWhatDkmsHasBuiltForAnotherKernel) {
    const std::string other = "/lib/modules/5.4.0-9-amd64/updates/dkms/kspawn.ko.xz";
    const auto make_up = [&] {
        file(other);
        file(modules("modules.order"));
    };
    EXPECT_EQ(wrong_on_machine(make_up, "not loaded; " + other + " is for Linux 5.4.0-9-amd64\n",
                               "apt-get install linux-headers-" + release()),
              "");
}

TEST_F(ToolDoctorWithoutModule, LoadsWhatIsInstalled) {
    EXPECT_EQ(wrong_on_machine([] { file(modules("updates/dkms/kspawn.ko")); },
                               "FAIL  module     not loaded\n", "modprobe kspawn"),
              "");
}

TEST_F(ToolDoctorWithoutModule, HasAnUnsignedModuleSigned) {
    const auto module = modules("updates/kspawn.ko");
    const auto tool = modules("build/scripts/sign-file");
    const std::string note =
        "note  loading    the kernel takes signed modules only (Secure Boot, or "
        "module.sig_enforce)\n";
    const auto make_up = [&] {
        file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        file(module, for_kernel(release()));
        file("/var/lib/dkms/mok.key");
        file(tool);
    };
    EXPECT_EQ(wrong_on_machine(make_up, note,
                               tool.string() +
                                   " sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub " +
                                   module.string()),
              "");
    const auto make_up_signed = [&] {
        make_up();
        file(module, for_kernel(release()) + "~Module signature appended~\n");
    };
    EXPECT_EQ(wrong_on_machine(make_up_signed, note, "modprobe kspawn"), "");
}

TEST_F(ToolDoctorWithoutModule, KnowsThatNoModuleCanBeLoaded) {
    const auto yes = scratch.write("yes", "1\n");
    const auto make_up = [&] {
        file(modules("updates/kspawn.ko"));
        ASSERT_EQ(
            ::mount(yes.c_str(), "/proc/sys/kernel/modules_disabled", nullptr, MS_BIND, nullptr),
            0);
    };
    EXPECT_EQ(wrong_on_machine(make_up,
                               "FAIL  loading    kernel.modules_disabled is 1: no module can be "
                               "loaded\n",
                               "reboot"),
              "");
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
            "FAIL  device     /dev/kspawn: Permission denied (this user may not use it)\n",
            "sudo chmod 0666 /dev/kspawn");
    });
    std::filesystem::permissions("/dev/kspawn", static_cast<std::filesystem::perms>(0666));
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, SeesThatAGroupMayUseTheDevice) {
    constexpr gid_t games = 60;
    std::filesystem::permissions("/dev/kspawn", static_cast<std::filesystem::perms>(0660));
    ASSERT_EQ(::chown("/dev/kspawn", 0, games), 0);
    const auto wrong = in_a_fork([]() -> std::string {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(2001, 2001, 2001) != 0 ||
            ::setresuid(2001, 2001, 2001) != 0)
            return std::strerror(errno);
        return wrong_diagnosis("-> sudo usermod -aG games 2001, then log in again\n",
                               "sudo usermod -aG games 2001");
    });
    ASSERT_EQ(::chown("/dev/kspawn", 0, 0), 0);
    std::filesystem::permissions("/dev/kspawn", static_cast<std::filesystem::perms>(0666));
    EXPECT_EQ(wrong, "");
}

TEST_F(ToolDoctor, SaysInJsonThatAllIsWell) {
    const auto ended = run({tool(), "doctor", "--json"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const auto json = Json::parse(ended.out);
    EXPECT_EQ(json.at("usable"), true);
    EXPECT_EQ(json.at("command"), nullptr);
    std::string subjects;
    for (const auto& finding : json.at("findings")) {
        subjects += finding.at("subject").get<std::string>() + ' ';
        EXPECT_NE(finding.at("state"), "fail") << finding;
    }
    EXPECT_EQ(subjects, "kernel module device ABI seccomp trial ");
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
