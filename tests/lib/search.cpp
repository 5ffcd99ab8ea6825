// SPDX-License-Identifier: LGPL-2.1-or-later
// How a program is searched for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

// Programs that exit with a number of their own tell which was taken.
class Search : public Spawner {
protected:
    void TearDown() override { ::setenv("PATH", "/usr/bin:/bin", 1); }

    void program(const std::string& directory, const std::string& name, int code,
                 unsigned mode = 0755) {
        scratch.directory(directory);
        scratch.write(directory + "/" + name, "#!/bin/sh\nexit " + std::to_string(code) + "\n",
                      mode);
    }
    // The list's entries are directories of the scratch; "" stays "".
    void path(const std::vector<std::string>& directories) {
        std::string list;
        for (const auto& directory : directories) {
            if (&directory != &directories.front())
                list += ':';
            list += directory.empty() ? "" : scratch.file(directory);
        }
        ::setenv("PATH", list.c_str(), 1);
    }
    int search(const std::string& name) {
        const Strings argv{name};
        return kspawn_spawnp(&pid, name.c_str(), actions.get(), nullptr, argv.get(),
                             environment.get());
    }
    // The exit code of what was found, or minus the error number.
    int found(const std::string& name) {
        const int error = search(name);
        return error == 0 ? exit_code_of(pid) : -error;
    }
    void chdir(const std::string& directory) {
        ASSERT_EQ(kspawn_spawn_file_actions_addchdir(actions.get(), directory.c_str()), 0);
    }
};

TEST_F(Search, TakesTheFirst) {
    program("one", "tool", 11);
    program("two", "tool", 12);
    path({"one", "two"});
    EXPECT_EQ(found("tool"), 11);
    path({"two", "one"});
    EXPECT_EQ(found("tool"), 12);
}

TEST_F(Search, GoesOnWhereTheFileIsMissing) {
    scratch.directory("empty");
    program("two", "tool", 12);
    path({"absent", "empty", "two"});
    EXPECT_EQ(found("tool"), 12);
    EXPECT_EQ(found("other"), -ENOENT);
}

TEST_F(Search, GoesOnWherePermissionIsDenied) {
    program("one", "tool", 11, 0644);
    program("two", "tool", 12);
    path({"one", "two"});
    EXPECT_EQ(found("tool"), 12);
    path({"one", "absent"});
    EXPECT_EQ(found("tool"), -EACCES) << "and says so if nothing was found";
}

TEST_F(Search, GoesOnPastADirectoryOfThatName) {
    scratch.directory("one/tool");
    program("two", "tool", 12);
    path({"one", "two"});
    EXPECT_EQ(found("tool"), 12);
}

TEST_F(Search, GoesOnPastAFileInTheList) {
    scratch.write("file", "");
    program("two", "tool", 12);
    path({"file", "two"});
    EXPECT_EQ(found("tool"), 12);
}

TEST_F(Search, StopsAtAFileOfNoKnownFormat) {
    scratch.directory("one");
    scratch.write("one/tool", "exit 11\n", 0755);
    program("two", "tool", 12);
    path({"one", "two"});
    EXPECT_EQ(found("tool"), -ENOEXEC) << "no shell is tried, as in glibc since 2.15";
}

TEST_F(Search, NamesWithASlashAreNotSearchedFor) {
    program("one", "tool", 11);
    program("here/sub", "tool", 13);
    path({"one"});
    EXPECT_EQ(found(scratch.file("one/tool")), 11);
    EXPECT_EQ(found("./tool"), -ENOENT);
    chdir(scratch.file("here"));
    EXPECT_EQ(found("sub/tool"), 13);
}

TEST_F(Search, EmptyDirectoriesAreTheWorkingDirectory) {
    program("here", "tool", 13);
    chdir(scratch.file("here"));
    for (const auto& directories : std::vector<std::vector<std::string>>{
             {"", "absent"}, {"absent", ""}, {"absent", "", "other"}, {""}}) {
        path(directories);
        EXPECT_EQ(found("tool"), 13) << std::getenv("PATH");
    }
    path({"absent"});
    EXPECT_EQ(found("tool"), -ENOENT);
}

TEST_F(Search, RelativeDirectoriesAreSeenByTheChild) {
    program("here/bin", "tool", 13);
    ::setenv("PATH", "bin", 1);
    EXPECT_EQ(found("tool"), -ENOENT);
    chdir(scratch.file("here"));
    EXPECT_EQ(found("tool"), 13);
}

TEST_F(Search, EmptyNameIsNotThere) {
    path({"one"});
    EXPECT_EQ(found(""), -ENOENT);
}

TEST_F(Search, UsesOurPathNotTheChilds) {
    program("ours", "tool", 11);
    path({"ours"});
    const Strings argv{"tool"};
    const Strings theirs{"PATH=/absent"};
    ASSERT_EQ(kspawn_spawnp(&pid, "tool", nullptr, nullptr, argv.get(), theirs.get()), 0);
    EXPECT_EQ(exit_code_of(pid), 11);
}

TEST_F(Search, WithoutPathTheSystemsOwnIsUsed) {
    ::unsetenv("PATH");
    EXPECT_EQ(found("true"), 0);
    EXPECT_EQ(found("kspawn-no-such-program"), -ENOENT);
    std::string standard(::confstr(_CS_PATH, nullptr, 0), '\0');
    ::confstr(_CS_PATH, standard.data(), standard.size());
    standard.pop_back();
    EXPECT_EQ(last_failure().words,
              "search kspawn-no-such-program in " + standard + ": No such file or directory");
}

// Not PATH, which is another.
TEST_F(Search, FailureNamesTheListThatWasSearched) {
    path({"one"});
    const auto words_for = [this](const char* search) {
        const Strings argv{"nope"};
        EXPECT_EQ(kspawn_spawn_search_np(&pid, nullptr, "nope", search, nullptr, nullptr,
                                         argv.get(), nullptr),
                  ENOENT);
        return last_failure().words;
    };
    EXPECT_EQ(words_for("/srv:/mnt"), "search nope in /srv:/mnt: No such file or directory");
    EXPECT_EQ(words_for(""), "search nope in the working directory: No such file or directory");
}

TEST_F(Search, LongListsHaveALimit) {
    KSPAWN_NOT_THROUGH_LIBC("there is no such limit");
    std::string list = "/usr/bin:";
    list.resize(131'071, 'x');
    ::setenv("PATH", list.c_str(), 1);
    EXPECT_EQ(found("true"), 0);
    list += 'x';
    ::setenv("PATH", list.c_str(), 1);
    EXPECT_EQ(found("true"), -E2BIG);
    EXPECT_EQ(last_failure().index, static_cast<unsigned>(KSPAWN_ARG_SEARCH));
}

TEST_F(Search, ArgvIsLeftAlone) {
    scratch.directory("bin");
    std::filesystem::copy_file(helper("child"), scratch.file("bin/tool"));
    path({"bin"});
    const Strings argv{"another name", "report", scratch.file("report")};
    ASSERT_EQ(kspawn_spawnp(&pid, "tool", nullptr, nullptr, argv.get(), nullptr), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    const auto report = read_report(scratch.read("report"));
    EXPECT_EQ(report["argv"][0], "another name");
    EXPECT_EQ(report["exe"], scratch.file("bin/tool"));
}

TEST_F(Search, AListOfOnesOwn) {
    program("one", "tool", 11);
    const Strings argv{"tool"};
    int pidfd = -1;
    const auto list = "/absent:" + scratch.file("one");
    ASSERT_EQ(kspawn_spawn_search_np(&pid, &pidfd, "tool", list.c_str(), nullptr, nullptr,
                                     argv.get(), nullptr),
              0);
    EXPECT_GE(pidfd, 0);
    ::close(pidfd);
    EXPECT_EQ(exit_code_of(pid), 11);
    EXPECT_EQ(kspawn_spawn_search_np(&pid, nullptr, "tool", nullptr, nullptr, nullptr, argv.get(),
                                     nullptr),
              ENOENT)
        << "without a list there is no search";
}

// The library itself goes through such a list where libc starts the program.
class OwnList : public Search {
protected:
    // The exit code of what was found, or minus the error number.
    int found_in(const std::string& list, const std::string& name) {
        const Strings argv{name};
        const int error = kspawn_spawn_search_np(&pid, nullptr, name.c_str(), list.c_str(),
                                                 actions.get(), nullptr, argv.get(), nullptr);
        return error == 0 ? exit_code_of(pid) : -error;
    }
};

TEST_F(OwnList, GoesOnWherePermissionIsDenied) {
    program("one", "tool", 11, 0644);
    program("two", "tool", 12);
    EXPECT_EQ(found_in(scratch.file("one") + ":" + scratch.file("two"), "tool"), 12);
    EXPECT_EQ(found_in(scratch.file("one") + ":/absent", "tool"), -EACCES);
}

TEST_F(OwnList, GoesOnPastADirectoryOfThatName) {
    scratch.directory("one/tool");
    program("two", "tool", 12);
    EXPECT_EQ(found_in(scratch.file("one") + ":" + scratch.file("two"), "tool"), 12);
}

TEST_F(OwnList, EmptyDirectoryIsTheWorkingDirectory) {
    program("here", "tool", 13);
    const auto wrong = in_a_fork([this]() -> std::string {
        std::filesystem::current_path(scratch.file("here"));
        const int code = found_in("/absent:", "tool");
        return code == 13 ? "" : std::to_string(code);
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(OwnList, RelativeDirectoryIsSeenByTheChild) {
    program("here/bin", "tool", 13);
    chdir(scratch.file("here"));
    EXPECT_EQ(found_in("bin", "tool"), through_libc() ? -ENOTSUP : 13);
}

TEST_F(OwnList, EmptyNameIsNotThere) {
    scratch.directory("one");
    EXPECT_EQ(found_in(scratch.file("one"), ""), -ENOENT);
}

TEST_F(Search, ScriptsSeeTheirPath) {
    scratch.directory("bin");
    scratch.write("bin/tool", "#!/bin/sh\necho \"$0\" >" + scratch.file("name") + "\n", 0755);
    path({"bin"});
    EXPECT_EQ(found("tool"), 0);
    EXPECT_EQ(scratch.read("name"), scratch.file("bin/tool") + "\n");
}

} // namespace

} // namespace kspawn::test
