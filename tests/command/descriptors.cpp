// SPDX-License-Identifier: LGPL-2.1-or-later
// The descriptors of the child.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Command;
using kspawn::FileDescriptor;
using kspawn::Stdio;

class Descriptors : public kit::Tidy {
protected:
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

    FileDescriptor file(const std::string& name, const std::string& text, int flags = O_CLOEXEC) {
        return FileDescriptor(::open(directory_.write(name, text).c_str(), O_RDWR | flags));
    }

private:
    kit::Scratch directory_;
};

// Numbers of the descriptors that the child has, its own for the listing aside.
// A shell's builtins read the directory, so that no further program is there.
std::string listed(Command command) {
    command.arg("-c").arg("cd /proc/self/fd; for n in *; do [ -e $n ] && echo -n \"$n \"; done");
    const auto output = command.output();
    EXPECT_TRUE(output.status.success() || !output.out.empty()) << output.err;
    return output.out;
}

TEST_F(Descriptors, Files) {
    const auto path = directory() / "file";
    EXPECT_TRUE(shell("echo one").stdout_to(Stdio::write(path)).status().success());
    EXPECT_TRUE(shell("echo two").stdout_to(Stdio::append(path)).status().success());
    EXPECT_EQ(shell("cat").stdin_from(Stdio::read(path)).output().out, "one\ntwo\n");
    EXPECT_TRUE(shell("echo three").stdout_to(Stdio::write(path)).status().success());
    EXPECT_EQ(kit::read_file(path), "three\n");
    EXPECT_FALSE(shell("echo four >&2")
                     .stderr_to(Stdio::file(path, O_WRONLY | O_CREAT | O_EXCL, 0600))
                     .status(*std::make_unique<std::error_code>())
                     .success());
    EXPECT_EQ(kit::read_file(path), "three\n") << "O_EXCL was not heeded";
}

TEST_F(Descriptors, Null) {
    EXPECT_EQ(shell("cat; echo done").stdin_from(Stdio::null()).output().out, "done\n");
    EXPECT_EQ(shell("echo x").stdout_to(Stdio::null()).output().out, "");
}

TEST_F(Descriptors, Closed) {
    EXPECT_EQ(shell("[ -e /proc/self/fd/0 ] || echo none").stdin_from(Stdio::closed()).output().out,
              "none\n");
}

TEST_F(Descriptors, BorrowedAndOwned) {
    FileDescriptor open = file("file", "text");
    EXPECT_EQ(shell("cat").stdin_from(Stdio::descriptor(open.get())).output().out, "text");
    EXPECT_NE(::fcntl(open.get(), F_GETFD), -1) << "it stays ours";
    EXPECT_EQ(::lseek(open.get(), 0, SEEK_CUR), 4) << "and is the same open file";
    ASSERT_EQ(::lseek(open.get(), 0, SEEK_SET), 0);
    const int number = open.get();
    {
        const Command command = shell("cat").stdin_from(Stdio::descriptor(std::move(open)));
        EXPECT_EQ(command.output().out, "text"); // NOLINT
        EXPECT_NE(::fcntl(number, F_GETFD), -1);
    }
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "it goes with the last copy";
}

TEST_F(Descriptors, Merged) {
    const Command script = shell("echo a; echo b >&2; echo c");
    EXPECT_EQ(Command(script).stderr_to(Stdio::same_as(1)).output().out, "a\nb\nc\n");
    const auto path = directory() / "both";
    EXPECT_TRUE(Command(script)
                    .stdout_to(Stdio::write(path))
                    .stderr_to(Stdio::same_as(1))
                    .status()
                    .success());
    EXPECT_EQ(kit::read_file(path), "a\nb\nc\n");
}

TEST_F(Descriptors, MergedWithOneThatIsInherited) {
    const FileDescriptor open = file("file", "");
    EXPECT_TRUE(shell("echo x >&" + std::to_string(open.get() + 1))
                    .descriptor(open.get() + 1, Stdio::same_as(open.get()))
                    .status()
                    .success());
    EXPECT_EQ(kit::read_file(directory() / "file"), "x\n");
}

TEST_F(Descriptors, MergedWithMergedIsRefused) {
    std::error_code error;
    (void)Command("true").stdout_to(Stdio::same_as(2)).stderr_to(Stdio::same_as(1)).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument);
}

TEST_F(Descriptors, Exchanged) {
    const FileDescriptor a = file("a", "A");
    const FileDescriptor b = file("b", "B");
    const FileDescriptor c = file("c", "C");
    const auto script = "cat <&" + std::to_string(a.get()) + "; cat <&" + std::to_string(b.get()) +
                        "; cat <&" + std::to_string(c.get());
    const auto output = shell(script)
                            .descriptor(a.get(), Stdio::descriptor(b.get()))
                            .descriptor(b.get(), Stdio::descriptor(c.get()))
                            .descriptor(c.get(), Stdio::descriptor(a.get()))
                            .output();
    EXPECT_EQ(output.out, "BCA") << output.err;
}

TEST_F(Descriptors, InheritClearsCloseOnExec) {
    const FileDescriptor open = file("file", "text");
    const auto script = "cat <&" + std::to_string(open.get());
    EXPECT_FALSE(shell(script).output().status.success());
    EXPECT_EQ(shell(script).descriptor(open.get(), Stdio::inherit()).output().out, "text");
    EXPECT_EQ(::fcntl(open.get(), F_GETFD), FD_CLOEXEC) << "in the child, not here";
}

TEST_F(Descriptors, InheritIfOpen) {
    const FileDescriptor open = file("file", "text");
    const auto script = "cat <&" + std::to_string(open.get());
    EXPECT_EQ(shell(script)
                  .descriptor(open.get(), Stdio::inherit_if_open())
                  .descriptor(open.get() + 50, Stdio::inherit_if_open())
                  .output()
                  .out,
              "text");
}

TEST_F(Descriptors, CloseOthers) {
    const FileDescriptor open = file("file", "", 0);
    const FileDescriptor kept = file("kept", "", 0);
    const FileDescriptor also = file("also", "", 0);
    const auto number = std::to_string(kept.get());
    EXPECT_NE(listed(Command("/bin/sh")).find(' ' + std::to_string(open.get()) + ' '),
              std::string::npos);
    const auto seen = listed(
        Command("/bin/sh").close_other_descriptors().descriptor(kept.get(), Stdio::inherit()));
    const auto count = [&](const FileDescriptor& one) {
        return (' ' + seen).find(' ' + std::to_string(one.get()) + ' ') != std::string::npos;
    };
    EXPECT_TRUE(count(kept)) << seen;
    EXPECT_FALSE(count(also)) << seen;
    EXPECT_TRUE(seen.starts_with("0 1 2 ")) << seen;
}

// More numbers lie between those that are kept than a start can have actions.
TEST_F(Descriptors, CloseOthersBelowAHighNumber) {
    const FileDescriptor open = file("file", "", 0);
    const FileDescriptor kept = file("kept", "", 0);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    constexpr int high = 70'000;
    const rlimit limit{.rlim_cur = high + 2, // what is above it is closed as well
                       .rlim_max = std::max<rlim_t>(before.rlim_max, high + 2)};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        GTEST_SKIP() << "the limit on descriptors cannot be raised";
    const auto seen = listed(Command("/bin/sh").close_other_descriptors().descriptor(
        high, Stdio::descriptor(kept.get())));
    EXPECT_NE(seen.find(" 70000 "), std::string::npos) << seen;
    EXPECT_TRUE(seen.starts_with("0 1 2 ")) << seen;
    EXPECT_EQ((' ' + seen).find(' ' + std::to_string(open.get()) + ' '), std::string::npos) << seen;
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(Descriptors, CloseFrom) {
    const FileDescriptor open = file("file", "", 0);
    const auto number = open.get();
    const auto seen = listed(Command("/bin/sh")
                                 .descriptor(number, Stdio::inherit())
                                 .descriptor(number + 1, Stdio::descriptor(number))
                                 .close_from(number + 1));
    const auto has = [&](int one) {
        return (' ' + seen).find(' ' + std::to_string(one) + ' ') != std::string::npos;
    };
    EXPECT_TRUE(has(number)) << seen;
    EXPECT_FALSE(has(number + 1)) << seen << "whatever was said of it";
}

TEST_F(Descriptors, PipesOfOtherNumbers) {
    auto child = shell("cat <&7 >&9")
                     .descriptor(7, Stdio::pipe_to_child())
                     .descriptor(9, Stdio::pipe_from_child())
                     .spawn();
    EXPECT_TRUE(child.pipe(7));
    EXPECT_FALSE(child.pipe(8));
    EXPECT_FALSE(child.stdin_pipe());
    child.pipe(7).write_all("through");
    child.pipe(7).close();
    EXPECT_EQ(child.pipe(9).read_all(), "through");
    EXPECT_TRUE(child.wait().success());
}

TEST_F(Descriptors, ChildHasNoEndOfOursAndNothingElse) {
    const auto before = listed(Command("/bin/sh"));
    auto idle = Command("cat").stdin_from(Stdio::pipe()).stdout_to(Stdio::pipe()).spawn();
    EXPECT_EQ(listed(Command("/bin/sh")), before)
        << "ends of another child's pipes, or its pidfd, were inherited";
    EXPECT_TRUE(idle.wait().success()) << "nobody else has the end of its input";
}

TEST_F(Descriptors, WithTheFirstThreeClosedHere) {
    // In a process of its own: this one needs its descriptors.
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(0);
        ::close(1);
        ::close(2);
        const auto output = shell("cat; echo err >&2").output("in");
        ::_exit(output.out == "in" && output.err == "err\n" ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

TEST_F(Descriptors, PipesWhoseNumbersAreTaken) {
    // The pipes will have the lowest free numbers, which are targets here.
    const FileDescriptor open = file("file", "text");
    Command command = shell("cat <&" + std::to_string(open.get() + 1) + "; cat");
    for (int i = 1; i <= 8; ++i)
        command.descriptor(open.get() + i, Stdio::descriptor(open.get()));
    EXPECT_EQ(command.output("input").out, "textinput");
}

TEST_F(Descriptors, NegativeAndBeyondTheLimit) {
    std::error_code error;
    (void)Command("true").descriptor(-1, Stdio::null()).spawn(error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)Command("true").descriptor(static_cast<int>(limit.rlim_cur), Stdio::null()).spawn(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

} // namespace
