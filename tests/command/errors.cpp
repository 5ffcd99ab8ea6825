// SPDX-License-Identifier: LGPL-2.1-or-later
// A start that fails says what failed, and leaves nothing.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>

#include "kit.hpp"
#include "kit/process.hpp"

namespace {

using kspawn::Command;
using kspawn::SpawnError;
using kspawn::Stdio;
using kspawn::Step;

// Tidy looks for descriptors and children that were left.
class Errors : public kit::Tidy {
protected:
    static SpawnError thrown_by(const Command& command) {
        try {
            (void)command.spawn();
        } catch (const SpawnError& error) {
            return error;
        }
        ADD_FAILURE() << "it was started";
        return {0, Step::none, 0, ""};
    }
};

TEST_F(Errors, NoProgram) {
    const auto error = thrown_by(Command("/nonexistent/program"));
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(error.code().category(), std::generic_category());
    const std::string words = error.what();
    EXPECT_NE(words.find("/nonexistent/program"), std::string::npos) << words;
    const auto told = words.find("No such file");
    EXPECT_NE(told, std::string::npos) << words;
    EXPECT_EQ(words.find("No such file", told + 1), std::string::npos) << "once: " << words;
    EXPECT_EQ(error.step(), Step::exec);
}

int times_in(const std::string& text, const std::string& part) {
    int times = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++times;
    return times;
}

// Some failures come with a remark, which follows the error in C.
TEST_F(Errors, RemarksDoNotDoubleTheError) {
    const kit::Scratch directory;
    const auto script = directory.write("script", "#!/no/such/interpreter\n", 0700);
    EXPECT_EQ(std::string(thrown_by(Command(script)).what()),
              "exec " + script +
                  " (the file exists; the interpreter that it names does not?): No such file or "
                  "directory");
    const std::string what = thrown_by(Command("true").reset_ids().scheduler(1, 1000)).what();
    EXPECT_EQ(times_in(what, "Invalid argument"), 1) << what;
    if (!kit::by_kernel()) {
        const std::string unsupported = thrown_by(Command("true").ignore_signals({SIGUSR2})).what();
        EXPECT_EQ(times_in(unsupported, "not supported"), 1) << unsupported;
        EXPECT_EQ(times_in(unsupported, "libc cannot do this"), 1) << unsupported;
    }
}

TEST_F(Errors, WhichFileAction) {
    auto error = thrown_by(
        Command("true").stdin_from(Stdio::null()).stdout_to(Stdio::read("/nonexistent/file")));
    EXPECT_EQ(error.step(), Step::action);
    EXPECT_EQ(error.index(), 1U);
    EXPECT_STREQ(error.what(), "file action 1: open /nonexistent/file: No such file or directory");
    error = thrown_by(Command("true").current_dir("/dev/null"));
    EXPECT_EQ(error.step(), Step::action);
    EXPECT_EQ(error.code(), std::errc::not_a_directory);
}

TEST_F(Errors, WhichAttribute) {
    const auto error = thrown_by(Command("true").process_group(1));
    EXPECT_EQ(error.code(), std::errc::operation_not_permitted);
    EXPECT_EQ(error.step(), Step::attribute);
    EXPECT_EQ(error.index(), 0x02U);
}

// A pid namespace whose first process leads neither a group nor a session: in a container.
TEST_F(Errors, WhichAttributeInANamespace) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "root's";
    const std::string wrong = kspawn::test::in_a_fork([]() -> std::string {
        if (::unshare(CLONE_NEWPID) != 0)
            return "unshare";
        return kspawn::test::in_a_fork([]() -> std::string {
            if (::fork() == 0)
                for (;;)
                    ::pause();
            const auto error = thrown_by(Command("/bin/true").process_group(1));
            return error.step() == Step::attribute ? "" : error.what();
        });
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(Errors, ByCode) {
    std::error_code error = std::make_error_code(std::errc::timed_out);
    auto child = Command("true").spawn(error);
    EXPECT_FALSE(error) << "cleared";
    EXPECT_TRUE(child.wait().success());
    const auto none = Command("/nonexistent").spawn(error);
    EXPECT_FALSE(none);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    (void)Command("/nonexistent").status(error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    (void)Command("/nonexistent").output({}, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST_F(Errors, WhatCannotBeSaidToTheKernel) {
    const std::string nul("a\0b", 3);
    for (const auto& command :
         {Command(nul), Command("true").arg(nul), Command("true").arg0(nul),
          Command("true").env("X", nul), Command("true").env(nul, "x"),
          Command("true").env("", "x"), Command("true").env("A=B", "x"),
          Command("true").current_dir(nul), Command("true").stdin_from(Stdio::read(nul)),
          Command("true").scheduler(12345, 0)}) {
        const auto error = thrown_by(command);
        EXPECT_EQ(error.code(), std::errc::invalid_argument);
        EXPECT_EQ(error.step(), Step::prepare);
        EXPECT_GT(std::strlen(error.what()), std::strlen("Invalid argument")) << error.what();
    }
    EXPECT_EQ(thrown_by(Command("true").cgroup("/nonexistent")).step(), Step::prepare);
}

TEST_F(Errors, EmptyNameIsNoProgram) {
    EXPECT_EQ(thrown_by(Command("")).code(), std::errc::no_such_file_or_directory);
}

TEST_F(Errors, DescriptorThatIsNotOpen) {
    EXPECT_EQ(thrown_by(Command("true").stdin_from(Stdio::descriptor(987))).code(),
              std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown_by(Command("true").descriptor(987, Stdio::inherit())).code(),
              std::errc::bad_file_descriptor);
}

// Not "nothing was said".
TEST_F(Errors, DescriptorThatCannotBe) {
    const std::pair<const char*, Command> impossible[] = {
        {"descriptor of the working directory", Command("true").current_dir(-1)},
        {"descriptor of the working directory", Command("true").current_dir(-4711)},
        {"descriptor of the terminal", Command("true").foreground(-1)},
        {"descriptor 0 from descriptor -1", Command("true").stdin_from(Stdio::descriptor(-1))},
        {"descriptor 2147483647", Command("true").descriptor(2147483647, Stdio::null())},
        {"descriptor 2147483647 from descriptor 1",
         Command("true").descriptor(2147483647, Stdio::same_as(1))},
        {"lowest descriptor to close", Command("true").close_from(-1)},
    };
    for (const auto& [what, command] : impossible) {
        const auto error = thrown_by(command);
        EXPECT_EQ(error.code(), std::errc::bad_file_descriptor);
        EXPECT_EQ(error.step(), Step::prepare);
        EXPECT_EQ(error.what(), std::string(what) + ", negative or above the limit "
                                                    "(RLIMIT_NOFILE): Bad file descriptor");
    }
    EXPECT_TRUE(Command("true").current_dir(-1).current_dir("/").status().success());
}

TEST_F(Errors, NoDescriptorLeft) {
    // Another start first, which opens what the library keeps open.
    EXPECT_TRUE(Command("true").status().success());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit limit = before;
    std::vector<kspawn::FileDescriptor> hog;
    limit.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (;;) {
        kspawn::FileDescriptor one(::dup(0));
        if (!one)
            break;
        hog.push_back(std::move(one));
    }
    for (int spare = 0; spare < 6; ++spare) {
        std::error_code error;
        auto child =
            Command("true").stdin_from(Stdio::pipe()).stdout_to(Stdio::pipe()).spawn(error);
        if (error) {
            EXPECT_EQ(error, std::errc::too_many_files_open) << spare;
            EXPECT_EQ(kit::has_children(), false) << spare;
        } else {
            // For our ends of two pipes and a pidfd; libc needs both ends.
            EXPECT_GE(spare, kit::by_kernel() ? 3 : 5);
            EXPECT_TRUE(child.wait().success());
        }
        hog.pop_back();
    }
    hog.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
}

int signals = 0; // NOLINT
void count(int) {
    ++signals;
}

TEST_F(Errors, NoSignal) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "libc's failures leave a SIGCHLD";
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = count;
    ASSERT_EQ(::sigaction(SIGCHLD, &action, &before), 0);
    (void)thrown_by(Command("/nonexistent"));
    (void)thrown_by(Command("true").stdin_from(Stdio::read("/nonexistent")));
    EXPECT_EQ(signals, 0);
    ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_F(Errors, CopiesOfAnError) {
    const auto error = thrown_by(Command("/nonexistent"));
    const SpawnError copy = error; // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_STREQ(copy.what(), error.what());
    EXPECT_EQ(copy.step(), error.step());
    try {
        throw copy; // NOLINT
    } catch (const std::system_error& caught) {
        EXPECT_EQ(caught.code(), error.code());
    }
}

} // namespace
