// SPDX-License-Identifier: LGPL-2.1-or-later
// Every file action, from the child's own view.
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmp.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "kit/owners.hpp"
#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

// Numbers that neither the test nor its caller uses.
constexpr int number = 30;
constexpr int other = 31;

class FileActions : public Spawner {
protected:
    void open(int fd, const std::string& path, int flags, mode_t mode = 0) {
        ASSERT_EQ(kspawn_spawn_file_actions_addopen(actions.get(), fd, path.c_str(), flags, mode),
                  0);
    }
    void close(int fd) { ASSERT_EQ(kspawn_spawn_file_actions_addclose(actions.get(), fd), 0); }
    void dup2(int fd, int newfd) {
        ASSERT_EQ(kspawn_spawn_file_actions_adddup2(actions.get(), fd, newfd), 0);
    }
    void pass(int fd, int newfd, int oflag = 0) {
        ASSERT_EQ(kspawn_spawn_file_actions_addpass_np(actions.get(), fd, newfd, oflag), 0);
    }
    // The words of a failed start of a process that may have no descriptor from 100 on.
    std::string words_below_100_descriptors() {
        return in_a_fork([this]() -> std::string {
            limit_descriptors(100);
            start_child({"exit", "0"});
            return last_failure().words;
        });
    }
    void chdir(const std::string& path) {
        ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), path.c_str()), 0);
    }
    // Puts a file at a number of ours for the time of a test.
    static Descriptor occupy(int fd, const std::string& path, int flags = O_RDONLY) {
        const Descriptor low{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
        const bool cloexec = (flags & O_CLOEXEC) != 0;
        return Descriptor{::dup3(low.get(), fd, cloexec ? O_CLOEXEC : 0)};
    }
    Json child_descriptor(int fd) {
        const auto descriptors = report()["descriptors"];
        const auto name = std::to_string(fd);
        return descriptors.contains(name) ? descriptors[name] : Json{};
    }
    // The start fails with an error at an action; the words say which.
    void expect_failure(int error, unsigned index, const std::string& words) {
        EXPECT_EQ(start_child({"exit", "0"}), error);
        EXPECT_EQ(last_failure(), (Failure{error, KSPAWN_STEP_ACTION, index, words}));
    }
};

TEST_F(FileActions, OpenForReading) {
    const auto file = scratch.write("file", "text");
    open(number, file, O_RDONLY);
    const auto seen = child_descriptor(number);
    ASSERT_TRUE(seen.is_object());
    EXPECT_EQ(seen["target"], file);
    EXPECT_EQ(seen["flags"].get<int>() & O_ACCMODE, O_RDONLY);
    EXPECT_EQ(seen["cloexec"], false);
}

TEST_F(FileActions, OpenCreatesWithModeAndUmask) {
    const auto file = scratch.file("created");
    open(number, file, O_WRONLY | O_CREAT | O_EXCL, 0666);
    const mode_t mask = ::umask(022);
    const auto seen = child_descriptor(number);
    ::umask(mask);
    EXPECT_EQ(seen["target"], file);
    EXPECT_EQ(seen["flags"].get<int>() & O_ACCMODE, O_WRONLY);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0644U);
    expect_failure(EEXIST, 0, "file action 0: open " + file + ": File exists");
}

TEST_F(FileActions, OpenPassesOverAModeWithoutCreating) {
    const auto file = scratch.write("file", "text", 0600);
    open(number, file, O_RDONLY, 0777);
    EXPECT_EQ(child_descriptor(number)["target"], file);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(FileActions, OpenOfAPathPassesOverWhatItDoesNotHeed) {
    const auto file = scratch.write("file", "text");
    open(number, file, O_PATH | O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_APPEND, 0777);
    const auto seen = child_descriptor(number);
    ASSERT_TRUE(seen.is_object());
    EXPECT_EQ(seen["target"], file);
    EXPECT_EQ(seen["flags"].get<int>() & (O_PATH | O_ACCMODE), O_PATH);
    EXPECT_EQ(scratch.read("file"), "text");
}

TEST_F(FileActions, OpenAppends) {
    const auto file = scratch.write("log", "before ");
    open(STDOUT_FILENO, file, O_WRONLY | O_APPEND);
    open(STDIN_FILENO, scratch.write("input", "after"), O_RDONLY);
    ASSERT_EQ(start_child({"cat"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(scratch.read("log"), "before after");
}

TEST_F(FileActions, OpenTruncates) {
    const auto file = scratch.write("file", "something long");
    open(STDOUT_FILENO, file, O_WRONLY | O_TRUNC);
    open(STDIN_FILENO, scratch.write("input", "short"), O_RDONLY);
    ASSERT_EQ(start_child({"cat"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(scratch.read("file"), "short");
}

TEST_F(FileActions, OpenReplacesWhatIsThere) {
    const auto held = occupy(number, "/dev/zero");
    open(number, "/dev/null", O_RDONLY);
    EXPECT_EQ(child_descriptor(number)["target"], "/dev/null");
    EXPECT_EQ(open_descriptors().at(number), "/dev/zero") << "ours stays as it is";
}

TEST_F(FileActions, OpenCloseOnExecIsGoneInTheProgram) {
    KSPAWN_NOT_THROUGH_LIBC("open-is-close-on-exec of kspawn-differences(7)");
    open(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_TRUE(child_descriptor(number).is_null());
    // But it is there for the actions that follow.
    dup2(number, other);
    EXPECT_EQ(child_descriptor(other)["target"], "/dev/null");
}

TEST_F(FileActions, OpenTemporaryFile) {
    open(number, scratch.path().string(), O_RDWR | O_TMPFILE, 0600);
    const auto seen = child_descriptor(number);
    ASSERT_TRUE(seen.is_object());
    EXPECT_NE(seen["target"].get<std::string>().find("(deleted)"), std::string::npos);
}

TEST_F(FileActions, OpenFailures) {
    open(number, scratch.file("absent/file"), O_RDONLY);
    expect_failure(ENOENT, 0,
                   "file action 0: open " + scratch.file("absent/file") +
                       ": No such file or directory");
}

TEST_F(FileActions, OpenADirectoryForWriting) {
    close(number);
    open(number, scratch.path().string(), O_WRONLY);
    expect_failure(EISDIR, 1,
                   "file action 1: open " + scratch.path().string() + ": Is a directory");
}

TEST_F(FileActions, CloseCloses) {
    const auto held = occupy(number, "/dev/null");
    close(number);
    EXPECT_TRUE(child_descriptor(number).is_null());
    EXPECT_TRUE(open_descriptors().contains(number)) << "ours stays open";
}

TEST_F(FileActions, CloseOfNothingIsNoError) {
    close(number);
    close(number);
    EXPECT_TRUE(child_descriptor(number).is_null());
}

TEST_F(FileActions, CloseStandardStreams) {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    const auto descriptors = report()["descriptors"];
    for (const auto* const name : {"0", "1", "2"})
        EXPECT_FALSE(descriptors.contains(name)) << name;
}

TEST_F(FileActions, Dup2Duplicates) {
    const auto file = scratch.write("file", "text");
    const auto held = occupy(number, file);
    dup2(number, other);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(number)]["target"], file);
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], file);
}

TEST_F(FileActions, Dup2ClearsCloseOnExec) {
    const auto held = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(number, other);
    const auto descriptors = report()["descriptors"];
    EXPECT_FALSE(descriptors.contains(std::to_string(number)));
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
}

TEST_F(FileActions, Dup2OntoItselfClearsCloseOnExec) {
    const auto held = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(number, number);
    EXPECT_EQ(child_descriptor(number)["target"], "/dev/null");
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << "ours keeps it";
}

TEST_F(FileActions, Dup2SwapsTwo) {
    const auto first = occupy(number, "/dev/null");
    const auto second = occupy(other, "/dev/zero");
    dup2(number, 32);
    dup2(other, number);
    dup2(32, other);
    close(32);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(number)]["target"], "/dev/zero");
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
    EXPECT_FALSE(descriptors.contains("32"));
}

TEST_F(FileActions, Dup2OfNothing) {
    dup2(STDIN_FILENO, other);
    dup2(number, other);
    expect_failure(EBADF, 1, "file action 1: dup2 30 to 31: Bad file descriptor");
}

TEST_F(FileActions, Dup2OfNothingOntoItself) {
    dup2(number, number);
    expect_failure(EBADF, 0, "file action 0: dup2 30 to 30: Bad file descriptor");
}

TEST_F(FileActions, ChdirAbsoluteAndRelative) {
    const auto below = scratch.directory("one/two");
    chdir(scratch.path().string());
    chdir("one");
    ASSERT_EQ(kspawn_spawn_file_actions_addchdir_np(actions.get(), "two"), 0);
    const auto before = std::filesystem::current_path();
    EXPECT_EQ(report()["cwd"], below);
    EXPECT_EQ(std::filesystem::current_path(), before) << "ours stays";
}

TEST_F(FileActions, ChdirFailures) {
    chdir("/");
    chdir("/no/such/directory");
    expect_failure(ENOENT, 1, "file action 1: chdir /no/such/directory: No such file or directory");
}

TEST_F(FileActions, ChdirToAFile) {
    const auto file = scratch.write("file", "");
    chdir(file);
    expect_failure(ENOTDIR, 0, "file action 0: chdir " + file + ": Not a directory");
}

TEST_F(FileActions, FchdirToOurs) {
    const auto directory = scratch.directory("here");
    const auto held = occupy(number, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(kspawn_spawn_file_actions_addfchdir(actions.get(), number), 0);
    const auto report = this->report();
    EXPECT_EQ(report["cwd"], directory);
    EXPECT_FALSE(report["descriptors"].contains(std::to_string(number)));
}

TEST_F(FileActions, FchdirToOneOpenedBefore) {
    const auto directory = scratch.directory("here");
    open(number, directory, O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(kspawn_spawn_file_actions_addfchdir_np(actions.get(), number), 0);
    close(number);
    EXPECT_EQ(report()["cwd"], directory);
}

TEST_F(FileActions, FchdirFailures) {
    ASSERT_EQ(kspawn_spawn_file_actions_addfchdir(actions.get(), number), 0);
    expect_failure(EBADF, 0, "file action 0: fchdir 30: Bad file descriptor");
}

TEST_F(FileActions, FchdirToAFile) {
    open(number, scratch.write("file", ""), O_RDONLY);
    ASSERT_EQ(kspawn_spawn_file_actions_addfchdir(actions.get(), number), 0);
    expect_failure(ENOTDIR, 1, "file action 1: fchdir 30: Not a directory");
}

TEST_F(FileActions, ProgramIsFoundInTheNewDirectory) {
    std::filesystem::copy_file(helper("child"), scratch.directory("bin") + "/program");
    chdir(scratch.file("bin"));
    ASSERT_EQ(start("./program", {"program", "exit", "9"}), 0);
    EXPECT_EQ(exit_code_of(pid), 9);
}

TEST_F(FileActions, ClosefromClosesAllAbove) {
    const auto first = occupy(number, "/dev/null");
    const auto second = occupy(200, "/dev/null");
    const auto third = occupy(5, "/dev/null");
    ASSERT_EQ(kspawn_spawn_file_actions_addclosefrom_np(actions.get(), 6), 0);
    const auto descriptors = report()["descriptors"];
    EXPECT_TRUE(descriptors.contains("5"));
    for (const auto& [name, unused] : descriptors.items())
        EXPECT_LT(std::stoi(name), 6);
    EXPECT_TRUE(open_descriptors().contains(200)) << "ours stay open";
}

TEST_F(FileActions, ClosefromZeroAndThenOpen) {
    ASSERT_EQ(kspawn_spawn_file_actions_addclosefrom_np(actions.get(), 0), 0);
    open(1, "/dev/null", O_WRONLY);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors.size(), 1U);
    EXPECT_EQ(descriptors["1"]["target"], "/dev/null");
}

TEST_F(FileActions, PassIsTheCallersOwn) {
    const auto first = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    pass(number, other);
    pass(number, number);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
    EXPECT_EQ(descriptors[std::to_string(other)]["cloexec"], false);
    EXPECT_EQ(descriptors[std::to_string(number)]["target"], "/dev/null");
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << "ours keeps it";
}

TEST_F(FileActions, PassWhateverOtherActionsDo) {
    const auto first = occupy(number, "/dev/null");
    const auto second = occupy(other, "/dev/zero");
    pass(number, other);
    pass(other, number);
    if (cannot_through_libc("file action 1: pass 31 to 30"))
        return;
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(number)]["target"], "/dev/zero");
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
}

TEST_F(FileActions, PassOfOneThatIsClosedBefore) {
    const auto held = occupy(number, "/dev/null");
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_range_np(actions.get(), 20, 40), 0);
    pass(number, other);
    if (cannot_through_libc("file action 1: pass 30 to 31"))
        return;
    const auto descriptors = report()["descriptors"];
    EXPECT_FALSE(descriptors.contains(std::to_string(number)));
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
}

TEST_F(FileActions, PassForLaterActionsOnly) {
    const auto held = occupy(number, scratch.path().string(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pass(number, other, O_CLOEXEC);
    ASSERT_EQ(kspawn_spawn_file_actions_addfchdir(actions.get(), other), 0);
    if (cannot_through_libc("file action 0: pass 30 to 31"))
        return;
    const auto seen = report();
    EXPECT_FALSE(seen["descriptors"].contains(std::to_string(other)));
    EXPECT_EQ(seen["cwd"], std::filesystem::canonical(scratch.path()).string());
}

TEST_F(FileActions, PassedIsNamedAndItsSourceIsNot) {
    const auto held = occupy(number, "/dev/null");
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    pass(number, other);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors.size(), 1U) << descriptors.dump();
    EXPECT_TRUE(descriptors.contains(std::to_string(other)));
}

TEST_F(FileActions, PassOfNothing) {
    dup2(STDIN_FILENO, 32);
    pass(number, other);
    expect_failure(EBADF, 1, "file action 1: pass 30 to 31: Bad file descriptor");
}

TEST_F(FileActions, InheritOfOneThatIsOpen) {
    const auto held = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), number), 0);
    EXPECT_EQ(child_descriptor(number)["target"], "/dev/null");
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << "ours keeps it";
}

TEST_F(FileActions, InheritOfNothingIsNoError) {
    ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), number), 0);
    EXPECT_TRUE(child_descriptor(number).is_null());
}

// Whether it is open is asked when its turn comes.
TEST_F(FileActions, InheritAfterOtherActions) {
    const auto held = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    const auto inherit = [this](int fd) {
        ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), fd), 0);
    };
    dup2(number, other);
    inherit(other);
    close(number);
    inherit(number);
    open(32, "/dev/zero", O_RDONLY | O_CLOEXEC);
    inherit(32);
    ASSERT_EQ(kspawn_spawn_file_actions_addclosefrom_np(actions.get(), 40), 0);
    inherit(40);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
    EXPECT_FALSE(descriptors.contains(std::to_string(number)));
    EXPECT_EQ(descriptors["32"]["target"], "/dev/zero");
}

TEST_F(FileActions, InheritIsWhatIsNamed) {
    const auto kept = occupy(number, "/dev/null", O_RDONLY | O_CLOEXEC);
    const auto not_kept = occupy(other, "/dev/null");
    flags(KSPAWN_SPAWN_CLOEXEC_DEFAULT_NP);
    for (const int fd : {number, 60})
        ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), fd), 0);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors.size(), 1U) << descriptors.dump();
    EXPECT_TRUE(descriptors.contains(std::to_string(number)));
}

TEST_F(FileActions, CloseRangeClosesThatAndNoMore) {
    const auto below = occupy(number - 1, "/dev/null");
    const auto first = occupy(number, "/dev/null");
    const auto last = occupy(number + 5, "/dev/null");
    const auto above = occupy(number + 6, "/dev/null");
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_range_np(actions.get(), number, number + 5), 0);
    const auto descriptors = report()["descriptors"];
    EXPECT_TRUE(descriptors.contains("29"));
    EXPECT_FALSE(descriptors.contains("30"));
    EXPECT_FALSE(descriptors.contains("35"));
    EXPECT_TRUE(descriptors.contains("36"));
    EXPECT_TRUE(open_descriptors().contains(number)) << "ours stays open";
}

TEST_F(FileActions, CloseRangeWithoutAnEnd) {
    const auto below = occupy(number, "/dev/null");
    const auto above = occupy(500, "/dev/null");
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_range_np(actions.get(), other, 0x7fffffff), 0);
    const auto descriptors = report()["descriptors"];
    EXPECT_TRUE(descriptors.contains("30"));
    EXPECT_FALSE(descriptors.contains("500"));
}

TEST_F(FileActions, CloseRangeOfMoreThanAnyoneHas) {
    const auto below = occupy(number, "/dev/null");
    const auto inside = occupy(500, "/dev/null");
    open(600, "/dev/null", O_RDONLY);
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_range_np(actions.get(), other, 0x7ffffffe), 0);
    open(other, "/dev/zero", O_RDONLY);
    const auto descriptors = report()["descriptors"];
    EXPECT_TRUE(descriptors.contains("30"));
    EXPECT_EQ(descriptors["31"]["target"], "/dev/zero");
    EXPECT_FALSE(descriptors.contains("500"));
    EXPECT_FALSE(descriptors.contains("600"));
}

// A failed action has its number in the caller's list, though others are made of several.
TEST_F(FileActions, ComposedActionsDoNotMoveTheOthers) {
    const auto add_range = kspawn_spawn_file_actions_addclose_range_np;
    ASSERT_EQ(add_range(actions.get(), number, number + 99), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), 700), 0);
    dup2(number, other);
    expect_failure(EBADF, 2, "file action 2: dup2 30 to 31: Bad file descriptor");
}

TEST_F(FileActions, ComposedActionsDoNotMoveThoseThatLibcRefuses) {
    ASSERT_EQ(kspawn_spawn_file_actions_addclose_range_np(actions.get(), 40, 50), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addinherit_np(actions.get(), STDIN_FILENO), 0);
    dup2(STDIN_FILENO, 100);
    EXPECT_EQ(words_below_100_descriptors(), "file action 2: dup2 0 to 100: Bad file descriptor");
}

TEST_F(FileActions, TcsetpgrpTakesTheTerminal) {
    // The child must be in the session whose terminal it is; so must we.
    int master = -1;
    int slave = -1;
    ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    const Descriptor owned_master{master};
    const Descriptor owned_slave{slave};
    const auto wrong = in_a_fork([&]() -> std::string {
        if (::login_tty(::dup(slave)) != 0)
            return "login_tty";
        kspawn_spawnattr_setflags(attributes.get(), KSPAWN_SPAWN_SETPGROUP);
        kspawn_spawn_file_actions_addtcsetpgrp_np(actions.get(), STDIN_FILENO);
        const auto report = this->report();
        if (report["descriptors"]["0"]["foreground"] != pid)
            return "the child's group is not in the foreground";
        return report["pgid"] == pid ? "" : "the child leads no group";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(FileActions, TcsetpgrpOfNoTerminal) {
    open(number, "/dev/null", O_RDWR);
    ASSERT_EQ(kspawn_spawn_file_actions_addtcsetpgrp_np(actions.get(), number), 0);
    expect_failure(ENOTTY, 1, "file action 1: tcsetpgrp 30: Inappropriate ioctl for device");
}

TEST_F(FileActions, AreDoneInTheirOrder) {
    const auto file = scratch.write("file", "text");
    open(number, file, O_RDONLY);
    dup2(number, other);
    close(number);
    open(number, "/dev/null", O_RDONLY);
    close(other);
    dup2(number, other);
    const auto descriptors = report()["descriptors"];
    EXPECT_EQ(descriptors[std::to_string(other)]["target"], "/dev/null");
}

TEST_F(FileActions, PathsMayChangeOnceAdded) {
    std::string path = "/tmp";
    chdir(path);
    path = "/no/such";
    EXPECT_EQ(report()["cwd"], "/tmp");
}

TEST_F(FileActions, TenThousand) {
    const auto file = scratch.write("file", "text");
    for (int round = 0; round < 2500; ++round) {
        open(number, round % 2 != 0 ? file : "/dev/null", O_RDONLY);
        dup2(number, other);
        close(number);
        chdir(round % 2 != 0 ? "/" : "/tmp");
    }
    const auto report = this->report();
    EXPECT_EQ(report["cwd"], "/");
    EXPECT_EQ(report["descriptors"][std::to_string(other)]["target"], file);
    EXPECT_FALSE(report["descriptors"].contains(std::to_string(number)));
}

TEST_F(FileActions, TheLastOfTenThousandFails) {
    for (int round = 0; round < 9999; ++round)
        close(number);
    chdir("/no/such/directory");
    expect_failure(ENOENT, 9999,
                   "file action 9999: chdir /no/such/directory: No such file or directory");
}

TEST_F(FileActions, AsManyAsTheKernelTakes) {
    KSPAWN_NOT_THROUGH_LIBC("there is no such limit");
    kspawn_support support{};
    ASSERT_EQ(kspawn_query(&support, sizeof(support)), 0);
    ASSERT_EQ(support.actions_max, 65536U);
    for (unsigned round = 0; round < support.actions_max; ++round)
        close(number);
    ASSERT_EQ(start_child({"exit", "0"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    close(number);
    EXPECT_EQ(start_child({"exit", "0"}), E2BIG);
    EXPECT_EQ(last_failure(), (Failure{E2BIG, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS,
                                       "file actions: Argument list too long"}));
}

TEST_F(FileActions, AFailureUndoesNothingOfOurs) {
    const auto held = occupy(number, "/dev/zero");
    const auto before = open_descriptors();
    close(number);
    open(STDOUT_FILENO, "/dev/null", O_WRONLY);
    dup2(other, 40);
    expect_failure(EBADF, 2, "file action 2: dup2 31 to 40: Bad file descriptor");
    EXPECT_EQ(open_descriptors(), before);
}

// Descriptors that the start makes.  Without the module no start can.
class MadeByTheStart : public FileActions {
protected:
    void SetUp() override {
        FileActions::SetUp();
        KSPAWN_NOT_THROUGH_LIBC("libc makes no descriptors");
        KSPAWN_NEED_DEVICE();
    }
    static std::string all_of(int fd) {
        std::string text(1000, '\0');
        std::size_t size = 0;
        ssize_t n = 0;
        while ((n = ::read(fd, text.data() + size, text.size() - size)) > 0)
            size += static_cast<std::size_t>(n);
        text.resize(size);
        return text;
    }
};

TEST_F(MadeByTheStart, PipesCarryData) {
    int in = 0;
    int out = 0;
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 0, O_RDONLY, 0, &in), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 1, O_WRONLY, 0, &out), 0);
    EXPECT_EQ(in, -1);
    EXPECT_EQ(out, -1);
    ASSERT_EQ(start_child({"cat"}), 0) << kspawn_strfailure();
    const Descriptor from{out};
    {
        const Descriptor to{in};
        EXPECT_EQ(::fcntl(in, F_GETFD), FD_CLOEXEC);
        EXPECT_EQ(::write(in, "abc", 3), 3);
    }
    EXPECT_EQ(all_of(out), "abc");
    EXPECT_EQ(exit_code_of(pid), 0);
}

TEST_F(MadeByTheStart, SocketsCarryDataAndContentsAreRead) {
    int end = 0;
    {
        const std::string contents = "from memory";
        ASSERT_EQ(kspawn_spawn_file_actions_addmemfd_np(actions.get(), 0, contents.data(),
                                                        contents.size(), 0),
                  0);
    }
    ASSERT_EQ(
        kspawn_spawn_file_actions_addsocketpair_np(actions.get(), 1, SOCK_STREAM, O_NONBLOCK, &end),
        0);
    ASSERT_EQ(start_child({"cat"}), 0) << kspawn_strfailure();
    const Descriptor from{end};
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(all_of(end), "from memory");
}

TEST_F(MadeByTheStart, FailureLeavesNone) {
    int end = 0;
    const auto before = open_descriptors();
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 1, O_WRONLY, 0, &end), 0);
    dup2(other, 40);
    expect_failure(EBADF, 1, "file action 1: dup2 31 to 40: Bad file descriptor");
    EXPECT_EQ(end, -1);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(MadeByTheStart, LimitsAreTheCallers) {
    int end = 0;
    for (int i = 0; i < 100; ++i)
        ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 1, O_WRONLY, 0, &end), 0);
    const auto words = words_below_100_descriptors();
    EXPECT_TRUE(words.starts_with("file action ")) << words;
    EXPECT_TRUE(words.ends_with(": pipe 1: Too many open files")) << words;
}

TEST_F(FileActions, WhatAStartCannotMakeIsRefused) {
    int end = 7;
    auto* const object = actions.get();
    EXPECT_EQ(kspawn_spawn_file_actions_addpipe_np(object, 1, O_RDWR, 0, &end), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addpipe_np(object, 1, O_WRONLY, O_APPEND, &end), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addpipe_np(object, 1, O_WRONLY, 0, nullptr), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addpipe_np(object, -1, O_WRONLY, 0, &end), EBADF);
    EXPECT_EQ(kspawn_spawn_file_actions_addsocketpair_np(object, 1, SOCK_RAW, 0, &end), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addsocketpair_np(object, 1, SOCK_STREAM, O_DIRECT, &end),
              EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addsocketpair_np(object, 1, SOCK_STREAM, 0, nullptr),
              EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addmemfd_np(object, 1, nullptr, 1, 0), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addmemfd_np(object, 1, "x", 1, O_NONBLOCK), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_addmemfd_np(object, 1, "x", KSPAWN_ACTION_BYTES_MAX + 1, 0),
              E2BIG);
    EXPECT_EQ(kspawn_spawn_file_actions_addnull_np(object, -1), EBADF);
    EXPECT_EQ(end, 7);
    EXPECT_EQ(start_child({"exit", "0"}), 0) << "nothing was added";
    EXPECT_EQ(exit_code_of(pid), 0);
}

TEST_F(FileActions, LibcMakesNone) {
    if (kspawn_effective_backend() != KSPAWN_BACKEND_LIBC)
        GTEST_SKIP() << "through the kernel it does";
    int end = 0;
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 1, O_WRONLY, 0, &end), 0);
    EXPECT_EQ(start_child({"exit", "0"}), ENOTSUP);
    const auto failure = last_failure();
    EXPECT_EQ(failure.step, KSPAWN_STEP_ACTION);
    EXPECT_EQ(failure.index, 0U);
    // Without the module there is a remark on the device, too.
    EXPECT_TRUE(failure.words.starts_with(
        "file action 0: pipe 1: Operation not supported (libc cannot do this"))
        << failure.words;
    EXPECT_EQ(end, -1);
}

// With the module they are made by the start all the same.
TEST_F(FileActions, FallbackMakesThemBefore) {
    auto* const object = actions.get();
    EXPECT_EQ(kspawn_spawn_file_actions_setfallback_np(nullptr, 1), EINVAL);
    EXPECT_EQ(kspawn_spawn_file_actions_setfallback_np(object, 2), EINVAL);
    ASSERT_EQ(kspawn_spawn_file_actions_setfallback_np(object, 1), 0);
    const auto before = open_descriptors();
    // The lowest free numbers are those that other actions put something on.
    for (int low = 3; low < 12; ++low)
        ASSERT_EQ(kspawn_spawn_file_actions_addopen(object, low, "/dev/null", O_RDONLY, 0), 0);
    int end = 0;
    ASSERT_EQ(kspawn_spawn_file_actions_addmemfd_np(object, 0, "from memory", 11, 0), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(object, 1, O_WRONLY, O_NONBLOCK, &end), 0);
    ASSERT_EQ(start_child({"cat"}), 0) << kspawn_strfailure();
    EXPECT_EQ(exit_code_of(pid), 0);
    ASSERT_GE(end, 0);
    std::string text(100, '\0');
    EXPECT_EQ(::fcntl(end, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::read(end, text.data(), text.size()), 11);
    EXPECT_STREQ(text.c_str(), "from memory");
    EXPECT_EQ(::read(end, text.data(), text.size()), 0) << "nobody writes any more";
    ::close(end);
    dup2(other, 40);
    EXPECT_EQ(start_child({"cat"}), EBADF);
    EXPECT_EQ(end, -1);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FileActions, FallbackCanBeTakenBack) {
    if (kspawn_effective_backend() != KSPAWN_BACKEND_LIBC)
        GTEST_SKIP() << "through the kernel it means nothing";
    int end = 0;
    ASSERT_EQ(kspawn_spawn_file_actions_addpipe_np(actions.get(), 1, O_WRONLY, 0, &end), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_setfallback_np(actions.get(), 1), 0);
    ASSERT_EQ(kspawn_spawn_file_actions_setfallback_np(actions.get(), 0), 0);
    EXPECT_EQ(start_child({"exit", "0"}), ENOTSUP);
}

TEST_F(FileActions, NullIsOpened) {
    ASSERT_EQ(kspawn_spawn_file_actions_addnull_np(actions.get(), number), 0);
    EXPECT_EQ(child_descriptor(number)["target"], "/dev/null");
}

// The child's limit on descriptors counts where it acts.
TEST_F(FileActions, TargetsBeyondTheLimitAreRefused) {
    dup2(STDIN_FILENO, 100);
    EXPECT_EQ(words_below_100_descriptors(), "file action 0: dup2 0 to 100: Bad file descriptor");
}

} // namespace

} // namespace kspawn::test
