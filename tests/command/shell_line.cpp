// SPDX-License-Identifier: LGPL-2.1-or-later
// The getters of Command, and Command::shell_line().
#include <kspawn/pipeline.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kit.hpp"

namespace {

using kit::Scratch;
using kspawn::Command;

class Said : public kit::Tidy {};

TEST_F(Said, Getters) {
    auto command = Command("git").arg("log").args({"-1", ""}).env("A", "1").env_remove("B");
    EXPECT_EQ(command.program(), "git");
    EXPECT_EQ(command.argument0(), "git");
    EXPECT_EQ(command.arguments(), (std::vector<std::string>{"log", "-1", ""}));
    EXPECT_EQ(command.environment_changes(),
              (std::map<std::string, std::optional<std::string>>{{"A", "1"}, {"B", std::nullopt}}));
    EXPECT_TRUE(command.inherits_environment());
    EXPECT_EQ(command.directory(), std::nullopt);
    command.arg0("-git").env_clear().current_dir("/src");
    EXPECT_EQ(command.argument0(), "-git");
    EXPECT_TRUE(command.environment_changes().empty());
    EXPECT_FALSE(command.inherits_environment());
    EXPECT_EQ(command.directory(), "/src");
    EXPECT_EQ(command.current_dir(7).directory(), std::nullopt);
}

TEST_F(Said, ShellLine) {
    EXPECT_EQ(Command("git").args({"log", "-1", "a=b"}).shell_line(), "git log -1 a=b");
    EXPECT_EQ(Command("git").args({"commit", "-m", "it's done"}).env("LC_ALL", "C").shell_line(),
              "env LC_ALL=C git commit -m 'it'\\''s done'");
    EXPECT_EQ(Command("make").current_dir("/src").shell_line(), "cd /src && make");
    EXPECT_EQ(Command("make").env_clear().env_remove("A").shell_line(), "env -i -u A make");
    EXPECT_EQ(Command("x y").arg("").shell_line(), "'x y' ''");
    EXPECT_EQ(Command("tool").search({}).shell_line(), "./tool");
    EXPECT_EQ(
        kspawn::pipeline({Command("cat").arg("a b"), Command("wc").current_dir("/")}).shell_line(),
        "cat 'a b' | (cd / && wc)");
}

// By sh and without it, a program is the same.
void expect_same(Command command) {
    const auto direct = command.output();
    const auto line = command.shell_line();
    const auto by_shell = Command("/bin/sh").args({"-c", line}).output();
    EXPECT_TRUE(direct.status.success()) << line << ": " << direct.err;
    EXPECT_FALSE(direct.out.empty()) << line;
    EXPECT_EQ(by_shell.out, direct.out) << line << ": " << by_shell.err;
    EXPECT_EQ(by_shell.status, direct.status) << line;
}

TEST_F(Said, ShellReadsArguments) {
    std::string all;
    // Each as the whole of an argument, where it may mean something that it does not inside.
    Command each("/usr/bin/printf");
    each.arg("[%s]");
    for (int byte = 1; byte < 256; ++byte) {
        all += static_cast<char>(byte);
        each.arg(std::string(1, all.back()));
    }
    expect_same(each);
    expect_same(Command("/usr/bin/printf").args({"[%s]", all, "", "''", "\\", "$HOME `id` *"}));
    expect_same(Command("/usr/bin/printf").args({"[%s]", "~", "a=~", "#", "-n", "--", "{a,b}"}));
}

TEST_F(Said, ShellStartsTheProgramAndNotItsOwnCommand) {
    const Scratch directory;
    // Each tells its arguments.  Argument 0, which a line for sh leaves out, is another.
    const auto path = directory.path().string() + ":" + std::getenv("PATH");
    for (const char* const name : {"echo", "if", "test", "exec", "a=b", "declare", "-x", "x y",
                                   "%1", "done", "it's", "plain", "["}) {
        directory.write(name, "#!/bin/sh -\nprintf '<%s>' found \"$@\"\n", 0755);
        expect_same(Command(name).args({"-n", "c d"}).env("PATH", path));
        expect_same(Command(name).args({"-n"}).env("PATH", path).env("-X", "y").env_remove("HOME"));
        expect_same(Command("./" + std::string(name)).arg("1").current_dir(directory.path()));
        expect_same(Command(name).arg("1").search({}).current_dir(directory.path()));
    }
    // Without a change of the environment, the caller's PATH is searched.
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", path.c_str(), 1);
    for (const char* const name : {"echo", "if", "a=b", "declare", "x y", "%1", "it's", "["})
        expect_same(Command(name).arg("-n"));
    ::setenv("PATH", before.c_str(), 1);
}

TEST_F(Said, ShellSetsTheEnvironment) {
    ::setenv("KSPAWN_TEST", "inherited", 1);
    expect_same(Command("/usr/bin/env").env_clear().env("A", "it's\n$x").env("B-C", "1"));
    expect_same(Command("/usr/bin/env").env_clear().env("-u", "no option").env("-S", "x"));
    expect_same(Command("printenv").arg("KSPAWN_TEST"));
    expect_same(Command("printenv").arg("KSPAWN_TEST").env("KSPAWN_TEST", "a b"));
    expect_same(Command("/bin/sh")
                    .args({"-c", "echo \"[${KSPAWN_TEST-none}][$OTHER]\""})
                    .env_remove("KSPAWN_TEST")
                    .env("OTHER", "~"));
    ::unsetenv("KSPAWN_TEST");
}

TEST_F(Said, ShellChangesTheDirectory) {
    const Scratch directory;
    const auto before = std::filesystem::current_path();
    std::filesystem::create_directories(directory.path() / "-" / "b c");
    std::filesystem::create_directories(directory.path() / "deep" / "inner");
    std::filesystem::create_symlink("deep/inner", directory.path() / "link");
    std::filesystem::current_path(directory.path());
    ::setenv("CDPATH", "/", 1);
    for (const char* const place : {"-", "-/b c", "deep", "./deep", "link/..", "..", "/"})
        expect_same(Command("/bin/pwd").arg("-P").current_dir(place));
    ::unsetenv("CDPATH");
    std::filesystem::current_path(before);
}

TEST_F(Said, ShellRunsPipelines) {
    const auto both = kspawn::pipeline({Command("echo").arg("a\nb"), Command("wc").arg("-l")});
    EXPECT_EQ(Command("/bin/sh").args({"-c", both.shell_line()}).output().out, both.output().out);
}

} // namespace
