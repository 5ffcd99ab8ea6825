// SPDX-License-Identifier: LGPL-2.1-or-later
// Program, arguments, environment, working directory.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "kit.hpp"

namespace {

using kit::shell;
using kspawn::Command;

class Arguments : public kit::Tidy {};

TEST_F(Arguments, ArriveAsTheyAre) {
    const auto output =
        Command("printf").arg("[%s]").args({"a b", "", "$HOME", "\"'\\", "\xff\n"}).output();
    EXPECT_TRUE(output.status.success());
    EXPECT_EQ(output.out, "[a b][][$HOME][\"'\\][\xff\n]");
}

TEST_F(Arguments, Arg0) {
    EXPECT_EQ(Command("/bin/sh").arg0("-me").args({"-c", "echo $0"}).output().out, "-me\n");
    EXPECT_EQ(Command("/bin/sh").args({"-c", "echo $0"}).output().out, "/bin/sh\n");
}

TEST_F(Arguments, CommandIsAValue) {
    const Command base = Command("echo").arg("a");
    Command other = base;
    other.arg("b");
    EXPECT_EQ(base.output().out, "a\n");
    EXPECT_EQ(other.output().out, "a b\n");
    EXPECT_EQ(base.output().out, "a\n") << "and can be started again";
}

TEST_F(Arguments, MegabyteOfThem) {
    Command command("printf");
    command.arg("%s");
    for (int i = 0; i < 1000; ++i)
        command.arg(std::string(1000, 'x'));
    EXPECT_EQ(command.output().out.size(), 1'000'000U);
}

class Environment : public kit::Tidy {
protected:
    void SetUp() override {
        Tidy::SetUp();
        ::setenv("KSPAWN_TEST", "inherited", 1);
    }
    void TearDown() override {
        ::unsetenv("KSPAWN_TEST");
        Tidy::TearDown();
    }
    static std::string seen(Command command) {
        return command.args({"-c", "echo ${KSPAWN_TEST-none}"}).output().out;
    }
};

TEST_F(Environment, InheritSetRemoveClear) {
    EXPECT_EQ(seen(Command("/bin/sh")), "inherited\n");
    EXPECT_EQ(seen(Command("/bin/sh").env("KSPAWN_TEST", "set")), "set\n");
    EXPECT_EQ(seen(Command("/bin/sh").env("KSPAWN_TEST", "")), "\n");
    EXPECT_EQ(seen(Command("/bin/sh").env_remove("KSPAWN_TEST")), "none\n");
    EXPECT_EQ(seen(Command("/bin/sh").env_clear()), "none\n");
    EXPECT_EQ(seen(Command("/bin/sh").env_clear().env("KSPAWN_TEST", "x=y")), "x=y\n");
    EXPECT_EQ(seen(Command("/bin/sh").env("KSPAWN_TEST", "x").env_clear()), "none\n");
}

TEST_F(Environment, OnlyWhatIsSaid) {
    const auto output = Command("/usr/bin/env").env_clear().envs({{"B", "2"}, {"A", "1"}}).output();
    EXPECT_EQ(output.out, "A=1\nB=2\n");
    EXPECT_EQ(Command("/usr/bin/env").env_clear().output().out, "");
}

TEST_F(Environment, EachVariableOnce) {
    const auto output = Command("/usr/bin/env").env("KSPAWN_TEST", "set").output().out;
    EXPECT_NE(output.find("KSPAWN_TEST=set\n"), std::string::npos);
    EXPECT_EQ(output.find("inherited"), std::string::npos);
}

TEST_F(Environment, PathOfTheChildIsSearched) {
    const kit::Scratch directory;
    directory.write("kspawn-test-program", "#!/bin/sh\necho found\n", 0755);
    EXPECT_EQ(Command("kspawn-test-program").env("PATH", directory.path()).output().out, "found\n");
    EXPECT_THROW((void)Command("kspawn-test-program").output(), kspawn::SpawnError);
    EXPECT_THROW((void)Command("ls").env("PATH", directory.path()).output(), kspawn::SpawnError);
}

TEST_F(Environment, SearchElsewhereOrNowhere) {
    const kit::Scratch directory;
    directory.write("kspawn-test-program", "#!/bin/sh\necho found\n", 0755);
    const auto list = "/no/such:" + directory.path().string();
    EXPECT_EQ(Command("kspawn-test-program").search(list).output().out, "found\n");
    EXPECT_THROW((void)Command("ls").search(list).output(), kspawn::SpawnError);
    EXPECT_THROW((void)Command("ls").search({}).output(), kspawn::SpawnError);
    EXPECT_EQ(Command("kspawn-test-program").search({}).current_dir(directory.path()).output().out,
              "found\n");
}

TEST_F(Environment, WithoutPathThereIsADefault) {
    EXPECT_TRUE(Command("true").env_remove("PATH").status().success());
    EXPECT_TRUE(Command("true").env_clear().status().success());
}

class WorkingDirectory : public kit::Tidy {};

TEST_F(WorkingDirectory, ByNameAndByDescriptor) {
    const kit::Scratch directory;
    EXPECT_EQ(Command("/bin/pwd").current_dir(directory.path()).output().out,
              directory.path().string() + "\n");
    const kspawn::FileDescriptor open(::open(directory.path().c_str(), O_PATH | O_CLOEXEC));
    EXPECT_EQ(Command("/bin/pwd").current_dir(open.get()).output().out,
              directory.path().string() + "\n");
    EXPECT_EQ(Command("/bin/pwd").current_dir("/").current_dir(open.get()).output().out,
              directory.path().string() + "\n");
    EXPECT_EQ(Command("/bin/pwd").current_dir(open.get()).current_dir("/").output().out, "/\n");
}

TEST_F(WorkingDirectory, DescriptorWhoseNumberIsTaken) {
    const kit::Scratch directory;
    const kspawn::FileDescriptor open(::open(directory.path().c_str(), O_PATH | O_CLOEXEC));
    const auto output = Command("/bin/pwd")
                            .descriptor(open.get(), kspawn::Stdio::null())
                            .current_dir(open.get())
                            .output();
    EXPECT_EQ(output.out, directory.path().string() + "\n");
}

TEST_F(WorkingDirectory, ProgramIsRelativeToIt) {
    const kit::Scratch directory;
    directory.write("program", "#!/bin/sh\necho found\n", 0755);
    EXPECT_EQ(Command("./program").current_dir(directory.path()).output().out, "found\n");
}

TEST_F(WorkingDirectory, FilesAreRelativeToTheCallers) {
    const kit::Scratch directory;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(directory.path());
    EXPECT_TRUE(shell("echo x")
                    .current_dir("/")
                    .stdout_to(kspawn::Stdio::write("here"))
                    .status()
                    .success());
    std::filesystem::current_path(before);
    EXPECT_EQ(kit::read_file(directory.path() / "here"), "x\n");
}

} // namespace
